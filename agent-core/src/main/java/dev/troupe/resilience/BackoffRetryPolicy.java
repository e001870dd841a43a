package dev.troupe.resilience;

import dev.troupe.AgentException;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * Waits that grow by a factor, with jitter. Honours {@link AgentException#retryAfter()}: the wait
 * is never shorter than what the refusing side asked for. Immutable.
 *
 * <p>Jitter spreads callers that failed together; the default of one half is the 'equal jitter' of
 * the AWS Architecture Blog, 'Exponential Backoff And Jitter' (2015).
 */
public final class BackoffRetryPolicy implements RetryPolicy {
  private final int maxAttempts;
  private final Duration delay;
  private final double multiplier;
  private final Duration maxDelay;
  private final double jitter;
  private final Predicate<Throwable> retryOn;

  private BackoffRetryPolicy(Builder b) {
    this.maxAttempts = b.maxAttempts;
    this.delay = b.delay;
    this.multiplier = b.multiplier;
    this.maxDelay = b.maxDelay;
    this.jitter = b.jitter;
    this.retryOn = b.retryOn;
  }

  /**
   * Starts a policy.
   *
   * @param maxAttempts how many attempts in all, at least 1
   * @return a builder with the defaults of {@link RetryPolicy#exponential(int)}
   */
  public static Builder builder(int maxAttempts) {
    return new Builder(maxAttempts);
  }

  @Override
  public Optional<Duration> next(Attempt attempt) {
    if (attempt.number() >= maxAttempts || !retryOn.test(attempt.failure())) {
      return Optional.empty();
    }
    double grown = millis(delay) * Math.pow(multiplier, attempt.number() - 1.0);
    double capped = Math.min(grown, millis(maxDelay));
    Duration wait = Duration.ofMillis(Math.round(capped * (1 - jitter * attempt.random())));
    if (attempt.failure() instanceof AgentException refused) {
      Duration asked = refused.retryAfter().orElse(Duration.ZERO);
      return Optional.of(asked.compareTo(wait) > 0 ? asked : wait);
    }
    return Optional.of(wait);
  }

  /** As {@link Duration#toMillis()}, also for durations that a long can't hold. */
  private static double millis(Duration duration) {
    return duration.getSeconds() * 1e3 + duration.getNano() / 1e6;
  }

  private static boolean mayPass(Throwable failure) {
    return failure instanceof AgentException known
        ? known.retryable()
        : failure instanceof Exception && !(failure instanceof InterruptedException);
  }

  /** Collects the options. Not safe for several threads. */
  public static final class Builder {
    private final int maxAttempts;
    private Duration delay = Duration.ofMillis(200);
    private double multiplier = 2;
    private Duration maxDelay = Duration.ofSeconds(30);
    private double jitter = 0.5;
    private Predicate<Throwable> retryOn = BackoffRetryPolicy::mayPass;

    private Builder(int maxAttempts) {
      if (maxAttempts < 1) {
        throw new IllegalArgumentException("maxAttempts must be at least 1: " + maxAttempts);
      }
      this.maxAttempts = maxAttempts;
    }

    /**
     * Sets the wait after the first failure.
     *
     * @param delay not negative
     * @return this
     */
    public Builder delay(Duration delay) {
      if (delay.isNegative()) {
        throw new IllegalArgumentException("delay must not be negative: " + delay);
      }
      this.delay = delay;
      return this;
    }

    /**
     * Sets the factor from one wait to the next.
     *
     * @param multiplier at least 1
     * @return this
     */
    public Builder multiplier(double multiplier) {
      if (!(multiplier >= 1)) {
        throw new IllegalArgumentException("multiplier must be at least 1: " + multiplier);
      }
      this.multiplier = multiplier;
      return this;
    }

    /**
     * Sets the longest wait, before a longer one that the refusing side asks for.
     *
     * @param maxDelay not negative
     * @return this
     */
    public Builder maxDelay(Duration maxDelay) {
      if (maxDelay.isNegative()) {
        throw new IllegalArgumentException("maxDelay must not be negative: " + maxDelay);
      }
      this.maxDelay = maxDelay;
      return this;
    }

    /**
     * Sets the share by which chance may shorten a wait.
     *
     * @param jitter 0 for none, 1 for anything down to no wait
     * @return this
     */
    public Builder jitter(double jitter) {
      if (!(jitter >= 0 && jitter <= 1)) {
        throw new IllegalArgumentException("jitter must be within 0 and 1: " + jitter);
      }
      this.jitter = jitter;
      return this;
    }

    /**
     * Sets which failures are tried again. By default every exception, but an {@link
     * AgentException} only when it is {@link AgentException#retryable()}; never an interruption or
     * an {@link Error}.
     *
     * @param retryOn true for what may pass
     * @return this
     */
    public Builder retryOn(Predicate<Throwable> retryOn) {
      this.retryOn = Objects.requireNonNull(retryOn, "retryOn");
      return this;
    }

    /**
     * Builds the policy.
     *
     * @return the policy
     */
    public BackoffRetryPolicy build() {
      return new BackoffRetryPolicy(this);
    }
  }
}
