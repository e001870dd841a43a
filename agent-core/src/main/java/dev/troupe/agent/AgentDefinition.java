package dev.troupe.agent;

import dev.troupe.resilience.RetryPolicy;
import java.time.Duration;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * An agent with its name, types and limits, ready to be registered. Immutable.
 *
 * @param <I> what the agent is given
 * @param <O> what it gives back
 */
public final class AgentDefinition<I, O extends @Nullable Object> {
  private final String name;
  private final String version;
  private final Class<I> input;
  private final Class<O> output;
  private final Agent<I, O> agent;
  private final Set<String> capabilities;
  private final RetryPolicy retry;
  private final @Nullable Duration deadline;
  private final @Nullable Duration stuckAfter;
  private final int concurrency;

  private AgentDefinition(Builder<I, O> b) {
    this.name = b.name;
    this.version = b.version;
    this.input = b.input;
    this.output = b.output;
    this.agent = b.agent;
    this.capabilities = Set.copyOf(b.capabilities);
    this.retry = b.retry;
    this.deadline = b.deadline;
    this.stuckAfter = b.stuckAfter;
    this.concurrency = b.concurrency;
  }

  /**
   * Starts a definition.
   *
   * @param name the agent's name, 1 to 200 characters without {@code / # $ @} and control
   *     characters
   * @param input the type of its input
   * @param output the type of its result; {@code Void.class} for none
   * @param agent the code
   * @return a builder
   */
  public static <I, O extends @Nullable Object> Builder<I, O> of(
      String name, Class<I> input, Class<O> output, Agent<I, O> agent) {
    return new Builder<>(name, input, output, agent);
  }

  /**
   * The agent's name.
   *
   * @return the name
   */
  public String name() {
    return name;
  }

  /**
   * The version of this definition. A run ends on the version with which it began.
   *
   * @return the version, {@code 1} unless another was given
   */
  public String version() {
    return version;
  }

  /**
   * Where runs of this definition wait.
   *
   * @return {@code name@version}
   */
  public String queue() {
    return name + "@" + version;
  }

  /**
   * The type of the input.
   *
   * @return the type
   */
  public Class<I> input() {
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
   * The code.
   *
   * @return the agent
   */
  public Agent<I, O> agent() {
    return agent;
  }

  /**
   * What the agent can do, beside its name.
   *
   * @return an unmodifiable set
   */
  public Set<String> capabilities() {
    return capabilities;
  }

  /**
   * How failed attempts at the agent's steps are tried again where a step says nothing else.
   *
   * @return the policy
   */
  public RetryPolicy retry() {
    return retry;
  }

  /**
   * How long a run may take, counted from its creation.
   *
   * @return the limit, empty for none
   */
  public Optional<Duration> deadline() {
    return Optional.ofNullable(deadline);
  }

  /**
   * How long the agent may be silent before its execution counts as stuck.
   *
   * @return the limit, empty for none
   */
  public Optional<Duration> stuckAfter() {
    return Optional.ofNullable(stuckAfter);
  }

  /**
   * How many runs of this agent one process executes at once.
   *
   * @return at least 1
   */
  public int concurrency() {
    return concurrency;
  }

  @Override
  public String toString() {
    return "AgentDefinition[" + queue() + "]";
  }

  /**
   * Collects a definition's options. Not safe for several threads.
   *
   * @param <I> what the agent is given
   * @param <O> what it gives back
   */
  public static final class Builder<I, O extends @Nullable Object> {
    private final String name;
    private final Class<I> input;
    private final Class<O> output;
    private final Agent<I, O> agent;
    private final Set<String> capabilities = new LinkedHashSet<>();
    private String version = "1";
    private RetryPolicy retry = RetryPolicy.exponential(3);
    private @Nullable Duration deadline;
    private @Nullable Duration stuckAfter;
    private int concurrency = Integer.MAX_VALUE;

    private Builder(String name, Class<I> input, Class<O> output, Agent<I, O> agent) {
      this.name = withoutAt("an agent's name", Names.check("an agent's name", name));
      this.input = Objects.requireNonNull(input, "input");
      this.output = Objects.requireNonNull(output, "output");
      this.agent = Objects.requireNonNull(agent, "agent");
    }

    private static String withoutAt(String what, String name) {
      if (name.indexOf('@') >= 0) {
        throw new IllegalArgumentException(what + " must not contain @: '" + name + "'");
      }
      return name;
    }

    /**
     * Sets the version. A change of the code that would not fit the journals of runs under way
     * needs a new one; both versions are registered until the old runs have ended.
     *
     * @param version 1 to 200 characters without {@code / # $ @} and control characters
     * @return this
     */
    public Builder<I, O> version(String version) {
      this.version = withoutAt("a version", Names.check("a version", version));
      return this;
    }

    /**
     * Adds what the agent can do. Its name always counts as a capability.
     *
     * @param capabilities names like those of agents
     * @return this
     */
    public Builder<I, O> capabilities(Collection<String> capabilities) {
      for (String capability : capabilities) {
        this.capabilities.add(Names.check("a capability", capability));
      }
      return this;
    }

    /**
     * Sets how failed attempts at steps are tried again. By default {@link
     * RetryPolicy#exponential(int) exponential} with three attempts.
     *
     * @param retry the policy
     * @return this
     */
    public Builder<I, O> retry(RetryPolicy retry) {
      this.retry = Objects.requireNonNull(retry, "retry");
      return this;
    }

    /**
     * Limits each run, from its creation to its end, waiting included.
     *
     * @param deadline more than zero
     * @return this
     */
    public Builder<I, O> deadline(Duration deadline) {
      if (deadline.isNegative() || deadline.isZero()) {
        throw new IllegalArgumentException("deadline must be more than zero: " + deadline);
      }
      this.deadline = deadline;
      return this;
    }

    /**
     * Sets how long the agent may neither call its context nor begin or end a step before its
     * execution counts as stuck. Then its threads are interrupted and left behind, what they still
     * write is refused, and the run begins again from its journal, in this process or another. That
     * counts as a take-over: a run that gets stuck again and again without coming further fails
     * with {@code POISONED}. Waits do not count as silence. By default there is no limit; set it
     * above the longest step, which a time limit of its own ends more gently.
     *
     * @param stuckAfter more than zero
     * @return this
     */
    public Builder<I, O> stuckAfter(Duration stuckAfter) {
      if (stuckAfter.isNegative() || stuckAfter.isZero()) {
        throw new IllegalArgumentException("stuckAfter must be more than zero: " + stuckAfter);
      }
      this.stuckAfter = stuckAfter;
      return this;
    }

    /**
     * Limits how many runs of this agent one process executes at once. Runs that wait do not count.
     *
     * @param concurrency at least 1
     * @return this
     */
    public Builder<I, O> concurrency(int concurrency) {
      if (concurrency < 1) {
        throw new IllegalArgumentException("concurrency must be at least 1: " + concurrency);
      }
      this.concurrency = concurrency;
      return this;
    }

    /**
     * Builds the definition.
     *
     * @return the definition
     */
    public AgentDefinition<I, O> build() {
      return new AgentDefinition<>(this);
    }
  }
}
