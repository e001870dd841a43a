package dev.troupe.providers.langchain;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessageDeserializer;
import dev.langchain4j.data.message.ChatMessageSerializer;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.troupe.agent.AgentContext;
import java.util.function.Function;

/** A model whose calls are steps of a run, as those of a governed model bound to it are. */
final class JournaledModel implements ChatModel {
  private final AgentContext context;
  private final Function<ChatRequest, AiMessage> answers;

  JournaledModel(AgentContext context, Function<ChatRequest, AiMessage> answers) {
    this.context = context;
    this.answers = answers;
  }

  @Override
  public ChatResponse doChat(ChatRequest request) {
    String json =
        context.step(
            "model",
            String.class,
            attempt -> ChatMessageSerializer.messageToJson(answers.apply(request)));
    return ChatResponse.builder()
        .aiMessage((AiMessage) ChatMessageDeserializer.messageFromJson(json))
        .build();
  }
}
