package dev.troupe.testkit;

import dev.langchain4j.model.ModelProvider;
import dev.langchain4j.model.chat.Capability;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.DefaultChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.PartialThinking;
import dev.langchain4j.model.chat.response.PartialToolCall;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.troupe.llm.CallLimits;
import dev.troupe.llm.LlmProvider;
import dev.troupe.llm.LlmSink;
import java.util.List;
import java.util.Set;

/** A provider as langchain4j's models. */
final class ProviderChatModel implements ChatModel, StreamingChatModel {
  private final LlmProvider provider;

  ProviderChatModel(LlmProvider provider) {
    this.provider = provider;
  }

  @Override
  public ChatResponse doChat(ChatRequest request) {
    try {
      return provider.generate(request, CallLimits.USUAL).response();
    } catch (InterruptedException e) {
      throw interrupted(e);
    }
  }

  @Override
  public void doChat(ChatRequest request, StreamingChatResponseHandler handler) {
    ChatResponse response;
    try {
      response = provider.stream(request, CallLimits.USUAL, new Handing(handler)).response();
    } catch (InterruptedException e) {
      handler.onError(interrupted(e));
      return;
    } catch (RuntimeException e) {
      handler.onError(e);
      return;
    }
    handler.onCompleteResponse(response);
  }

  private static IllegalStateException interrupted(InterruptedException e) {
    Thread.currentThread().interrupt();
    return new IllegalStateException("interrupted while a model answered", e);
  }

  private record Handing(StreamingChatResponseHandler handler) implements LlmSink {
    @Override
    public void text(String part) {
      handler.onPartialResponse(part);
    }

    @Override
    public void thinking(String part) {
      handler.onPartialThinking(new PartialThinking(part));
    }

    @Override
    public void toolCall(int index, String name, String part) {
      handler.onPartialToolCall(
          PartialToolCall.builder().index(index).name(name).partialArguments(part).build());
    }
  }

  @Override
  public ChatRequestParameters defaultRequestParameters() {
    return DefaultChatRequestParameters.EMPTY;
  }

  @Override
  public List<ChatModelListener> listeners() {
    return List.of();
  }

  @Override
  public ModelProvider provider() {
    return ModelProvider.OTHER;
  }

  @Override
  public Set<Capability> supportedCapabilities() {
    return Set.of();
  }
}
