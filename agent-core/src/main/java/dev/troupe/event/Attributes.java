package dev.troupe.event;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;

/** What holds for the attributes of events, and the extensions that the library reads. */
final class Attributes {
  static final String KEY = "partitionkey";
  static final String CORRELATION = "correlationid";
  static final String CAUSATION = "causationid";
  static final String TRACE = "traceparent";
  static final String TRACE_STATE = "tracestate";

  private static final int LONGEST = 2_000;
  private static final String PROCESS = UUID.randomUUID().toString().replace("-", "");
  private static final AtomicLong COUNT = new AtomicLong();

  private Attributes() {}

  /** An id that is unique without asking the system's source of chance for each. */
  static String nextId() {
    return PROCESS + "-" + COUNT.incrementAndGet();
  }

  /** The value, which is well. */
  static String check(String name, String value) {
    if (value.isEmpty() || value.length() > LONGEST) {
      throw new AgentException(
          ErrorCode.INVALID_INPUT,
          "an event's %s has 1 to %d characters, not %d".formatted(name, LONGEST, value.length()));
    }
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      boolean half = Character.isSurrogate(c) && !whole(value, i);
      if (c < ' ' || c == 0x7f || half) {
        throw new AgentException(
            ErrorCode.INVALID_INPUT,
            "an event's %s has the character U+%04X at place %d".formatted(name, (int) c, i));
      }
    }
    return value;
  }

  private static boolean whole(String text, int i) {
    return Character.isHighSurrogate(text.charAt(i))
        ? i + 1 < text.length() && Character.isLowSurrogate(text.charAt(i + 1))
        : i > 0 && Character.isHighSurrogate(text.charAt(i - 1));
  }

  /** The value of an extension, which is well and has a name that extensions may have. */
  static String extension(String name, String value) {
    if (!EventText.isExtension(name)) {
      throw new AgentException(
          ErrorCode.INVALID_INPUT,
          "an extension has 1 to 40 lower-case letters or digits and the name of no attribute: '"
              + name
              + "'");
    }
    return check(name, value);
  }
}
