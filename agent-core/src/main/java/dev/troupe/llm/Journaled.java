package dev.troupe.llm;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessageDeserializer;
import dev.langchain4j.data.message.ChatMessageSerializer;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.output.FinishReason;
import dev.langchain4j.model.output.TokenUsage;
import dev.troupe.llm.LlmResponse.Tried;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An answer as it is stored. What only one provider's classes know of usage and metadata is not
 * kept.
 */
record Journaled(
    String message,
    About about,
    String provider,
    Duration latency,
    @Nullable BigDecimal cost,
    Map<String, String> headers,
    List<Tried> failed) {

  /** What came with the message. */
  record About(
      @Nullable String id,
      @Nullable String model,
      @Nullable FinishReason finish,
      @Nullable Integer inputTokens,
      @Nullable Integer outputTokens,
      @Nullable Integer totalTokens,
      boolean complete) {}

  static Journaled of(LlmResponse answer) {
    ChatResponse response = answer.response();
    TokenUsage usage = response.tokenUsage();
    About about =
        new About(
            response.id(),
            response.modelName(),
            response.finishReason(),
            usage == null ? null : usage.inputTokenCount(),
            usage == null ? null : usage.outputTokenCount(),
            usage == null ? null : usage.totalTokenCount(),
            answer.complete());
    return new Journaled(
        ChatMessageSerializer.messageToJson(response.aiMessage()),
        about,
        answer.provider(),
        answer.latency(),
        answer.cost(),
        answer.headers(),
        answer.failed());
  }

  LlmResponse answer() {
    boolean counted =
        about.inputTokens != null || about.outputTokens != null || about.totalTokens != null;
    ChatResponse response =
        ChatResponse.builder()
            .aiMessage((AiMessage) ChatMessageDeserializer.messageFromJson(message))
            .id(about.id)
            .modelName(about.model)
            .finishReason(about.finish)
            .tokenUsage(
                counted
                    ? new TokenUsage(about.inputTokens, about.outputTokens, about.totalTokens)
                    : null)
            .build();
    return new LlmResponse(response, provider, about.complete, latency, cost, headers, failed);
  }
}
