package dev.troupe.providers.langchain;

import dev.langchain4j.model.ModelProvider;
import dev.langchain4j.model.chat.Capability;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.agent.Agent;
import dev.troupe.agent.AgentContext;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.llm.GovernedModel;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Registers what langchain4j's agentic module builds as an agent: one agent, or a sequence, a loop,
 * a condition or a supervisor of several, built anew in each run over a model that is bound to the
 * run, so that every model call is journaled. Their tools are not, nor are the guards of the model
 * asked about them, only around the model's calls: give a tool that acts on the world to {@link
 * AiServiceAgents} instead. Agents that work side by side ask from other threads, which one branch
 * of a run can't journal: they fail with {@code INVALID_INPUT}.
 */
public final class AgenticAgents {
  private AgenticAgents() {}

  /**
   * An agent from an agentic interface.
   *
   * @param name the agent's name
   * @param type the interface; its only abstract method is called, with one parameter of the
   *     agent's input's type or a map of several by their names
   * @param model the model that answers
   * @param build builds the agent over a model, such as {@code m ->
   *     AgenticServices.agentBuilder(Writer.class).chatModel(m).build()}
   * @return a definition's builder
   * @throws IllegalArgumentException when the method can't be told, or returns a stream
   */
  public static <S> AgentDefinition.Builder<?, ?> agent(
      String name, Class<S> type, GovernedModel model, Function<ChatModel, S> build) {
    return over(name, type, model::in, build);
  }

  @SuppressWarnings({"unchecked", "rawtypes"}) // the method's own types
  static <S> AgentDefinition.Builder<?, ?> over(
      String name,
      Class<S> type,
      Function<AgentContext, ChatModel> models,
      Function<ChatModel, S> build) {
    Objects.requireNonNull(build, "build");
    ServiceMethod call = ServiceMethod.of(type, null);
    Agent<Object, @Nullable Object> agent =
        (input, context) ->
            call.call(build.apply(new OfOneThread(models.apply(context), name)), input);
    return AgentDefinition.of(name, (Class) call.input(), (Class) call.output(), (Agent) agent);
  }

  /** A model of one branch, asked by that branch's thread only. */
  private static final class OfOneThread implements ChatModel {
    private final ChatModel model;
    private final String agent;
    private final Thread own = Thread.currentThread();

    OfOneThread(ChatModel model, String agent) {
      this.model = model;
      this.agent = agent;
    }

    @Override
    public ChatResponse chat(ChatRequest request) {
      if (Thread.currentThread() != own) {
        throw new AgentException(
            ErrorCode.INVALID_INPUT,
            "agent %s asks its model from another thread, where its calls can't be journaled; let its agents work one after another, or make them agents of their own and call them from branches"
                .formatted(agent));
      }
      return model.chat(request);
    }

    @Override
    public ChatRequestParameters defaultRequestParameters() {
      return model.defaultRequestParameters();
    }

    @Override
    public ModelProvider provider() {
      return model.provider();
    }

    @Override
    public Set<Capability> supportedCapabilities() {
      return model.supportedCapabilities();
    }
  }
}
