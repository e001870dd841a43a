package dev.troupe.runtime;

import dev.troupe.TraceContext;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A run to be created: which agent, with what, under which id. Immutable.
 *
 * @param <O> the agent's result
 */
public final class Submission<O extends @Nullable Object> {
  private final String capability;
  private final Object input;
  private final Class<O> output;
  private final @Nullable String id;
  private final @Nullable String key;
  private final int priority;
  private final @Nullable Duration deadline;
  private final String tenant;
  private final @Nullable TraceContext trace;

  private Submission(Builder<O> b) {
    this.capability = b.capability;
    this.input = b.input;
    this.output = b.output;
    this.id = b.id;
    this.key = b.key;
    this.priority = b.priority;
    this.deadline = b.deadline;
    this.tenant = b.tenant;
    this.trace = b.trace;
  }

  /**
   * Starts a submission.
   *
   * @param capability what the agent can do, or its name
   * @param input the agent's input
   * @param output the type of its result
   * @return a builder
   */
  public static <O extends @Nullable Object> Builder<O> of(
      String capability, Object input, Class<O> output) {
    return new Builder<>(capability, input, output);
  }

  /**
   * What the agent can do, or its name.
   *
   * @return the capability
   */
  public String capability() {
    return capability;
  }

  /**
   * The agent's input.
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
  public Class<O> output() {
    return output;
  }

  /**
   * The id asked for.
   *
   * @return the id, empty for a new one
   */
  public Optional<String> id() {
    return Optional.ofNullable(id);
  }

  /**
   * The key whose runs go one after another.
   *
   * @return the key, empty for none
   */
  public Optional<String> key() {
    return Optional.ofNullable(key);
  }

  /**
   * How urgent the run is.
   *
   * @return 0 to 2
   */
  public int priority() {
    return priority;
  }

  /**
   * How long the run may take.
   *
   * @return the limit, empty for the agent's own
   */
  public Optional<Duration> deadline() {
    return Optional.ofNullable(deadline);
  }

  /**
   * For whom the run is.
   *
   * @return the tenant, empty text for none
   */
  public String tenant() {
    return tenant;
  }

  /**
   * The place in a trace from which the run goes on.
   *
   * @return the place, empty for none
   */
  public Optional<TraceContext> trace() {
    return Optional.ofNullable(trace);
  }

  /**
   * Collects a submission's options. Not safe for several threads.
   *
   * @param <O> the agent's result
   */
  public static final class Builder<O extends @Nullable Object> {
    private final String capability;
    private final Object input;
    private final Class<O> output;
    private @Nullable String id;
    private @Nullable String key;
    private int priority = 1;
    private @Nullable Duration deadline;
    private String tenant = "";
    private @Nullable TraceContext trace;

    private Builder(String capability, Object input, Class<O> output) {
      this.capability = Objects.requireNonNull(capability, "capability");
      this.input = Objects.requireNonNull(input, "input");
      this.output = Objects.requireNonNull(output, "output");
    }

    /**
     * Sets the id. Submitting the same id, agent and input again gives the same run and creates
     * nothing; with another input it is an error.
     *
     * @param id 1 to 200 characters without {@code / # $} and control characters
     * @return this
     */
    public Builder<O> id(String id) {
      this.id = Objects.requireNonNull(id, "id");
      return this;
    }

    /**
     * Sets a key: runs of one key go one after another, in the order of their submission. The run's
     * full id is then {@code key/id}.
     *
     * @param key 1 to 200 characters without {@code / # $} and control characters
     * @return this
     */
    public Builder<O> key(String key) {
      this.key = Objects.requireNonNull(key, "key");
      return this;
    }

    /**
     * Sets how urgent the run is.
     *
     * @param priority 0 low, 1 normal, 2 high
     * @return this
     */
    public Builder<O> priority(int priority) {
      if (priority < 0 || priority > 2) {
        throw new IllegalArgumentException("priority must be 0, 1 or 2: " + priority);
      }
      this.priority = priority;
      return this;
    }

    /**
     * Limits the run, from its creation to its end, waiting included.
     *
     * @param deadline more than zero
     * @return this
     */
    public Builder<O> deadline(Duration deadline) {
      if (deadline.isNegative() || deadline.isZero()) {
        throw new IllegalArgumentException("deadline must be more than zero: " + deadline);
      }
      this.deadline = deadline;
      return this;
    }

    /**
     * Says for whom the run is; stored with it and searchable.
     *
     * @param tenant at most 200 characters
     * @return this
     */
    public Builder<O> tenant(String tenant) {
      this.tenant = Objects.requireNonNull(tenant, "tenant");
      return this;
    }

    /**
     * Says from where in a trace the run goes on; stored with it and with the runs that it calls.
     *
     * @param trace the place, null for none
     * @return this
     */
    public Builder<O> trace(@Nullable TraceContext trace) {
      this.trace = trace;
      return this;
    }

    /** Whether somebody has said from where in a trace the run goes on. */
    boolean hasTrace() {
      return trace != null;
    }

    /**
     * Builds the submission.
     *
     * @return the submission
     */
    public Submission<O> build() {
      return new Submission<>(this);
    }
  }
}
