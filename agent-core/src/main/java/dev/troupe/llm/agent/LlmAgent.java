package dev.troupe.llm.agent;

import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.troupe.Codec;
import dev.troupe.agent.Agent;
import dev.troupe.agent.AgentContext;
import dev.troupe.llm.CallOptions;
import dev.troupe.llm.GovernedModel;
import dev.troupe.llm.LlmSink;
import dev.troupe.llm.guard.Guard;
import dev.troupe.llm.guard.ProposedCall;
import dev.troupe.llm.guard.Provenance;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * An agent made of a model, instructions, tools and an output type:
 *
 * <pre>{@code
 * LlmAgent<String, Report> researcher =
 *     LlmAgent.of(model, String.class, Report.class)
 *         .instructions("You find out things.")
 *         .tools(AgentTool.from(new Library()))
 *         .build();
 * AgentDefinition.of("research", String.class, Report.class, researcher).build();
 * }</pre>
 *
 * <p>Guarantees:
 *
 * <ol>
 *   <li>Each model call and each tool call is journaled by itself. None whose result was journaled
 *       is made again; a crash repeats at most the one under way in each branch.
 *   <li>A tool is called only when it is on this agent's list, the model finished its answer with
 *       the call, and the arguments fit the schema. What does not is told to the model, so many
 *       times in a row and no more.
 *   <li>No call gets around the guards, policies and approvals of this agent, nor around the guards
 *       of its model.
 *   <li>The loop ends: with an answer, with {@code OUTPUT_INVALID}, with {@code NO_PROGRESS}, or
 *       stopped by {@code BUDGET_EXCEEDED}, from where it can be resumed.
 *   <li>An answer that was cut off is never taken for a whole one.
 * </ol>
 *
 * <p>Immutable; one instance serves many runs at the same time.
 *
 * @param <I> what it is given
 * @param <O> what it gives back
 */
public final class LlmAgent<I, O> implements Agent<I, O> {
  private final Settings<I, O> settings;
  private final AnswerForm<O> form;

  private LlmAgent(Settings<I, O> settings) {
    this.settings = settings.copy();
    this.form = new AnswerForm<>(settings.output, settings.model);
  }

  /**
   * Starts an agent.
   *
   * @param model the model; not closed by the agent
   * @param input the type of the input
   * @param output text, or a record that the answer has to fit
   * @return a builder
   */
  public static <I, O> Builder<I, O> of(GovernedModel model, Class<I> input, Class<O> output) {
    return new Builder<>(Objects.requireNonNull(model, "model"), input, output);
  }

  @Override
  public O execute(I input, AgentContext context) throws Exception {
    return new Loop<>(settings, form, context).run(input);
  }

  /**
   * Collects what is said of an agent. Not safe for several threads.
   *
   * @param <I> what it is given
   * @param <O> what it gives back
   */
  public static final class Builder<I, O> {
    private final Settings<I, O> settings;

    private Builder(GovernedModel model, Class<I> input, Class<O> output) {
      Objects.requireNonNull(input, "input");
      this.settings =
          new Settings<>(model, output, value -> List.of(UserMessage.from(text(value, input))));
    }

    private static String text(Object value, Class<?> type) {
      return value instanceof String text
          ? text
          : new String(Codec.json().encode(value, type), StandardCharsets.UTF_8);
    }

    /**
     * Tells the model what it is and how to work.
     *
     * @param instructions the system message
     * @return this
     */
    public Builder<I, O> instructions(String instructions) {
      settings.instructions = Objects.requireNonNull(instructions, "instructions");
      return this;
    }

    /**
     * Says how an input becomes messages. By default text as it is, anything else as JSON.
     *
     * @param input a pure function; marks what somebody else wrote by {@link Provenance}
     * @return this
     */
    public Builder<I, O> input(Function<I, List<ChatMessage>> input) {
      settings.input = Objects.requireNonNull(input, "input");
      return this;
    }

    /**
     * Adds tools. The model may call these and no others.
     *
     * @param tools the tools, each name once
     * @return this
     */
    public Builder<I, O> tools(AgentTool... tools) {
      return tools(Arrays.asList(tools));
    }

    /**
     * Adds tools. The model may call these and no others.
     *
     * @param tools the tools, each name once
     * @return this
     */
    public Builder<I, O> tools(List<AgentTool> tools) {
      for (AgentTool tool : tools) {
        if (settings.tools.putIfAbsent(tool.name(), tool) != null) {
          throw new IllegalArgumentException("two tools are named '%s'".formatted(tool.name()));
        }
      }
      return this;
    }

    /**
     * Adds guards, which are asked in the order in which they are given, before those that the host
     * gave to the model ({@link dev.troupe.llm.GovernedModelBuilder#guards}).
     *
     * @param guards the guards
     * @return this
     */
    public Builder<I, O> guards(Guard... guards) {
      settings.guards.addAll(Arrays.asList(guards));
      return this;
    }

    /**
     * Adds policies; all of them have to allow a tool call.
     *
     * @param policies the policies
     * @return this
     */
    public Builder<I, O> policies(ToolPolicy... policies) {
      settings.policies.addAll(Arrays.asList(policies));
      return this;
    }

    /**
     * Says how people are asked. By default they have a day.
     *
     * @param approvals how
     * @return this
     */
    public Builder<I, O> approvals(Approvals approvals) {
      settings.approvals = Objects.requireNonNull(approvals, "approvals");
      return this;
    }

    /**
     * Has somebody approve calls of any tool, besides those that the tools name themselves.
     *
     * @param approval which calls; decides by the call alone, for it is asked again on replay
     * @return this
     */
    public Builder<I, O> approvalWhen(Predicate<ProposedCall> approval) {
      settings.approval = Objects.requireNonNull(approval, "approval");
      return this;
    }

    /**
     * Limits the model calls of a run. When they are used up the run is stopped with {@code
     * BUDGET_EXCEEDED}; it goes on when an agent that allows more is deployed and the run resumed.
     *
     * @param maxSteps at least 1, by default 30
     * @return this
     */
    public Builder<I, O> maxSteps(int maxSteps) {
      settings.maxSteps = positive("maxSteps", maxSteps);
      return this;
    }

    /**
     * Limits how often in a row the model is told that its tool calls or its answer can't be used.
     * After that the run fails with {@code OUTPUT_INVALID}.
     *
     * @param maxRepairs not negative, by default 3
     * @return this
     */
    public Builder<I, O> maxRepairs(int maxRepairs) {
      settings.maxRepairs = positive("maxRepairs", maxRepairs + 1) - 1;
      return this;
    }

    /**
     * Says at which number of equal calls, same tool and same arguments, the model is told to stop
     * instead of the call being made. When it calls once more, the run fails with {@code
     * NO_PROGRESS}.
     *
     * @param maxRepeats at least 1, by default 3
     * @return this
     */
    public Builder<I, O> maxRepeats(int maxRepeats) {
      settings.maxRepeats = positive("maxRepeats", maxRepeats);
      return this;
    }

    /**
     * Says after how many rounds in a row whose tool results are all errors or known before the run
     * fails with {@code NO_PROGRESS}.
     *
     * @param maxIdleRounds at least 1, by default 5
     * @return this
     */
    public Builder<I, O> maxIdleRounds(int maxIdleRounds) {
      settings.maxIdleRounds = positive("maxIdleRounds", maxIdleRounds);
      return this;
    }

    /**
     * Says how many tool calls of one answer are made side by side.
     *
     * @param parallelTools at least 1, by default 4
     * @return this
     */
    public Builder<I, O> parallelTools(int parallelTools) {
      settings.parallelTools = positive("parallelTools", parallelTools);
      return this;
    }

    /**
     * Says how model calls are made: priority, deadline, limits.
     *
     * @param options the options, in place of the model's usual ones; tenant and root come from the
     *     run unless they are named here
     * @return this
     */
    public Builder<I, O> options(CallOptions options) {
      settings.options = Objects.requireNonNull(options, "options");
      return this;
    }

    /**
     * Sets what else a request says, such as temperature or the most output tokens.
     *
     * @param request prepares each request, before its messages, tools and format are set
     * @return this
     */
    public Builder<I, O> request(Consumer<ChatRequest.Builder> request) {
      settings.request = Objects.requireNonNull(request, "request");
      return this;
    }

    /**
     * Lets the agent remember earlier runs.
     *
     * @param memory finds the memory of the conversation that a run belongs to
     * @return this
     */
    public Builder<I, O> memory(BiFunction<I, AgentContext, Memory> memory) {
      settings.memory = Objects.requireNonNull(memory, "memory");
      return this;
    }

    /**
     * Hands on the model's words as they come. On replay a sink is given each answer again, as one
     * part.
     *
     * @param tokens gives the sink of a run
     * @return this
     */
    public Builder<I, O> tokens(Function<AgentContext, @Nullable LlmSink> tokens) {
      settings.tokens = Objects.requireNonNull(tokens, "tokens");
      return this;
    }

    private static int positive(String what, int value) {
      if (value < 1) {
        throw new IllegalArgumentException(what + " is too small: " + value);
      }
      return value;
    }

    /**
     * Builds the agent.
     *
     * @return the agent
     */
    public LlmAgent<I, O> build() {
      return new LlmAgent<>(settings);
    }
  }
}
