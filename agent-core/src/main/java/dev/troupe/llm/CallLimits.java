package dev.troupe.llm;

import java.time.Duration;

/**
 * How long one call of a provider may take, and how much may come back.
 *
 * @param timeLimit for the whole call, more than zero
 * @param idleLimit how long a stream may be silent, from the request on, more than zero
 * @param maxCharacters of the answer: text, thinking and arguments of tool calls together
 */
public record CallLimits(Duration timeLimit, Duration idleLimit, long maxCharacters) {
  /** Five minutes, of which a minute may be silent, and two million characters. */
  public static final CallLimits USUAL =
      new CallLimits(Duration.ofMinutes(5), Duration.ofMinutes(1), 2_000_000);

  /** Checks the numbers. */
  public CallLimits {
    positive("timeLimit", timeLimit);
    positive("idleLimit", idleLimit);
    if (maxCharacters < 1) {
      throw new IllegalArgumentException("maxCharacters must be at least 1: " + maxCharacters);
    }
  }

  private static void positive(String what, Duration duration) {
    if (duration.isNegative() || duration.isZero()) {
      throw new IllegalArgumentException(what + " must be more than zero: " + duration);
    }
  }
}
