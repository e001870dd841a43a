package dev.troupe.providers;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.ChatResponseMetadata;
import dev.langchain4j.model.output.FinishReason;
import dev.troupe.ErrorCode;
import org.jspecify.annotations.Nullable;

/** Tells a whole answer from a part of one. */
final class Answers {
  private static final ObjectReader JSON =
      new ObjectMapper().reader().with(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  private Answers() {}

  /** The answer; null, and the call has failed, when it is not whole. */
  static @Nullable ChatResponse checked(Call call, String model) {
    ChatResponse answer = call.response();
    if (answer == null) {
      call.incomplete("ended its answer in the middle");
      return null;
    }
    FinishReason reason =
        call.finish() == Finish.LENGTH ? FinishReason.LENGTH : answer.finishReason();
    if (reason == null || call.finish() == null) {
      call.incomplete("did not say why its answer ended");
    } else if (reason == FinishReason.CONTENT_FILTER) {
      call.refusedAs(ErrorCode.CONTENT_REFUSED, "refused: its filter cut the answer");
    } else if (characters(answer.aiMessage()) > call.limits().maxCharacters()) {
      call.tooLarge();
    } else if (reason != FinishReason.LENGTH
        && reason != FinishReason.TOOL_EXECUTION
        && !closed(answer.aiMessage())) {
      call.incomplete("ended in the middle of a tool call");
    }
    return call.failed() || reason == null ? null : told(answer, reason, model);
  }

  private static long characters(AiMessage message) {
    long characters = length(message.text()) + length(message.thinking());
    for (ToolExecutionRequest tool : message.toolExecutionRequests()) {
      characters += length(tool.arguments());
    }
    return characters;
  }

  private static long length(@Nullable String text) {
    return text == null ? 0 : text.length();
  }

  private static boolean closed(AiMessage message) {
    for (ToolExecutionRequest tool : message.toolExecutionRequests()) {
      String arguments = tool.arguments();
      try {
        if (arguments != null && !arguments.isBlank() && !JSON.readTree(arguments).isObject()) {
          return false;
        }
      } catch (JsonProcessingException e) {
        return false;
      }
    }
    return true;
  }

  /** The answer with its true reason, and with a model's name. */
  private static ChatResponse told(ChatResponse answer, FinishReason reason, String model) {
    ChatResponseMetadata metadata = answer.metadata();
    boolean named = metadata.modelName() != null && !metadata.modelName().isBlank();
    if (named && reason == answer.finishReason()) {
      return answer;
    }
    ChatResponseMetadata.Builder<?> corrected = metadata.toBuilder();
    corrected.modelName(named ? metadata.modelName() : model);
    corrected.finishReason(reason);
    return ChatResponse.builder().aiMessage(answer.aiMessage()).metadata(corrected.build()).build();
  }
}
