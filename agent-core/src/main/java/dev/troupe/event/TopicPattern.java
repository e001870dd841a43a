package dev.troupe.event;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Names of topics, part by part between dots: {@code *} stands for one part, {@code **} for any
 * number, also none.
 */
final class TopicPattern {
  /** The library's own topics, which only patterns that begin so mean. */
  private static final String OWN = "troupe";

  private static final Pattern DOT = Pattern.compile("\\.");

  private final String text;
  private final List<String> parts;

  TopicPattern(String text) {
    this.text = text;
    this.parts = parts(text);
    for (String part : parts) {
      if (part.equals("*") || part.equals("**")) {
        continue;
      }
      if (part.indexOf('*') >= 0) {
        throw wrong(
            "a star stands alone between dots, for a whole part",
            "write " + part.replaceAll("\\*+", "") + ".* for the topics below it");
      }
      if (part.isEmpty()) {
        throw wrong("a part between dots is empty", "take the dot away, or write * for any part");
      }
      Names.check("part of a pattern", part);
    }
  }

  private AgentException wrong(String what, String fix) {
    return new AgentException(
        ErrorCode.INVALID_INPUT, "pattern '%s': %s; %s".formatted(text, what, fix));
  }

  /** Whether somebody means a pattern, and not a topic. */
  static boolean isPattern(String text) {
    return text.indexOf('*') >= 0;
  }

  private static List<String> parts(String name) {
    return List.of(DOT.split(name, -1));
  }

  boolean fits(String topic) {
    List<String> names = parts(topic);
    return (!names.get(0).equals(OWN) || parts.get(0).equals(OWN)) && fits(names);
  }

  /** Part by part, with all places of the name at which the pattern may stand by then. */
  private boolean fits(List<String> names) {
    boolean[] at = new boolean[names.size() + 1];
    at[0] = true;
    for (String part : parts) {
      boolean[] next = new boolean[at.length];
      for (int i = 0; i < at.length; i++) {
        if (part.equals("**")) {
          next[i] = at[i] || (i > 0 && next[i - 1]);
        } else if (i > 0 && at[i - 1]) {
          next[i] = part.equals("*") || part.equals(names.get(i - 1));
        }
      }
      at = next;
    }
    return at[names.size()];
  }

  @Override
  public String toString() {
    return text;
  }
}
