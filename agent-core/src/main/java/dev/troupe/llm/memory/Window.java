package dev.troupe.llm.memory;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToIntFunction;

/** Which of a conversation's messages a model is shown. */
record Window(int maxMessages, long maxTokens, ToIntFunction<ChatMessage> tokens) {
  /**
   * Where the window begins. A tool's result stays with the call of it; the last round stays
   * whatever its size; where there is a message of the user in the window, it begins with one.
   *
   * @return the index of the first message shown, apart from a system message before it
   */
  int start(List<ChatMessage> messages) {
    long count = 0;
    long size = 0;
    for (ChatMessage message : messages) {
      if (message instanceof SystemMessage) {
        count++;
        size += tokens.applyAsInt(message);
      }
    }
    int start = messages.size();
    for (int end = messages.size(); end > 0; ) {
      int begin = begin(messages, end);
      for (int i = begin; i < end; i++) {
        if (!(messages.get(i) instanceof SystemMessage)) {
          count++;
          size += tokens.applyAsInt(messages.get(i));
        }
      }
      if (start < messages.size() && (count > maxMessages || size > maxTokens)) {
        break;
      }
      start = begin;
      end = begin;
    }
    if (start == 0) {
      return 0;
    }
    for (int i = start; i < messages.size(); i++) {
      if (messages.get(i) instanceof UserMessage) {
        return i;
      }
    }
    return start;
  }

  /** Where the round begins that ends there: with the call, if the last messages are results. */
  private static int begin(List<ChatMessage> messages, int end) {
    int begin = end - 1;
    while (begin > 0 && messages.get(begin) instanceof ToolExecutionResultMessage) {
      begin--;
    }
    return messages.get(begin) instanceof AiMessage || begin == end - 1 ? begin : begin + 1;
  }

  /** The system message, wherever it stands, then what the window shows. */
  List<ChatMessage> of(List<ChatMessage> messages) {
    int start = start(messages);
    List<ChatMessage> shown = new ArrayList<>();
    for (int i = 0; i < messages.size(); i++) {
      if (i >= start || messages.get(i) instanceof SystemMessage) {
        shown.add(messages.get(i));
      }
    }
    return shown;
  }
}
