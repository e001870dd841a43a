package dev.troupe.resilience;

import java.time.Duration;
import java.util.Objects;
import java.util.Optional;

/**
 * Says after a failed attempt how long to wait before the next one, or to stop.
 *
 * <p>A pure function that neither blocks nor throws: the same attempt gives the same answer, and
 * chance comes in with the attempt.
 *
 * <p>Attempts of a step are counted in the run's journal, so a policy sees the count go on after a
 * crash. Implementations are safe for use by many threads.
 */
@FunctionalInterface
public interface RetryPolicy {
  /**
   * What to do after a failure.
   *
   * @param attempt which attempt failed, and how
   * @return how long to wait before the next one, empty to give up
   */
  Optional<Duration> next(Attempt attempt);

  /**
   * An attempt that failed.
   *
   * @param number its number, from 1
   * @param failure what it threw
   * @param random uniform in [0, 1), drawn for this attempt, for jitter
   */
  record Attempt(int number, Throwable failure, double random) {
    public Attempt {
      Objects.requireNonNull(failure, "failure");
      if (number < 1 || random < 0 || random >= 1) {
        throw new IllegalArgumentException(
            "an attempt counts from 1 with a random number in [0, 1): " + number + ", " + random);
      }
    }
  }

  /**
   * Never tries again.
   *
   * @return the policy
   */
  static RetryPolicy none() {
    return attempt -> Optional.empty();
  }

  /**
   * Waits the same time after every failure that may pass.
   *
   * @param maxAttempts how many attempts in all, at least 1
   * @param delay the wait between them
   * @return the policy
   */
  static RetryPolicy fixed(int maxAttempts, Duration delay) {
    return BackoffRetryPolicy.builder(maxAttempts)
        .delay(delay)
        .multiplier(1)
        .maxDelay(delay)
        .jitter(0)
        .build();
  }

  /**
   * Waits longer after each failure that may pass: 200 ms, doubled each time up to 30 s, each wait
   * shortened at random by up to a half. {@link BackoffRetryPolicy} has the options.
   *
   * @param maxAttempts how many attempts in all, at least 1
   * @return the policy
   */
  static RetryPolicy exponential(int maxAttempts) {
    return BackoffRetryPolicy.builder(maxAttempts).build();
  }
}
