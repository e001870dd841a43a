package dev.troupe.llm.memory;

import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.store.memory.chat.ChatMemoryStore;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * For langchain4j's memories, which read all messages, change the list and write it back from the
 * same thread. What a thread read last tells which of the messages that it writes are new.
 */
final class MergingChatMemoryStore implements ChatMemoryStore {
  private final ConversationMemory memory;

  // one conversation for each thread, so that it can't grow; two stores in a thread do not mix
  @SuppressWarnings("ThreadLocalUsage")
  private final ThreadLocal<@Nullable Conversation> last = new ThreadLocal<>();

  MergingChatMemoryStore(ConversationMemory memory) {
    this.memory = memory;
  }

  @Override
  public List<ChatMessage> getMessages(Object memoryId) {
    Conversation read = memory.read(memoryId.toString());
    last.set(read);
    return new ArrayList<>(read.messages());
  }

  @Override
  public void updateMessages(Object memoryId, List<ChatMessage> messages) {
    String id = memoryId.toString();
    Conversation base = last.get();
    last.remove();
    if (base == null || !base.id().equals(id)) {
      base = memory.read(id); // it sets all without having asked, so it means all
    }
    if (memory.replace(base, messages)) {
      return;
    }
    List<ChatMessage> added = added(base.messages(), messages);
    if (!added.isEmpty()) {
      memory.append(id, UUID.randomUUID().toString(), added);
    }
  }

  /** What stands in a list behind the last that was there before. */
  private static List<ChatMessage> added(List<ChatMessage> before, List<ChatMessage> now) {
    int from = 0;
    List<ChatMessage> added = new ArrayList<>();
    for (int i = 0; i < now.size(); i++) {
      int at = before.subList(from, before.size()).indexOf(now.get(i));
      if (at >= 0 && added.stream().allMatch(m -> m instanceof SystemMessage)) {
        from += at + 1;
      } else {
        added.add(now.get(i));
      }
    }
    return added;
  }

  @Override
  public void deleteMessages(Object memoryId) {
    last.remove();
    memory.delete(memoryId.toString());
  }
}
