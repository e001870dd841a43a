package dev.troupe.providers;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** How a provider says on the wire that an answer is at its end, and how it ended. */
enum Dialect {
  /** Of OpenAI, and of all who are compatible with it. */
  OPEN_AI(false) {
    @Override
    @Nullable String reason(JsonNode event) {
      return text(event.path("choices").path(0).path("finish_reason"));
    }
  },
  MISTRAL(false) {
    @Override
    @Nullable String reason(JsonNode event) {
      return text(event.path("choices").path(0).path("finish_reason"));
    }

    @Override
    boolean concerns(JsonNode event) {
      return !event.path("choices").isEmpty();
    }
  },
  ANTHROPIC(false) {
    @Override
    @Nullable String reason(JsonNode event) {
      String whole = text(event.path("stop_reason"));
      return whole != null ? whole : text(event.path("delta").path("stop_reason"));
    }

    @Override
    boolean last(JsonNode event) {
      return event.path("type").asText().equals("message_stop");
    }
  },
  GEMINI(false) {
    @Override
    @Nullable String reason(JsonNode event) {
      String blocked = text(event.path("promptFeedback").path("blockReason"));
      return blocked != null
          ? "prompt_blocked"
          : text(event.path("candidates").path(0).path("finishReason"));
    }
  },
  BEDROCK(false) {
    @Override
    @Nullable String reason(JsonNode event) {
      return text(event.path("stopReason"));
    }
  },
  OLLAMA(true) {
    @Override
    @Nullable String reason(JsonNode event) {
      return event.path("done").asBoolean() ? event.path("done_reason").asText("stop") : null;
    }

    @Override
    boolean last(JsonNode event) {
      return event.path("done").asBoolean();
    }
  };

  private final boolean lines;

  Dialect(boolean lines) {
    this.lines = lines;
  }

  /** Whether streams are lines of JSON, not server-sent events. */
  boolean lines() {
    return lines;
  }

  /** What an event, or a whole answer, says about why it ended; null while it goes on. */
  abstract @Nullable String reason(JsonNode event);

  /** Whether nothing comes after this event. */
  boolean last(JsonNode event) {
    return false;
  }

  /** Whether LangChain4j can do anything with the event. */
  boolean concerns(JsonNode event) {
    return true;
  }

  /** How an answer with such a reason ended. */
  static Finish finish(String reason) {
    return switch (reason.toLowerCase(Locale.ROOT)) {
      case "length", "max_tokens", "model_length", "model_context_window_exceeded" -> Finish.LENGTH;
      case "content_filter",
          "refusal",
          "prompt_blocked",
          "safety",
          "recitation",
          "language",
          "blocklist",
          "prohibited_content",
          "spii",
          "content_filtered",
          "guardrail_intervened",
          "model_armor",
          "image_safety",
          "image_prohibited_content",
          "image_recitation" ->
          Finish.REFUSED;
      case "error",
          "malformed_function_call",
          "unexpected_tool_call",
          "too_many_tool_calls",
          "missing_thought_signature",
          "malformed_response",
          "network_error",
          "malformed_model_output",
          "malformed_tool_use" ->
          Finish.BROKEN;
      default -> Finish.WHOLE;
    };
  }

  private static @Nullable String text(JsonNode node) {
    return node.isTextual() ? node.asText() : null;
  }
}
