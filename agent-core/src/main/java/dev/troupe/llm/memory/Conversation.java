package dev.troupe.llm.memory;

import dev.langchain4j.data.message.ChatMessage;
import java.util.List;
import java.util.Objects;

/**
 * A conversation as it was read.
 *
 * @param id the conversation's name
 * @param version of its record; 0 when there is none yet
 * @param first the number of the first message kept; those before were removed or summarised
 * @param summary of what came before, empty when there is none
 * @param messages all that are kept, oldest first
 */
public record Conversation(
    String id, long version, long first, String summary, List<ChatMessage> messages) {
  /** Copies. */
  public Conversation {
    Objects.requireNonNull(id, "id");
    Objects.requireNonNull(summary, "summary");
    messages = List.copyOf(messages);
  }

  /** Shows no messages: they are nobody's business in a log. */
  @Override
  public String toString() {
    return "Conversation[%s v%d, messages %d to %d]"
        .formatted(id, version, first, first + messages.size() - 1);
  }
}
