package dev.troupe.llm.agent;

import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.ChatMessageType;
import dev.troupe.llm.memory.ConversationMemory;
import java.util.ArrayList;
import java.util.List;

/** One conversation of a {@link ConversationMemory}. */
record StoredMemory(ConversationMemory conversations, String id) implements Memory {
  /** How many messages go into one addition, but for results that belong to the last call. */
  private static final int TOGETHER = 50;

  @Override
  public List<ChatMessage> load() {
    return conversations.load(id);
  }

  @Override
  public void append(String key, List<ChatMessage> messages) {
    List<ChatMessage> some = new ArrayList<>();
    int part = 0;
    for (ChatMessage message : messages) {
      if (some.size() >= TOGETHER && message.type() != ChatMessageType.TOOL_EXECUTION_RESULT) {
        conversations.append(id, key + "-" + part++, some);
        some.clear();
      }
      some.add(message);
    }
    if (!some.isEmpty()) {
      conversations.append(id, key + "-" + part, some);
    }
  }
}
