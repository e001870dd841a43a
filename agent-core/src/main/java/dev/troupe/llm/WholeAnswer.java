package dev.troupe.llm;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.output.FinishReason;
import dev.troupe.ErrorCode;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** Whether what a model gave as its answer is one. */
final class WholeAnswer {
  private static final JsonFactory JSON = new JsonFactory();

  private WholeAnswer() {}

  /**
   * Refuses what is no whole answer.
   *
   * @param streamed whether it came in parts, of which the last may be missing
   */
  static ChatResponse of(
      String provider, @Nullable ChatResponse response, CallLimits limits, boolean streamed) {
    if (response == null) {
      throw failure(ErrorCode.ANSWER_INCOMPLETE, provider, "no answer at all");
    }
    FinishReason reason = response.finishReason();
    AiMessage message = response.aiMessage();
    if (reason == null) {
      throw failure(ErrorCode.ANSWER_INCOMPLETE, provider, "no finish reason came with it");
    }
    if (reason == FinishReason.CONTENT_FILTER) {
      throw failure(ErrorCode.CONTENT_REFUSED, provider, "finish reason content filter");
    }
    if (characters(message) > limits.maxCharacters()) {
      throw tooLarge(provider, limits);
    }
    // with 'length' or 'tool calls' it is the provider's word that this is all: whoever runs the
    // tools decides about them
    boolean told = reason == FinishReason.LENGTH || reason == FinishReason.TOOL_EXECUTION;
    if (streamed
        && !told
        && message.toolExecutionRequests().stream().anyMatch(call -> !isClosed(call))) {
      throw failure(
          ErrorCode.ANSWER_INCOMPLETE, provider, "arguments of a tool call that are cut off");
    }
    return response;
  }

  static LlmException tooLarge(String provider, CallLimits limits) {
    return failure(
        ErrorCode.LIMIT_EXCEEDED, provider, "more than " + limits.maxCharacters() + " characters");
  }

  static LlmException failure(ErrorCode code, String provider, String words) {
    return LlmException.of(
            code, provider, provider + ": " + FailureTable.advice(code) + " (" + words + ")")
        .build();
  }

  private static long characters(AiMessage message) {
    long sum = length(message.text()) + length(message.thinking());
    for (ToolExecutionRequest call : message.toolExecutionRequests()) {
      sum += length(call.arguments());
    }
    return sum;
  }

  private static long length(@Nullable String text) {
    return text == null ? 0 : text.length();
  }

  /** A call without arguments is closed. */
  private static boolean isClosed(ToolExecutionRequest call) {
    String arguments = call.arguments();
    if (arguments == null || arguments.isBlank()) {
      return true;
    }
    try (JsonParser parser = JSON.createParser(arguments)) {
      while (parser.nextToken() != null) {
        // to its end
      }
      return true;
    } catch (IOException cut) {
      return false;
    }
  }
}
