package dev.troupe.redis;

import dev.troupe.resilience.Limit;
import java.math.BigInteger;

/** How long permits of a rate take to come back, in nanoseconds. */
final class RedisCost {
  /** Of what was used beyond what was reserved, no more than fifty years count. */
  private static final BigInteger MOST = BigInteger.valueOf(1_577_880_000_000_000_000L);

  /** Lua's numbers are exact up to here, then of each eight at least one. */
  private static final long EXACT = 1L << 53;

  private RedisCost() {}

  /** Rounded up, and beyond a hundred days to what a double holds. */
  static long nanos(Limit.Rate rate, long permits) {
    long exact = exact(rate, permits);
    return exact < EXACT ? exact : (exact + 7) / 8 * 8;
  }

  private static long exact(Limit.Rate rate, long permits) {
    long window = rate.window().toNanos();
    long steps = rate.permits() - rate.burst() + 1;
    if (Math.multiplyHigh(permits, window) == 0 && permits * window >= 0) {
      long all = permits * window;
      return Math.min(all / steps + (all % steps == 0 ? 0 : 1), MOST.longValueExact());
    }
    BigInteger[] parts =
        BigInteger.valueOf(permits)
            .multiply(BigInteger.valueOf(window))
            .divideAndRemainder(BigInteger.valueOf(steps));
    return parts[0].add(BigInteger.valueOf(parts[1].signum())).min(MOST).longValueExact();
  }

  /**
   * How far ahead of their turn permits may be granted. Costs are rounded up, so that a burst of
   * single permits costs a little more than one of all at once; what is added for that is less than
   * a microsecond, and times of decisions are whole microseconds.
   */
  private static long tolerance(Limit.Rate rate) {
    return nanos(rate, rate.burst()) + Math.min(rate.burst(), 999);
  }

  /** What may lie ahead when permits are to be granted, at least one. */
  static long room(Limit.Rate rate, long permits) {
    long room = tolerance(rate) - nanos(rate, Math.max(1, permits));
    return room < EXACT ? room : room / 8 * 8;
  }
}
