package dev.troupe.agent;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;

/** The one rule for names that become part of a journal's path or of a record's key. */
public final class Names {
  private static final int MAX = 200;

  private Names() {}

  /**
   * Checks a name: 1 to 200 characters, not blank, without {@code / # $}, control characters and
   * halves of surrogate pairs.
   *
   * @param what what it names, for the message
   * @param name the name
   * @return the name
   * @throws AgentException with {@link ErrorCode#INVALID_INPUT} when it breaks the rule
   */
  public static String check(String what, String name) {
    boolean bad = name.isBlank() || name.length() > MAX;
    for (int i = 0; i < name.length() && !bad; i++) {
      char c = name.charAt(i);
      boolean pair =
          Character.isHighSurrogate(c)
              && i + 1 < name.length()
              && Character.isLowSurrogate(name.charAt(i + 1));
      bad =
          c == '/'
              || c == '#'
              || c == '$'
              || Character.isISOControl(c)
              || (Character.isSurrogate(c) && !pair);
      i += pair ? 1 : 0;
    }
    if (bad) {
      throw new AgentException(
          ErrorCode.INVALID_INPUT,
          "%s must have 1 to %d characters without / # $, control characters and broken surrogate pairs, this has %d: %s"
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
