package dev.troupe.llm.agent;

import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.model.chat.request.json.JsonObjectSchema;
import dev.troupe.agent.AgentContext;
import dev.troupe.agent.Call;
import dev.troupe.agent.UnknownOutcome;
import dev.troupe.llm.guard.Origin;
import dev.troupe.llm.guard.ProposedCall;
import dev.troupe.resilience.Limit;
import dev.troupe.resilience.RateLimiter;
import dev.troupe.resilience.RetryPolicy;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Something that an agent's model may do: its name, description and schema, what is done, and
 * within which bounds. Immutable.
 *
 * <p>A call is made only when the model finished its answer with it and its arguments fit the
 * schema. It is a step of the run, named {@code tool} and the tool's name: its result is journaled
 * and the call is never made again once it is. A call that a crash interrupted is made again with
 * the same {@link ToolCall#idempotencyKey()}, unless {@link Builder#whenUnknown} says otherwise.
 */
public final class AgentTool {
  private static final Pattern NAME = Pattern.compile("[a-zA-Z0-9_.-]{1,64}");

  private final ToolSpecification specification;
  private final @Nullable ToolAction action;
  private final @Nullable Delegate delegate;
  private final Builder options;

  private AgentTool(Builder b) {
    this.specification = b.specification;
    this.action = b.action;
    this.delegate = b.delegate;
    this.options = b.copy();
  }

  /** Which agent a tool calls instead of acting itself. */
  record Delegate(String capability, Class<?> input, Class<?> output) {
    Object call(AgentContext context, String step, Object argument, @Nullable Duration limit) {
      Call.Builder<?> call = Call.of(capability, argument, output).name(step);
      if (limit != null) {
        call.timeLimit(limit);
      }
      return Objects.requireNonNullElse(context.call(call.build()), "done");
    }
  }

  /**
   * Starts a tool.
   *
   * @param specification its name (letters, digits, {@code _ . -}, at most 64), description and
   *     schema; properties that the schema does not name are refused unless it allows them
   * @param action what is done
   * @return a builder
   */
  public static Builder of(ToolSpecification specification, ToolAction action) {
    return new Builder(specification, Objects.requireNonNull(action, "action"), null);
  }

  /**
   * Starts a tool whose arguments are a record.
   *
   * @param name letters, digits, {@code _ . -}, at most 64
   * @param description what it does and when to use it, for the model
   * @param input a record, whose components are the arguments
   * @param action what is done
   * @return a builder
   */
  public static Builder of(String name, String description, Class<?> input, ToolAction action) {
    return of(specification(name, description, SchemaOf.record(input)), action);
  }

  /**
   * The tools that an object has: its methods with langchain4j's {@code @Tool}. Parameters are
   * named by {@code @P} or by the class file ({@code -parameters}); a parameter of type {@link
   * ToolCall} is given the call and is no argument.
   *
   * @param object the object
   * @return its tools, by name; {@link #toBuilder()} gives them bounds
   */
  public static List<AgentTool> from(Object object) {
    return MethodTools.of(object);
  }

  /**
   * Starts a tool that calls another agent as a child run.
   *
   * @param name the tool's name
   * @param description what it does and when to use it, for the model
   * @param capability what the agent can do, or its name
   * @param input the type of the agent's input, a record, whose components are the arguments
   * @param output the type of the agent's result
   * @return a builder; its time limit is the child's, and of the other bounds those of a step do
   *     not apply
   */
  public static Builder calling(
      String name, String description, String capability, Class<?> input, Class<?> output) {
    return new Builder(
        specification(name, description, SchemaOf.stored(input)),
        null,
        new Delegate(capability, input, output));
  }

  private static ToolSpecification specification(
      String name, String description, JsonObjectSchema parameters) {
    return ToolSpecification.builder()
        .name(name)
        .description(description)
        .parameters(parameters)
        .build();
  }

  /**
   * The tool's name.
   *
   * @return the name
   */
  public String name() {
    return specification.name();
  }

  /**
   * What the model is told of the tool.
   *
   * @return name, description and schema
   */
  public ToolSpecification specification() {
    return specification;
  }

  /**
   * The same tool, to be changed.
   *
   * @return a builder
   */
  public Builder toBuilder() {
    return options.copy();
  }

  Optional<ToolAction> action() {
    return Optional.ofNullable(action);
  }

  Optional<Delegate> delegate() {
    return Optional.ofNullable(delegate);
  }

  Optional<Duration> timeLimit() {
    return Optional.ofNullable(options.timeLimit);
  }

  Optional<RetryPolicy> retry() {
    return Optional.ofNullable(options.retry);
  }

  Optional<ToolRate> rate() {
    return Optional.ofNullable(options.rate);
  }

  UnknownOutcome<String> whenUnknown() {
    return options.whenUnknown;
  }

  boolean needsApproval(ProposedCall call) {
    return options.approval.test(call);
  }

  boolean alone() {
    return options.alone;
  }

  boolean repeatable() {
    return options.repeatable;
  }

  int maxResult() {
    return options.maxResult;
  }

  Origin origin() {
    return options.origin;
  }

  OnToolError onError() {
    return options.onError;
  }

  /** Collects a tool's bounds. Not safe for several threads. */
  public static final class Builder {
    private static final int MOST_RESULT = 60_000;

    private final ToolSpecification specification;
    private final @Nullable ToolAction action;
    private final @Nullable Delegate delegate;
    private @Nullable Duration timeLimit;
    private @Nullable RetryPolicy retry;
    private @Nullable ToolRate rate;
    private UnknownOutcome<String> whenUnknown = UnknownOutcome.repeat();
    private Predicate<ProposedCall> approval = call -> false;
    private boolean alone;
    private boolean repeatable;
    private int maxResult = 30_000;
    private Origin origin = Origin.TOOL;
    private OnToolError onError = OnToolError.TELL;

    private Builder(
        ToolSpecification specification, @Nullable ToolAction action, @Nullable Delegate delegate) {
      if (specification.name() == null || !NAME.matcher(specification.name()).matches()) {
        throw new IllegalArgumentException(
            "a tool's name must have 1 to 64 letters, digits, '_', '.' or '-': "
                + specification.name());
      }
      this.specification = specification;
      this.action = action;
      this.delegate = delegate;
    }

    private Builder copy() {
      Builder copy = new Builder(specification, action, delegate);
      copy.timeLimit = timeLimit;
      copy.retry = retry;
      copy.rate = rate;
      copy.whenUnknown = whenUnknown;
      copy.approval = approval;
      copy.alone = alone;
      copy.repeatable = repeatable;
      copy.maxResult = maxResult;
      copy.origin = origin;
      copy.onError = onError;
      return copy;
    }

    /**
     * Limits each attempt.
     *
     * @param timeLimit more than zero
     * @return this
     */
    public Builder timeLimit(Duration timeLimit) {
      if (timeLimit.isNegative() || timeLimit.isZero()) {
        throw new IllegalArgumentException("timeLimit must be more than zero: " + timeLimit);
      }
      this.timeLimit = timeLimit;
      return this;
    }

    /**
     * Sets how failed attempts are tried again before the model is told. By default as the agent's
     * definition says.
     *
     * @param retry the policy
     * @return this
     */
    public Builder retry(RetryPolicy retry) {
      this.retry = Objects.requireNonNull(retry, "retry");
      return this;
    }

    /**
     * Limits how often the tool is called by all processes that share the limiter. A call that
     * finds no permit fails its attempt with {@code RATE_LIMITED}, and the retry policy waits.
     *
     * @param limiter the limiter; not closed here
     * @param limit what the tool is held to, under the name {@code tool:} and its own
     * @return this
     */
    public Builder rate(RateLimiter limiter, Limit limit) {
      this.rate = new ToolRate(limiter, limit, "tool:" + specification.name());
      return this;
    }

    /**
     * Says what to do when a process died while the call was under way. By default the call is made
     * again, with the same key.
     *
     * @param policy the policy, whose result is what the model is told
     * @return this
     */
    public Builder whenUnknown(UnknownOutcome<String> policy) {
      this.whenUnknown = Objects.requireNonNull(policy, "policy");
      return this;
    }

    /**
     * Has somebody approve each call before it is made, see {@link Approvals}.
     *
     * @return this
     */
    public Builder approval() {
      return approvalWhen(call -> true);
    }

    /**
     * Has somebody approve some calls before they are made, see {@link Approvals}.
     *
     * @param approval which calls; decides by the call alone, for it is asked again on replay
     * @return this
     */
    public Builder approvalWhen(Predicate<ProposedCall> approval) {
      this.approval = Objects.requireNonNull(approval, "approval");
      return this;
    }

    /**
     * Calls of an answer that holds a call of this tool are made one after another, in the model's
     * order.
     *
     * @return this
     */
    public Builder alone() {
      this.alone = true;
      return this;
    }

    /**
     * The same call may be made again and again, as that of a tool that tells how something is
     * getting on. Such a tool's calls are bounded by the agent's steps and by coming no further.
     *
     * @return this
     */
    public Builder repeatable() {
      this.repeatable = true;
      return this;
    }

    /**
     * Limits a result; what is longer is cut, and the model is told so.
     *
     * @param characters 100 to 60,000, by default 30,000
     * @return this
     */
    public Builder maxResult(int characters) {
      if (characters < 100 || characters > MOST_RESULT) {
        throw new IllegalArgumentException(
            "maxResult must be 100 to %d: %d".formatted(MOST_RESULT, characters));
      }
      this.maxResult = characters;
      return this;
    }

    /**
     * The tool's results are text that somebody else wrote, as those of a search or of a mailbox:
     * they count as {@link Origin#RETRIEVED}.
     *
     * @return this
     */
    public Builder retrieves() {
      this.origin = Origin.RETRIEVED;
      return this;
    }

    /**
     * Chooses what becomes of a call that failed for good.
     *
     * @param onError the choice, by default {@link OnToolError#TELL}
     * @return this
     */
    public Builder onError(OnToolError onError) {
      this.onError = Objects.requireNonNull(onError, "onError");
      return this;
    }

    /**
     * Builds the tool.
     *
     * @return the tool
     */
    public AgentTool build() {
      return new AgentTool(this);
    }
  }
}
