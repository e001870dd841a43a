package dev.troupe.agent;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;

/** The one rule for names that become part of a journal's paths or of a key. */
final class Names {
  private static final int MAX = 200;

  private Names() {}

  static String check(String what, String name) {
    boolean bad = name.isBlank() || name.length() > MAX;
    for (int i = 0; i < name.length() && !bad; i++) {
      char c = name.charAt(i);
      bad = c == '/' || c == '#' || c == '$' || Character.isISOControl(c);
    }
    if (bad) {
      throw new AgentException(
          ErrorCode.INVALID_INPUT,
          "%s must have 1 to %d characters without / # $ and control characters, this has %d: %s"
              .formatted(what, MAX, name.length(), shown(name)));
    }
    return name;
  }

  private static String shown(String name) {
    String head = name.length() > 40 ? name.substring(0, 40) + "…" : name;
    StringBuilder out = new StringBuilder("'");
    head.chars().forEach(c -> out.append(Character.isISOControl(c) ? '?' : (char) c));
    return out.append('\'').toString();
  }
}
