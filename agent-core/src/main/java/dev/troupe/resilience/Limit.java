package dev.troupe.resilience;

import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.concurrent.TimeUnit;

/** What a {@link RateLimiter} holds a name to. */
public sealed interface Limit {
  /**
   * How much may be used at once at most: a demand for more can never be granted.
   *
   * @return permits
   */
  long most();

  /**
   * At most so many permits in any window of a length. The algorithm is GCRA, the generic cell rate
   * algorithm (ITU-T I.371): permits come back steadily, one every {@code window / (permits - burst
   * + 1)}, and {@code burst} of them may be saved up. So a larger burst means a slower refill; no
   * half-open window of the length ever sees more than {@code permits}, wherever it begins.
   *
   * @param permits at most in a window, at least 1
   * @param window its length in whole milliseconds, from 1 ms to 31 days
   * @param burst how many may be used at once, 1 to {@code permits}
   */
  record Rate(long permits, Duration window, long burst) implements Limit {
    private static final Duration SHORTEST = Duration.ofMillis(1);
    private static final Duration LONGEST = Duration.ofDays(31);
    private static final double YEAR_SECONDS = Duration.ofDays(366).toSeconds();

    /** Checks the numbers. */
    public Rate {
      if (permits < 1 || permits > 1_000_000_000_000L) {
        throw new IllegalArgumentException("permits must be 1 to 10^12: " + permits);
      }
      if (burst < 1 || burst > permits) {
        throw new IllegalArgumentException(
            "burst must be 1 to permits (%d): %d".formatted(permits, burst));
      }
      if (window.compareTo(SHORTEST) < 0 || window.compareTo(LONGEST) > 0) {
        throw new IllegalArgumentException("window must be 1 ms to 31 days: " + window);
      }
      if (!window.truncatedTo(ChronoUnit.MILLIS).equals(window)) {
        throw new IllegalArgumentException("window must be whole milliseconds: " + window);
      }
      if ((double) burst / (permits - burst + 1) * window.toSeconds() > YEAR_SECONDS) {
        throw new IllegalArgumentException(
            "a burst of %d of %d permits would take more than a year to come back; lower it"
                .formatted(burst, permits));
      }
    }

    @Override
    public long most() {
      return burst;
    }

    /**
     * How far ahead of their turn permits may be granted, in microseconds. Costs are rounded up, so
     * that a burst of single permits costs a little more than one of all at once; what is added for
     * that is less than a millisecond, and times of decisions are whole milliseconds.
     */
    long tolerance() {
      return micros(burst) + Math.min(burst, 999);
    }

    /** How many microseconds it takes until so many permits have come back, rounded up. */
    long micros(long used) {
      double all = (double) used * TimeUnit.NANOSECONDS.toMicros(window.toNanos());
      return (long) Math.ceil(all / (permits - burst + 1));
    }
  }

  /**
   * At most so many permits at the same time, each until it is settled, or until it expires because
   * whoever had it is gone.
   *
   * @param permits at the same time, 1 to 1000: each reservation has its line in one value of a
   *     store
   * @param expiry after which a reservation that nobody settled is free again, from a millisecond
   *     to 31 days
   */
  record InFlight(long permits, Duration expiry) implements Limit {
    /** Checks the numbers. */
    public InFlight {
      if (permits < 1 || permits > 1_000) {
        throw new IllegalArgumentException("permits in flight must be 1 to 1000: " + permits);
      }
      if (expiry.compareTo(Rate.SHORTEST) < 0 || expiry.compareTo(Rate.LONGEST) > 0) {
        throw new IllegalArgumentException("expiry must be 1 ms to 31 days: " + expiry);
      }
    }

    @Override
    public long most() {
      return permits;
    }
  }

  /**
   * So many permits in a window, of which a tenth may be used at once.
   *
   * @param permits at most in any window
   * @param window its length
   * @return the limit
   */
  static Rate rate(long permits, Duration window) {
    return new Rate(permits, window, Math.max(1, permits / 10));
  }

  /**
   * So many permits in a window, of which {@code burst} may be used at once.
   *
   * @param permits at most in any window
   * @param window its length
   * @param burst at once
   * @return the limit
   */
  static Rate rate(long permits, Duration window, long burst) {
    return new Rate(permits, window, burst);
  }

  /**
   * So many permits at the same time.
   *
   * @param permits at the same time
   * @param expiry after which a reservation that nobody settled is free again
   * @return the limit
   */
  static InFlight inFlight(long permits, Duration expiry) {
    return new InFlight(permits, expiry);
  }
}
