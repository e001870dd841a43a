package dev.troupe.resilience;

import dev.troupe.AgentException;
import java.time.Duration;
import java.util.Objects;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * When a {@link CircuitBreaker} opens, for how long, and what it takes to open it for all.
 * Immutable. Processes that share a breaker should give it the same settings; each goes by its own.
 */
public final class BreakerSettings {
  private static final Duration LONGEST = Duration.ofDays(31);

  final double failureRate;
  final @Nullable Duration slowCall;
  final double slowCallRate;
  final int window;
  final int minimumCalls;
  final Duration openTime;
  final double multiplier;
  final Duration maxOpenTime;
  final Duration probeTime;
  final int quorum;
  final Predicate<Throwable> failure;

  private BreakerSettings(Builder b) {
    this.failureRate = b.failureRate;
    this.slowCall = b.slowCall;
    this.slowCallRate = b.slowCallRate;
    this.window = b.window;
    this.minimumCalls = Math.min(b.minimumCalls, b.window);
    this.openTime = b.openTime;
    this.multiplier = b.multiplier;
    this.maxOpenTime = b.maxOpenTime.compareTo(b.openTime) < 0 ? b.openTime : b.maxOpenTime;
    this.probeTime = b.probeTime;
    this.quorum = b.quorum;
    this.failure = b.failure;
  }

  /**
   * Starts with the defaults.
   *
   * @return a builder
   */
  public static Builder builder() {
    return new Builder();
  }

  /** How long the breaker stays open when it opens for the n-th time in a row, from 1. */
  Duration openTime(int times) {
    double millis = openTime.toMillis() * Math.pow(multiplier, times - 1.0);
    return Duration.ofMillis((long) Math.min(millis, (double) maxOpenTime.toMillis()));
  }

  static boolean mayPass(Throwable failure) {
    return !(failure instanceof AgentException known) || known.retryable();
  }

  /** Collects the options. Not safe for several threads. */
  public static final class Builder {
    private double failureRate = 0.5;
    private @Nullable Duration slowCall;
    private double slowCallRate = 1;
    private int window = 100;
    private int minimumCalls = 20;
    private Duration openTime = Duration.ofSeconds(30);
    private double multiplier = 2;
    private Duration maxOpenTime = Duration.ofMinutes(10);
    private Duration probeTime = Duration.ofMinutes(1);
    private int quorum = 2;
    private Predicate<Throwable> failure = BreakerSettings::mayPass;

    private Builder() {}

    /**
     * Sets the share of failed calls in the window from which on a process finds the breaker open.
     *
     * @param share above 0, at most 1; 0.5 by default
     * @return this
     */
    public Builder failureRate(double share) {
      this.failureRate = share("failureRate", share);
      return this;
    }

    /**
     * Sets from when on a call is slow, and the share of slow calls in the window from which on a
     * process finds the breaker open. A slow probe fails. By default no call is slow.
     *
     * @param longerThan how long a call may take
     * @param share above 0, at most 1
     * @return this
     */
    public Builder slowCalls(Duration longerThan, double share) {
      this.slowCall = within("slow call", longerThan);
      this.slowCallRate = share("slow call rate", share);
      return this;
    }

    /**
     * Sets how many of the last calls of a process are looked at.
     *
     * @param calls 1 to 100,000; 100 by default
     * @return this
     */
    public Builder window(int calls) {
      this.window = count("window", calls);
      return this;
    }

    /**
     * Sets how many calls there have to be before they are judged.
     *
     * @param calls at least 1; counts as the window's size when it is more; 20 by default
     * @return this
     */
    public Builder minimumCalls(int calls) {
      this.minimumCalls = count("minimumCalls", calls);
      return this;
    }

    /**
     * Sets how long the breaker stays open before one call may probe.
     *
     * @param openTime the first time, 1 ms to 31 days; 30 seconds by default
     * @return this
     */
    public Builder openTime(Duration openTime) {
      this.openTime = within("openTime", openTime);
      return this;
    }

    /**
     * Sets how the time grows with each probe that fails.
     *
     * @param multiplier the factor, at least 1; 2 by default
     * @param maxOpenTime the longest time, 1 ms to 31 days; 10 minutes by default
     * @return this
     */
    public Builder growth(double multiplier, Duration maxOpenTime) {
      if (!(multiplier >= 1)) {
        throw new IllegalArgumentException("multiplier must be at least 1: " + multiplier);
      }
      this.multiplier = multiplier;
      this.maxOpenTime = within("maxOpenTime", maxOpenTime);
      return this;
    }

    /**
     * Sets how long a probe may take before it counts as dead, so that another may begin.
     *
     * @param probeTime longer than any call takes, 1 ms to 31 days; one minute by default
     * @return this
     */
    public Builder probeTime(Duration probeTime) {
      this.probeTime = within("probeTime", probeTime);
      return this;
    }

    /**
     * Sets how many processes have to find the breaker open before it opens for all. While fewer
     * processes than that use it, all of them.
     *
     * @param processes at least 1; 2 by default
     * @return this
     */
    public Builder quorum(int processes) {
      this.quorum = count("quorum", processes);
      return this;
    }

    /**
     * Sets which exceptions count as failures; all others count as answers. By default every one
     * but an {@link AgentException} that is not {@link AgentException#retryable()}. An interruption
     * never counts at all.
     *
     * @param failure true for what counts
     * @return this
     */
    public Builder failure(Predicate<Throwable> failure) {
      this.failure = Objects.requireNonNull(failure, "failure");
      return this;
    }

    /**
     * Builds the settings.
     *
     * @return the settings
     */
    public BreakerSettings build() {
      return new BreakerSettings(this);
    }

    private static double share(String what, double share) {
      if (!(share > 0 && share <= 1)) {
        throw new IllegalArgumentException(what + " must be above 0 and at most 1: " + share);
      }
      return share;
    }

    private static int count(String what, int count) {
      if (count < 1 || count > 100_000) {
        throw new IllegalArgumentException(what + " must be 1 to 100000: " + count);
      }
      return count;
    }

    private static Duration within(String what, Duration duration) {
      if (duration.toMillis() < 1 || duration.compareTo(LONGEST) > 0) {
        throw new IllegalArgumentException(what + " must be 1 ms to 31 days: " + duration);
      }
      return duration;
    }
  }
}
