package dev.troupe.llm.memory;

import dev.langchain4j.data.message.ChatMessage;
import java.util.List;

/**
 * What no longer fits into a conversation's window, to be summarised.
 *
 * @param upTo the number of the last message of these
 * @param summary of what came before these, empty when there is none
 * @param messages the messages, oldest first
 */
public record Excess(long upTo, String summary, List<ChatMessage> messages) {
  /** Copies. */
  public Excess {
    messages = List.copyOf(messages);
  }

  /** Shows no messages. */
  @Override
  public String toString() {
    return "Excess[up to %d, %d messages]".formatted(upTo, messages.size());
  }
}
