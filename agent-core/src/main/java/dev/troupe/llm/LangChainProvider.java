package dev.troupe.llm;

import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import org.jspecify.annotations.Nullable;

/** A langchain4j model as a provider. */
final class LangChainProvider implements LlmProvider {
  private final String name;
  private final String model;

  LangChainProvider(
      String name, String model, @Nullable ChatModel chat, @Nullable StreamingChatModel streaming) {
    this.name = name;
    this.model = model;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public String model() {
    return model;
  }

  @Override
  public LlmResponse generate(ChatRequest request, CallLimits limits) {
    throw new UnsupportedOperationException("being built");
  }

  @Override
  public LlmResponse stream(ChatRequest request, CallLimits limits, LlmSink sink) {
    throw new UnsupportedOperationException("being built");
  }
}
