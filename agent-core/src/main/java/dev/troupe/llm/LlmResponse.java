package dev.troupe.llm;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.troupe.ErrorCode;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * An answer, with how it came about.
 *
 * @param response message, usage, finish reason, the provider's id and the model that answered
 * @param provider who answered
 * @param complete false only where the caller chose {@link Partial#KEEP}
 * @param latency from the request to the answer's end, for the attempt that succeeded
 * @param cost in US dollars by the price table, of this answer alone; null when its model has no
 *     price
 * @param headers of the provider's answer, in lower case: request ids and what is left of its
 *     limits; empty where the provider shows none
 * @param failed what was tried before, in its order, and why it did not serve; empty when the first
 *     attempt did
 */
public record LlmResponse(
    ChatResponse response,
    String provider,
    boolean complete,
    Duration latency,
    @Nullable BigDecimal cost,
    Map<String, String> headers,
    List<Tried> failed) {
  /** Copies. */
  public LlmResponse {
    Objects.requireNonNull(response, "response");
    Objects.requireNonNull(provider, "provider");
    headers = Map.copyOf(headers);
    failed = List.copyOf(failed);
  }

  /**
   * An attempt that did not serve.
   *
   * @param provider who was asked
   * @param model for which model
   * @param code why it did not serve
   * @param message in words
   */
  public record Tried(String provider, String model, ErrorCode code, String message) {}

  /**
   * The model's message.
   *
   * @return the message
   */
  public AiMessage message() {
    return response.aiMessage();
  }

  /**
   * The text of the message.
   *
   * @return the text, empty when the model only called tools
   */
  public String text() {
    String text = response.aiMessage().text();
    return text == null ? "" : text;
  }

  /**
   * The model that answered.
   *
   * @return its name as the provider gave it
   */
  public String model() {
    return response.modelName();
  }

  /** Without the message, which may be secret. */
  @Override
  public String toString() {
    return "answer of %s at %s, %s in %s, after %d failed attempt(s)"
        .formatted(model(), provider, complete ? "whole" : "a part", latency, failed.size());
  }
}
