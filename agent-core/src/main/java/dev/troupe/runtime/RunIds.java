package dev.troupe.runtime;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.util.UUID;

/** Ids as hosts give them. */
final class RunIds {
  private static final int MAX = 200;

  private RunIds() {}

  static String random() {
    return UUID.randomUUID().toString();
  }

  static String check(String what, String id) {
    boolean bad = id.isBlank() || id.length() > MAX;
    for (int i = 0; i < id.length() && !bad; i++) {
      char c = id.charAt(i);
      bad = c == '/' || c == '#' || c == '$' || Character.isISOControl(c);
    }
    if (bad) {
      throw new AgentException(
          ErrorCode.INVALID_INPUT,
          "%s must have 1 to %d characters without / # $ and control characters, this has %d"
              .formatted(what, MAX, id.length()));
    }
    return id;
  }
}
