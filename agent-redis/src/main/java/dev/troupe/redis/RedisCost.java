package dev.troupe.redis;

import dev.troupe.resilience.Limit;
import java.math.BigInteger;

/** How long permits of a rate take to come back, in nanoseconds. */
final class RedisCost {
  /** Of what was used beyond what was reserved, no more than fifty years count. */
  private static final BigInteger MOST = BigInteger.valueOf(1_577_880_000_000_000_000L);

  private RedisCost() {}

  /** Rounded up. */
  static long nanos(Limit.Rate rate, long permits) {
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
  static long tolerance(Limit.Rate rate) {
    return nanos(rate, rate.burst()) + Math.min(rate.burst(), 999);
  }
}
