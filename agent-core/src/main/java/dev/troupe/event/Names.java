package dev.troupe.event;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;

/**
 * What topics and groups may be called: what Kafka allows for topics, so that every transport can.
 */
final class Names {
  private static final int LONGEST = 200;

  private Names() {}

  static void check(String what, String name) {
    boolean well = !name.isEmpty() && name.length() <= LONGEST;
    for (int i = 0; well && i < name.length(); i++) {
      char c = name.charAt(i);
      well =
          (c >= 'a' && c <= 'z')
              || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9')
              || c == '.'
              || c == '_'
              || c == '-';
    }
    if (!well || name.equals(".") || name.equals("..")) {
      throw new AgentException(
          ErrorCode.INVALID_INPUT,
          "a %s has 1 to %d letters, digits, dots, dashes and underscores: '%s'"
              .formatted(what, LONGEST, name));
    }
  }
}
