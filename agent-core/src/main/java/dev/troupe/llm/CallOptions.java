package dev.troupe.llm;

import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * For whom a call is made, how urgent it is, and what may become of it. Immutable. A model that is
 * bound to a run fills in what the run knows.
 */
public final class CallOptions {
  /** For nobody in particular, of normal priority, failing where only a part came. */
  public static final CallOptions USUAL = builder().build();

  private final String tenant;
  private final String agent;
  private final @Nullable String root;
  private final int priority;
  private final Partial partial;
  private final @Nullable Duration deadline;
  private final @Nullable CallLimits limits;
  private final boolean cached;

  private CallOptions(Builder b) {
    this.tenant = b.tenant;
    this.agent = b.agent;
    this.root = b.root;
    this.priority = b.priority;
    this.partial = b.partial;
    this.deadline = b.deadline;
    this.limits = b.limits;
    this.cached = b.cached;
  }

  /**
   * Starts options.
   *
   * @return a builder
   */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * For whom the call is.
   *
   * @return the tenant, empty text for none
   */
  public String tenant() {
    return tenant;
  }

  /**
   * Which agent calls; for metrics.
   *
   * @return the name, empty text for none
   */
  public String agent() {
    return agent;
  }

  /**
   * The root of the run's tree, whose budget is charged.
   *
   * @return the id, empty outside runs
   */
  public Optional<String> root() {
    return Optional.ofNullable(root);
  }

  /**
   * How urgent the call is.
   *
   * @return 0 low, 1 normal, 2 high
   */
  public int priority() {
    return priority;
  }

  /**
   * What becomes of a stream that fails after a part.
   *
   * @return the choice
   */
  public Partial partial() {
    return partial;
  }

  /**
   * How long everything may take: waits for quotas, all attempts at all providers.
   *
   * @return the limit, empty for the model's own
   */
  public Optional<Duration> deadline() {
    return Optional.ofNullable(deadline);
  }

  /**
   * How long and how much one attempt may take.
   *
   * @return the limits, empty for the model's own
   */
  public Optional<CallLimits> limits() {
    return Optional.ofNullable(limits);
  }

  /**
   * Whether an answer that was given before will do.
   *
   * @return false unless it was asked for
   */
  public boolean cached() {
    return cached;
  }

  /**
   * The same options, to be changed.
   *
   * @return a builder
   */
  public Builder toBuilder() {
    Builder builder = new Builder();
    builder.tenant = tenant;
    builder.agent = agent;
    builder.root = root;
    builder.priority = priority;
    builder.partial = partial;
    builder.deadline = deadline;
    builder.limits = limits;
    builder.cached = cached;
    return builder;
  }

  /** Collects options. Not safe for several threads. */
  public static final class Builder {
    private String tenant = "";
    private String agent = "";
    private @Nullable String root;
    private int priority = 1;
    private Partial partial = Partial.FAIL;
    private @Nullable Duration deadline;
    private @Nullable CallLimits limits;
    private boolean cached;

    private Builder() {}

    /**
     * Says for whom the call is: for quotas, budgets and metrics.
     *
     * @param tenant the tenant, empty text for none
     * @return this
     */
    public Builder tenant(String tenant) {
      this.tenant = Objects.requireNonNull(tenant, "tenant");
      return this;
    }

    /**
     * Says which agent calls; for metrics.
     *
     * @param agent its name, empty text for none
     * @return this
     */
    public Builder agent(String agent) {
      this.agent = Objects.requireNonNull(agent, "agent");
      return this;
    }

    /**
     * Says whose budget is charged.
     *
     * @param root the run at the root of the tree, null for none
     * @return this
     */
    public Builder root(@Nullable String root) {
      this.root = root;
      return this;
    }

    /**
     * Sets how urgent the call is: of calls that wait for a quota, more urgent ones go first.
     *
     * @param priority 0 low, 1 normal, 2 high
     * @return this
     */
    public Builder priority(int priority) {
      if (priority < 0 || priority > 2) {
        throw new IllegalArgumentException("priority must be 0, 1 or 2: " + priority);
      }
      this.priority = priority;
      return this;
    }

    /**
     * Chooses what becomes of a stream that fails after a part.
     *
     * @param partial the choice
     * @return this
     */
    public Builder partial(Partial partial) {
      this.partial = Objects.requireNonNull(partial, "partial");
      return this;
    }

    /**
     * Limits everything: waits for quotas, all attempts at all providers.
     *
     * @param deadline more than zero
     * @return this
     */
    public Builder deadline(Duration deadline) {
      if (deadline.isNegative() || deadline.isZero()) {
        throw new IllegalArgumentException("deadline must be more than zero: " + deadline);
      }
      this.deadline = deadline;
      return this;
    }

    /**
     * Limits each attempt.
     *
     * @param limits how long and how much
     * @return this
     */
    public Builder limits(CallLimits limits) {
      this.limits = Objects.requireNonNull(limits, "limits");
      return this;
    }

    /**
     * Says whether an answer that was given to the same request before will do, where the model has
     * a {@link ResponseCache}.
     *
     * @param cached true when it will do
     * @return this
     */
    public Builder cached(boolean cached) {
      this.cached = cached;
      return this;
    }

    /**
     * Builds the options.
     *
     * @return the options
     */
    public CallOptions build() {
      return new CallOptions(this);
    }
  }
}
