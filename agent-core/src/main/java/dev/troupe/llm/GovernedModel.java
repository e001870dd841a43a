package dev.troupe.llm;

import dev.langchain4j.model.ModelProvider;
import dev.langchain4j.model.chat.Capability;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.DefaultChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.troupe.agent.AgentContext;
import java.util.List;
import java.util.Set;

/** A model that is governed; see the design. Being built. */
@SuppressWarnings("DoNotCallSuggester")
public final class GovernedModel implements ChatModel, StreamingChatModel, AutoCloseable {
  private final LlmProvider provider;

  private GovernedModel(LlmProvider provider) {
    this.provider = provider;
  }

  /**
   * Starts a model.
   *
   * @param first who is asked first
   * @return a builder
   */
  public static Builder builder(LlmProvider first) {
    return new Builder(first);
  }

  /**
   * Asks.
   *
   * @param request what
   * @return the answer
   * @throws InterruptedException when interrupted
   */
  public LlmResponse generate(ChatRequest request) throws InterruptedException {
    return generate(request, CallOptions.USUAL);
  }

  /**
   * Asks.
   *
   * @param request what
   * @param options how
   * @return the answer
   * @throws InterruptedException when interrupted
   */
  public LlmResponse generate(ChatRequest request, CallOptions options)
      throws InterruptedException {
    return provider.generate(request, options.limits().orElse(CallLimits.USUAL));
  }

  /**
   * Asks, and hands on the answer as it comes.
   *
   * @param request what
   * @param options how
   * @param sink to whom
   * @return the answer
   * @throws InterruptedException when interrupted
   */
  public LlmResponse stream(ChatRequest request, CallOptions options, LlmSink sink)
      throws InterruptedException {
    return provider.stream(request, options.limits().orElse(CallLimits.USUAL), sink);
  }

  /**
   * The same model for one branch of a run: its calls are journaled, and never made again once
   * their answer is.
   *
   * @param context the branch
   * @return the model, for this branch only
   */
  public GovernedModel in(AgentContext context) {
    throw new UnsupportedOperationException("being built");
  }

  @Override
  public ChatResponse doChat(ChatRequest request) {
    throw new UnsupportedOperationException("being built");
  }

  @Override
  public void doChat(ChatRequest request, StreamingChatResponseHandler handler) {
    throw new UnsupportedOperationException("being built");
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

  @Override
  public void close() {}

  /** Collects options. */
  public static final class Builder {
    private final LlmProvider first;

    private Builder(LlmProvider first) {
      this.first = first;
    }

    /**
     * Builds the model.
     *
     * @return the model
     */
    public GovernedModel build() {
      return new GovernedModel(first);
    }
  }
}
