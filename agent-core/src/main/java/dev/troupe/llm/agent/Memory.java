package dev.troupe.llm.agent;

import dev.langchain4j.data.message.ChatMessage;
import dev.troupe.llm.memory.ConversationMemory;
import java.util.List;

/** What a conversation remembers from one run to the next. */
public interface Memory {
  /**
   * What was said before. Asked once at a run's beginning and journaled, so at most 256 KiB.
   *
   * @return the messages, oldest first, without the agent's instructions
   * @throws Exception to fail the attempt; tried again by the agent's retry policy
   */
  List<ChatMessage> load() throws Exception;

  /**
   * Adds what was said in a run that succeeded, once it has its answer: the input, tool calls,
   * their results and the answer.
   *
   * @param key tells this addition from others; a crash may repeat it with the same key
   * @param messages the messages, oldest first
   * @throws Exception to fail the attempt; tried again by the agent's retry policy
   */
  void append(String key, List<ChatMessage> messages) throws Exception;

  /**
   * A conversation in a store.
   *
   * @param conversations where it lies
   * @param id its name, 1 to 200 characters
   * @return the conversation
   */
  static Memory of(ConversationMemory conversations, String id) {
    return new StoredMemory(conversations, id);
  }
}
