package dev.troupe.agent;

import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A call of another agent: whom, with what, for how long. Immutable.
 *
 * @param <T> the result of the agent called
 */
public final class Call<T extends @Nullable Object> {
  private final String capability;
  private final Object input;
  private final Class<T> type;
  private final String name;
  private final @Nullable Duration timeLimit;
  private final @Nullable String key;

  private Call(Builder<T> b) {
    this.capability = b.capability;
    this.input = b.input;
    this.type = b.type;
    this.name = b.name;
    this.timeLimit = b.timeLimit;
    this.key = b.key;
  }

  /**
   * Starts a call.
   *
   * @param capability what the agent can do, or its name
   * @param input its input
   * @param type the type of its result
   * @return a builder
   */
  public static <T extends @Nullable Object> Builder<T> of(
      String capability, Object input, Class<T> type) {
    return new Builder<>(capability, input, type);
  }

  /**
   * What the agent can do.
   *
   * @return a capability or an agent's name
   */
  public String capability() {
    return capability;
  }

  /**
   * What the agent is given.
   *
   * @return the input
   */
  public Object input() {
    return input;
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
   * The call's name in the journal.
   *
   * @return the name; the capability unless another was given
   */
  public String name() {
    return name;
  }

  /**
   * How long the child run may take.
   *
   * @return the limit, empty for none
   */
  public Optional<Duration> timeLimit() {
    return Optional.ofNullable(timeLimit);
  }

  /**
   * The child's key.
   *
   * @return the key, empty for none
   */
  public Optional<String> key() {
    return Optional.ofNullable(key);
  }

  /**
   * Collects a call's options. Not safe for several threads.
   *
   * @param <T> the result of the agent called
   */
  public static final class Builder<T extends @Nullable Object> {
    private final String capability;
    private final Object input;
    private final Class<T> type;
    private String name;
    private @Nullable Duration timeLimit;
    private @Nullable String key;

    private Builder(String capability, Object input, Class<T> type) {
      this.capability = Names.check("a capability", capability);
      this.input = Objects.requireNonNull(input, "input");
      this.type = Objects.requireNonNull(type, "type");
      this.name = capability;
    }

    /**
     * Names the call in the journal.
     *
     * @param name 1 to 200 characters without {@code / # $} and control characters
     * @return this
     */
    public Builder<T> name(String name) {
      this.name = Names.check("a call's name", name);
      return this;
    }

    /**
     * Limits the child run: this is its deadline, counted from when it is created. When it passes,
     * the call fails with kind {@code TIMEOUT} and the child is cancelled, whatever it does.
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
     * Gives the child a key: runs with the same key are executed one after another, in the order in
     * which they were created, whoever created them. Such a child lies with its key, not with its
     * caller, so creating it and telling its result take a relay each, some milliseconds.
     *
     * @param key 1 to 200 characters without {@code / # $} and control characters
     * @return this
     */
    public Builder<T> key(String key) {
      this.key = Names.check("a call's key", key);
      return this;
    }

    /**
     * Builds the call.
     *
     * @return the call
     */
    public Call<T> build() {
      return new Call<>(this);
    }
  }
}
