package dev.troupe.providers.langchain;

import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.ChatMessageDeserializer;
import dev.langchain4j.data.message.ChatMessageSerializer;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.memory.ChatMemory;
import dev.langchain4j.memory.chat.MessageWindowChatMemory;
import dev.langchain4j.service.AiServices;
import dev.langchain4j.service.tool.ToolErrorHandlerResult;
import dev.langchain4j.service.tool.ToolExecutor;
import dev.troupe.agent.Agent;
import dev.troupe.agent.AgentContext;
import dev.troupe.agent.StepFailedException;
import dev.troupe.llm.memory.ConversationMemory;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Runs a service: built anew for each run, so that all it does goes through the run's journal. */
final class AiServiceAgent<S> implements Agent<Object, @Nullable Object> {
  private final Class<S> service;
  private final AiServiceAgents<S> options;
  private final Map<ToolSpecification, ToolExecutor> tools;
  private final ServiceMethod call;

  AiServiceAgent(AiServiceAgents<S> options, ServiceMethod call) {
    this.service = options.service;
    this.options = options;
    this.tools = new LinkedHashMap<>(options.tools);
    this.call = call;
  }

  @Override
  public @Nullable Object execute(Object input, AgentContext context) throws Exception {
    AiServices<S> services = AiServices.builder(service);
    options.more.accept(services);
    services.chatModel(options.models.apply(context));
    if (!tools.isEmpty()) {
      Map<ToolSpecification, ToolExecutor> journaled = new LinkedHashMap<>();
      tools.forEach(
          (tool, executor) ->
              journaled.put(tool, new StepTool(tool, executor, context, options.guards)));
      services.tools(journaled);
      services.toolExecutionErrorHandler(
          (error, failed) -> {
            if (error instanceof StepFailedException step) {
              return ToolErrorHandlerResult.text(step.failure().message()); // the model may go on
            }
            throw unchecked(error);
          });
    }
    ConversationMemory memory = options.memory;
    if (memory == null) {
      return call.call(services.build(), input);
    }
    return remembering(memory, services, input, context);
  }

  private @Nullable Object remembering(
      ConversationMemory memory, AiServices<S> services, Object input, AgentContext context)
      throws Exception {
    String conversation = options.conversation.apply(input);
    List<ChatMessage> before =
        ChatMessageDeserializer.messagesFromJson(
            context.step(
                "remember",
                String.class,
                attempt -> ChatMessageSerializer.messagesToJson(memory.load(conversation))));
    before = withoutSystem(before); // the service gives its own
    ChatMemory now =
        MessageWindowChatMemory.builder()
            .maxMessages(Integer.MAX_VALUE)
            .alwaysKeepSystemMessageFirst(true)
            .build();
    before.forEach(now::add);
    if (call.hasMemoryId()) {
      services.chatMemoryProvider(id -> now);
    } else {
      services.chatMemory(now);
    }
    Object answer = call.call(services.build(), input);
    List<ChatMessage> all = withoutSystem(now.messages());
    List<ChatMessage> said = List.copyOf(all.subList(before.size(), all.size()));
    context.step(
        "keep in mind",
        Boolean.class,
        attempt -> memory.append(conversation, attempt.idempotencyKey(), said));
    return answer;
  }

  private static List<ChatMessage> withoutSystem(List<ChatMessage> messages) {
    List<ChatMessage> others = new ArrayList<>(messages);
    others.removeIf(message -> message instanceof SystemMessage);
    return others;
  }

  private static RuntimeException unchecked(Throwable error) {
    if (error instanceof Error leaving) {
      throw leaving;
    }
    return error instanceof RuntimeException known ? known : new IllegalStateException(error);
  }
}
