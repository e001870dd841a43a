package dev.troupe.providers.langchain;

import dev.langchain4j.agent.tool.Tool;
import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.agent.tool.ToolSpecifications;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.service.AiServices;
import dev.langchain4j.service.tool.DefaultToolExecutor;
import dev.langchain4j.service.tool.ToolExecutor;
import dev.troupe.agent.AgentContext;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.llm.GovernedModel;
import dev.troupe.llm.guard.Guards;
import dev.troupe.llm.memory.ConversationMemory;
import java.lang.reflect.Method;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Registers an interface for langchain4j's {@code AiServices} as an agent, as it is. In each run
 * the service is built anew over a model that is bound to the run: every model call and every tool
 * call is a step, journaled, and not made again once its result is.
 *
 * <p>The input of the agent is the method's parameter; of a method with several parameters, a map
 * of their names (classes compiled with {@code -parameters}). The output is what the method
 * returns; of a {@code Result<T>} its content. Streams ({@code TokenStream}) have no result that
 * could be journaled and are refused.
 *
 * <p>The guards that the host gave to the model are asked around each tool call, too. What led to a
 * call is not known here, so it counts as led to by every origin.
 *
 * <p>Not safe for several threads; the definition that it builds is.
 *
 * @param <S> the interface
 */
public final class AiServiceAgents<S> {
  final Class<S> service;
  final Function<AgentContext, ChatModel> models;
  final Guards guards;
  final Map<ToolSpecification, ToolExecutor> tools = new LinkedHashMap<>();
  Consumer<AiServices<S>> more = services -> {};
  @Nullable ConversationMemory memory;
  Function<Object, String> conversation = input -> "";
  private @Nullable String method;

  private AiServiceAgents(
      Class<S> service, Function<AgentContext, ChatModel> models, Guards guards) {
    this.service = Objects.requireNonNull(service, "service");
    this.models = models;
    this.guards = guards;
  }

  /**
   * Starts an agent.
   *
   * @param service the interface, as {@code AiServices} takes it
   * @param model the model that answers; bound to each run
   * @return a builder
   */
  public static <S> AiServiceAgents<S> of(Class<S> service, GovernedModel model) {
    return new AiServiceAgents<>(service, model::in, model.guards());
  }

  static <S> AiServiceAgents<S> over(Class<S> service, Function<AgentContext, ChatModel> models) {
    return new AiServiceAgents<>(service, models, Guards.NONE);
  }

  /**
   * Names the method that the agent calls, where the interface has several.
   *
   * @param name of a method that the interface has once
   * @return this
   */
  public AiServiceAgents<S> method(String name) {
    this.method = Objects.requireNonNull(name, "name");
    return this;
  }

  /**
   * Gives the model the methods of an object with {@code @Tool}.
   *
   * @param object one instance for all runs
   * @return this
   * @throws IllegalArgumentException when it has no such method
   */
  public AiServiceAgents<S> tools(Object object) {
    int before = tools.size();
    for (Class<?> type = object.getClass(); type != null; type = type.getSuperclass()) {
      for (Method candidate : type.getDeclaredMethods()) {
        if (candidate.isAnnotationPresent(Tool.class)) {
          candidate.setAccessible(true);
          tool(
              ToolSpecifications.toolSpecificationFrom(candidate),
              DefaultToolExecutor.builder()
                  .object(object)
                  .originalMethod(candidate)
                  .methodToInvoke(candidate)
                  .wrapToolArgumentsExceptions(true)
                  .propagateToolExecutionExceptions(true)
                  .build());
        }
      }
    }
    if (tools.size() == before) {
      throw new IllegalArgumentException(
          object.getClass().getName() + " has no method with @Tool that is not there already");
    }
    return this;
  }

  /**
   * Gives the model a tool.
   *
   * @param specification its name, description and schema
   * @param executor what it does; a {@link McpTool} is one
   * @return this
   */
  public AiServiceAgents<S> tool(ToolSpecification specification, ToolExecutor executor) {
    tools.put(specification, Objects.requireNonNull(executor, "executor"));
    return this;
  }

  /**
   * Has runs remember what was said in earlier ones: read in a step at the beginning, and written
   * in one at the end, once.
   *
   * @param memory the conversations
   * @param conversation names the conversation of a run by its input
   * @return this
   */
  public AiServiceAgents<S> memory(
      ConversationMemory memory, Function<Object, String> conversation) {
    this.memory = Objects.requireNonNull(memory, "memory");
    this.conversation = Objects.requireNonNull(conversation, "conversation");
    return this;
  }

  /**
   * Sets what else {@code AiServices} offers: system messages, guardrails, retrieval. Called in
   * each run, before the service is built; what it adds does nothing that would have to be
   * journaled. Model, memory and tools are set here, not there, and tools are never executed on
   * other threads.
   *
   * @param more sets options
   * @return this
   */
  public AiServiceAgents<S> configure(Consumer<AiServices<S>> more) {
    this.more = Objects.requireNonNull(more, "more");
    return this;
  }

  /**
   * The agent, to be registered, or to be given a version and limits before.
   *
   * @param name the agent's name
   * @return a definition's builder
   * @throws IllegalArgumentException when the method can't be told, or returns a stream
   */
  public AgentDefinition.Builder<?, ?> agent(String name) {
    return definition(name, ServiceMethod.of(service, method));
  }

  @SuppressWarnings({"unchecked", "rawtypes"}) // the method's own types
  private AgentDefinition.Builder<?, ?> definition(String name, ServiceMethod call) {
    return AgentDefinition.of(
        name, (Class) call.input(), (Class) call.output(), new AiServiceAgent<>(this, call));
  }
}
