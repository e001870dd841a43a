package dev.troupe.providers;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.Content;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.troupe.llm.LlmException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Takes out of a provider's words what it repeats of the prompt, and of what it had answered. */
final class Discretion {
  /** Shorter matches are words that anybody uses. */
  private static final int RUN = 16;

  private static final int DEEPEST = 20;

  private Discretion() {}

  /** The same failure, with what had been shown and without what was asked. */
  static LlmException about(ChatRequest request, LlmException failed, String shown) {
    List<String> texts = texts(request);
    texts.add(shown);
    return LlmException.of(
            failed.code(), failed.provider(), without(texts, String.valueOf(failed.getMessage())))
        .cause(repeats(texts, failed.getCause()) ? null : failed.getCause())
        .retryAfter(failed.retryAfter().orElse(null))
        .status(failed.status())
        .requestId(failed.requestId().orElse(null))
        .partial(shown)
        .build();
  }

  private static boolean repeats(List<String> texts, @Nullable Throwable cause) {
    int depth = 0;
    for (Throwable one = cause; one != null && depth < DEEPEST; one = one.getCause()) {
      String words = String.valueOf(one.getMessage());
      if (!without(texts, words).equals(words)) {
        return true;
      }
      depth++;
    }
    return false;
  }

  private static String without(List<String> texts, String words) {
    BitSet repeated = new BitSet();
    for (String text : texts) {
      int run = Math.min(RUN, text.length());
      for (int at = 0; run >= 8 && at + run <= words.length(); at++) {
        if (text.contains(words.substring(at, at + run))) {
          repeated.set(at, at + run);
        }
      }
    }
    if (repeated.isEmpty()) {
      return words;
    }
    StringBuilder kept = new StringBuilder();
    for (int at = 0; at < words.length(); at++) {
      if (!repeated.get(at)) {
        kept.append(words.charAt(at));
      } else if (at == 0 || !repeated.get(at - 1)) {
        kept.append("[prompt]");
      }
    }
    return kept.toString();
  }

  private static List<String> texts(ChatRequest request) {
    List<String> texts = new ArrayList<>();
    for (ChatMessage message : request.messages()) {
      if (message instanceof UserMessage user) {
        for (Content content : user.contents()) {
          if (content instanceof TextContent text) {
            texts.add(text.text());
          }
        }
      } else if (message instanceof SystemMessage system) {
        texts.add(system.text());
      } else if (message instanceof AiMessage ai) {
        add(texts, ai.text());
        for (ToolExecutionRequest tool : ai.toolExecutionRequests()) {
          add(texts, tool.arguments());
        }
      } else if (message instanceof ToolExecutionResultMessage result) {
        add(texts, result.text());
      }
    }
    return texts;
  }

  private static void add(List<String> texts, @Nullable String text) {
    if (text != null) {
      texts.add(text);
    }
  }
}
