package dev.troupe.llm;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Keeps prompts and answers out of messages: some providers repeat in an error what they were sent.
 */
final class Echo {
  /** Fewer characters than this in common mean nothing. */
  private static final int PIECE = 16;

  private Echo() {}

  /** The same failure, without what the provider said when it repeats a part of the call. */
  static LlmException removed(LlmException failure, ChatRequest request, String given) {
    String message = String.valueOf(failure.getMessage());
    List<String> texts = texts(request);
    texts.add(given);
    if (texts.stream().noneMatch(text -> shared(message, text.replaceAll("\\s+", " ").strip()))) {
      return failure;
    }
    return LlmException.of(
            failure.code(),
            failure.provider(),
            Failures.message(
                failure.provider(),
                failure.status(),
                failure.code(),
                "a part of the call, which is left out"))
        .status(failure.status())
        .retryAfter(failure.retryAfter().orElse(null))
        .requestId(failure.requestId().orElse(null))
        .partial(failure.partial())
        .build();
  }

  private static boolean shared(String message, String text) {
    if (text.length() < PIECE) {
      return text.length() >= PIECE / 2 && message.contains(text);
    }
    for (int i = 0; i + PIECE <= message.length(); i += PIECE / 2) {
      if (text.contains(message.substring(i, i + PIECE))) {
        return true;
      }
    }
    return false;
  }

  private static List<String> texts(ChatRequest request) {
    List<String> texts = new ArrayList<>();
    for (ChatMessage message : request.messages()) {
      if (message instanceof SystemMessage system) {
        texts.add(system.text());
      } else if (message instanceof UserMessage user) {
        user.contents().stream()
            .filter(TextContent.class::isInstance)
            .forEach(content -> texts.add(((TextContent) content).text()));
      } else if (message instanceof AiMessage answer) {
        add(answer.text(), texts);
        answer.toolExecutionRequests().forEach(call -> add(call.arguments(), texts));
      } else if (message instanceof ToolExecutionResultMessage result) {
        add(result.text(), texts);
      }
    }
    return texts;
  }

  private static void add(@Nullable String text, List<String> texts) {
    if (text != null) {
      texts.add(text);
    }
  }
}
