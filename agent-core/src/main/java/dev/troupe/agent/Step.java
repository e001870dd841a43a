package dev.troupe.agent;

import dev.troupe.resilience.RetryPolicy;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A step's name, type and limits. Immutable.
 *
 * @param <T> the step's result
 */
public final class Step<T extends @Nullable Object> {
  private final String name;
  private final Class<T> type;
  private final @Nullable RetryPolicy retry;
  private final @Nullable Duration timeLimit;
  private final @Nullable Compensation<T> compensation;
  private final UnknownOutcome<T> unknownOutcome;

  private Step(Builder<T> b) {
    this.name = b.name;
    this.type = b.type;
    this.retry = b.retry;
    this.timeLimit = b.timeLimit;
    this.compensation = b.compensation;
    this.unknownOutcome = b.unknownOutcome;
  }

  /**
   * Starts a step.
   *
   * @param name its name, 1 to 200 characters without {@code / # $} and control characters
   * @param type the type of its result; {@code Void.class} for none
   * @return a builder
   */
  public static <T extends @Nullable Object> Builder<T> of(String name, Class<T> type) {
    return new Builder<>(name, type);
  }

  /**
   * The step's name.
   *
   * @return the name
   */
  public String name() {
    return name;
  }

  /**
   * The type of the result.
   *
   * @return the type
   */
  public Class<T> type() {
    return type;
  }

  /**
   * How failed attempts are tried again.
   *
   * @return the policy, empty for the agent's default
   */
  public Optional<RetryPolicy> retry() {
    return Optional.ofNullable(retry);
  }

  /**
   * How long one attempt may take.
   *
   * @return the limit, empty for none
   */
  public Optional<Duration> timeLimit() {
    return Optional.ofNullable(timeLimit);
  }

  /**
   * How the step is undone.
   *
   * @return the compensation, empty when the step needs none
   */
  public Optional<Compensation<T>> compensation() {
    return Optional.ofNullable(compensation);
  }

  /**
   * What to do when the step's outcome is unknown.
   *
   * @return the policy
   */
  public UnknownOutcome<T> unknownOutcome() {
    return unknownOutcome;
  }

  /**
   * Collects a step's options. Not safe for several threads.
   *
   * @param <T> the step's result
   */
  public static final class Builder<T extends @Nullable Object> {
    private final String name;
    private final Class<T> type;
    private @Nullable RetryPolicy retry;
    private @Nullable Duration timeLimit;
    private @Nullable Compensation<T> compensation;
    private UnknownOutcome<T> unknownOutcome = UnknownOutcome.repeat();

    private Builder(String name, Class<T> type) {
      this.name = Names.check("a step's name", name);
      this.type = Objects.requireNonNull(type, "type");
    }

    /**
     * Sets how failed attempts are tried again.
     *
     * @param retry the policy
     * @return this
     */
    public Builder<T> retry(RetryPolicy retry) {
      this.retry = Objects.requireNonNull(retry, "retry");
      return this;
    }

    /**
     * Limits each attempt. When the limit passes, the attempt is interrupted and counts as failed,
     * retryable, of kind {@code TIMEOUT}; a result that comes later is dropped. The action runs on
     * a thread of its own, so that one that ignores interruption can't hold up the run.
     *
     * @param timeLimit more than zero
     * @return this
     */
    public Builder<T> timeLimit(Duration timeLimit) {
      if (timeLimit.isNegative() || timeLimit.isZero()) {
        throw new IllegalArgumentException("timeLimit must be more than zero: " + timeLimit);
      }
      this.timeLimit = timeLimit;
      return this;
    }

    /**
     * Says how the step is undone when the run fails, is cancelled or passes its deadline after the
     * step's result was journaled. Steps are undone in the reverse order of their completion.
     *
     * @param compensation what undoes it
     * @return this
     */
    public Builder<T> compensate(Compensation<T> compensation) {
      this.compensation = Objects.requireNonNull(compensation, "compensation");
      return this;
    }

    /**
     * Says what to do when a process died while the action was under way, so that nobody knows
     * whether it had its effect. By default it is made again.
     *
     * @param policy the policy
     * @return this
     */
    public Builder<T> whenUnknown(UnknownOutcome<T> policy) {
      this.unknownOutcome = Objects.requireNonNull(policy, "policy");
      return this;
    }

    /**
     * Builds the step.
     *
     * @return the step
     */
    public Step<T> build() {
      return new Step<>(this);
    }
  }
}
