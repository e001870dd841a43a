package dev.troupe.llm.memory;

import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.ChatMessageSerializer;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.store.memory.chat.ChatMemoryStore;
import dev.troupe.AgentException;
import dev.troupe.Codec;
import dev.troupe.ErrorCode;
import dev.troupe.state.StateStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/**
 * What conversations of one tenant remember. Every write is made under the version that was read:
 * of two processes that write one conversation at the same time neither loses the other's messages.
 *
 * <ul>
 *   <li>{@link #append} adds to whatever is there, once per key; {@link #replace} is refused when
 *       somebody wrote since.
 *   <li>{@link #load} shows a model the window: the last messages by number and by estimated
 *       tokens, never a tool's result without its call, with the system message and the summary.
 *   <li>What has left the window is removed with the next addition; or, with {@link
 *       Builder#keepForSummary}, kept until {@link #summarized} replaces it.
 * </ul>
 *
 * <p>Reads and writes belong into steps of a run. Safe for use by many threads.
 */
public final class ConversationMemory {
  private static final int MAX_ADDITION = 100;

  private final ConversationStore store;
  private final Codec codec;
  private final Window window;
  private final long maxBytes;
  private final boolean keepForSummary;

  private ConversationMemory(Builder b) {
    this.store = new ConversationStore(b.store, b.tenant, b.keep);
    this.codec = b.codec;
    this.window = new Window(b.maxMessages, b.maxTokens, b.tokens);
    this.maxBytes = b.maxBytes;
    this.keepForSummary = b.keepForSummary;
  }

  /**
   * Starts a memory.
   *
   * @param store where conversations lie; not closed by this
   * @return a builder
   */
  public static Builder over(StateStore store) {
    return new Builder(store);
  }

  /**
   * Everything that is kept of a conversation.
   *
   * @param id its name, 1 to 200 characters
   * @return the conversation, without messages when there is none yet
   */
  public Conversation read(String id) {
    return store.read(id).decode(id, codec);
  }

  /**
   * What a model is shown of a conversation.
   *
   * @param id its name, 1 to 200 characters
   * @return the system message, the summary as a message of the user, and the window
   */
  public List<ChatMessage> load(String id) {
    Conversation conversation = read(id);
    List<ChatMessage> shown = new ArrayList<>(window.of(conversation.messages()));
    if (!conversation.summary().isEmpty()) {
      // never a system message: it was made from what users and tools said
      String words = "[Summary of what was said before]\n" + conversation.summary();
      int at = !shown.isEmpty() && shown.get(0) instanceof SystemMessage ? 1 : 0;
      shown.add(at, UserMessage.from(words));
    }
    return shown;
  }

  /**
   * Adds messages behind whatever is there. A new system message replaces the one before it.
   *
   * @param id the conversation's name, 1 to 200 characters
   * @param key tells this addition from others: the same again, among the last 32, changes nothing
   * @param messages at most 100, oldest first; a tool's results together with their call
   * @return whether they were added now
   * @throws AgentException with {@link ErrorCode#LIMIT_EXCEEDED} when a message has more than 256
   *     KiB, or the conversation would grow past its limit
   */
  public boolean append(String id, String key, List<? extends ChatMessage> messages) {
    if (key.isEmpty() || key.length() > 200 || key.chars().anyMatch(c -> c < ' ')) {
      throw new IllegalArgumentException(
          "the key of an addition has 1 to 200 characters, none of them a control character");
    }
    return store.update(
        id, found -> found.keys().contains(key) ? null : added(id, found, key, messages));
  }

  private ConversationStore.Update added(
      String id, ConversationRecord found, String key, List<? extends ChatMessage> messages) {
    if (messages.size() > MAX_ADDITION) {
      throw new AgentException(
          ErrorCode.LIMIT_EXCEEDED,
          "%d messages at once are more than a conversation takes, %d; add them in parts"
              .formatted(messages.size(), MAX_ADDITION));
    }
    ConversationStore.Update update = new ConversationStore.Update(found);
    List<ChatMessage> all = new ArrayList<>(found.decode(id, codec).messages());
    List<Long> numbers = new ArrayList<>(found.rows().keySet());
    long number = found.next();
    for (ChatMessage message : messages) {
      if (message instanceof SystemMessage) {
        for (int i = all.size() - 1; i >= 0; i--) {
          if (all.get(i) instanceof SystemMessage) {
            all.remove(i);
            update.remove(numbers.remove(i));
          }
        }
      }
      all.add(message);
      numbers.add(number);
      update.put(number++, ConversationRecord.encode(message, codec));
    }
    if (!keepForSummary) {
      int start = window.start(all);
      for (int i = 0; i < start; i++) {
        if (!(all.get(i) instanceof SystemMessage)) {
          update.remove(numbers.get(i));
        }
      }
    }
    bounded(id, update);
    return update.key(key);
  }

  private void bounded(String id, ConversationStore.Update update) {
    if (update.bytes() > maxBytes) {
      throw new AgentException(
          ErrorCode.LIMIT_EXCEEDED,
          "conversation %s would have %d bytes, %d are allowed; summarise it, or begin a new one"
              .formatted(id, update.bytes(), maxBytes));
    }
  }

  /**
   * Replaces all messages of a conversation, if nobody wrote since it was read.
   *
   * @param read the conversation as it was read
   * @param messages what it holds from now on, at most 100
   * @return false when somebody wrote in between; nothing was done: read again
   * @throws AgentException with {@link ErrorCode#LIMIT_EXCEEDED} as {@link #append}
   */
  public boolean replace(Conversation read, List<? extends ChatMessage> messages) {
    return store.update(
        read.id(),
        found -> {
          if (found.version() != read.version()) {
            return null;
          }
          ConversationStore.Update update = new ConversationStore.Update(found);
          int same = 0; // what stays at its place is not written again
          while (same < Math.min(messages.size(), read.messages().size())
              && messages.get(same).equals(read.messages().get(same))) {
            same++;
          }
          List<Long> numbers = new ArrayList<>(found.rows().keySet());
          numbers.subList(same, numbers.size()).forEach(update::remove);
          long number = found.next();
          for (ChatMessage message : messages.subList(same, messages.size())) {
            update.put(number++, ConversationRecord.encode(message, codec));
          }
          bounded(read.id(), update);
          return update.key(UUID.randomUUID().toString());
        });
  }

  /**
   * Removes a conversation.
   *
   * @param id its name
   */
  public void delete(String id) {
    store.delete(id);
  }

  /**
   * What has left the window and is to be summarised. In a run: read it in a step, have it
   * summarised by a model that is bound to the run, and write {@link #summarized} in another; so
   * the summary is made once.
   *
   * @param id the conversation's name
   * @return the messages, empty when all that is kept fits into the window
   */
  public Optional<Excess> excess(String id) {
    ConversationRecord found = store.read(id);
    Conversation conversation = found.decode(id, codec);
    int start = window.start(conversation.messages());
    List<ChatMessage> older = new ArrayList<>();
    for (ChatMessage message : conversation.messages().subList(0, start)) {
      if (!(message instanceof SystemMessage)) {
        older.add(message);
      }
    }
    if (older.isEmpty()) {
      return Optional.empty();
    }
    long upTo = new ArrayList<>(found.rows().keySet()).get(start - 1);
    return Optional.of(new Excess(upTo, conversation.summary(), older));
  }

  /**
   * Puts a summary into the place of messages. What was added meanwhile stays.
   *
   * @param id the conversation's name
   * @param excess what was summarised
   * @param summary of all that came up to there: of the summary before, too
   * @return false when these messages are gone already; nothing was done
   */
  public boolean summarized(String id, Excess excess, String summary) {
    return store.update(
        id,
        found -> {
          Conversation now = found.decode(id, codec);
          if (!now.summary().equals(excess.summary())) {
            return null;
          }
          ConversationStore.Update update = new ConversationStore.Update(found);
          List<Long> numbers = new ArrayList<>(found.rows().keySet());
          int removed = 0;
          for (int i = 0; i < numbers.size() && numbers.get(i) <= excess.upTo(); i++) {
            if (!(now.messages().get(i) instanceof SystemMessage)) {
              update.remove(numbers.get(i));
              removed++;
            }
          }
          update.summary(codec.encode(summary, String.class));
          return removed == 0 ? null : update;
        });
  }

  /**
   * The same conversations for langchain4j's memories, by {@code memoryId.toString()}. What a
   * memory writes after somebody else wrote is not refused, for it knows no refusal: its new
   * messages are added behind theirs.
   *
   * @return the store; safe for use by many threads
   */
  public ChatMemoryStore asChatMemoryStore() {
    return new MergingChatMemoryStore(this);
  }

  /** Collects options. Not safe for several threads. */
  public static final class Builder {
    private final StateStore store;
    private String tenant = "";
    private Codec codec = Codec.json();
    private int maxMessages = 100;
    private long maxTokens = Long.MAX_VALUE;
    private ToIntFunction<ChatMessage> tokens =
        message -> ChatMessageSerializer.messageToJson(message).length() / 4 + 1;
    private long maxBytes = 1 << 20;
    private boolean keepForSummary;
    private @Nullable Duration keep;

    private Builder(StateStore store) {
      this.store = Objects.requireNonNull(store, "store");
    }

    /**
     * Sets whose conversations these are; another tenant's of the same name are others.
     *
     * @param tenant the tenant, empty text for none
     * @return this
     */
    public Builder tenant(String tenant) {
      this.tenant = Objects.requireNonNull(tenant, "tenant");
      return this;
    }

    /**
     * Sets what messages are encoded by.
     *
     * @param codec the codec, {@link Codec#json} unless another is given
     * @return this
     */
    public Builder codec(Codec codec) {
      this.codec = Objects.requireNonNull(codec, "codec");
      return this;
    }

    /**
     * Limits the window by messages.
     *
     * @param maxMessages 1 to 1,000; 100 unless set
     * @return this
     */
    public Builder maxMessages(int maxMessages) {
      if (maxMessages < 1 || maxMessages > 1_000) {
        throw new IllegalArgumentException("maxMessages must be 1 to 1,000: " + maxMessages);
      }
      this.maxMessages = maxMessages;
      return this;
    }

    /**
     * Limits the window by estimated tokens. The last round is shown even if it has more.
     *
     * @param maxTokens at least 1; without limit unless set
     * @return this
     */
    public Builder maxTokens(long maxTokens) {
      if (maxTokens < 1) {
        throw new IllegalArgumentException("maxTokens must be at least 1: " + maxTokens);
      }
      this.maxTokens = maxTokens;
      return this;
    }

    /**
     * Sets how tokens are estimated: a quarter of the characters of a message's JSON, unless set.
     *
     * @param tokens gives the same number each time
     * @return this
     */
    public Builder tokens(ToIntFunction<ChatMessage> tokens) {
      this.tokens = Objects.requireNonNull(tokens, "tokens");
      return this;
    }

    /**
     * Limits what is kept of a conversation, as it is encoded.
     *
     * @param maxBytes at least 1; 1 MiB unless set
     * @return this
     */
    public Builder maxBytes(long maxBytes) {
      if (maxBytes < 1) {
        throw new IllegalArgumentException("maxBytes must be at least 1: " + maxBytes);
      }
      this.maxBytes = maxBytes;
      return this;
    }

    /**
     * Keeps what has left the window until it was summarised.
     *
     * @return this
     */
    public Builder keepForSummary() {
      this.keepForSummary = true;
      return this;
    }

    /**
     * Removes a conversation when nothing was written to it for so long. By default it is kept for
     * ever.
     *
     * @param keep more than zero
     * @return this
     */
    public Builder keep(Duration keep) {
      if (keep.isNegative() || keep.isZero()) {
        throw new IllegalArgumentException("keep must be more than zero: " + keep);
      }
      this.keep = keep;
      return this;
    }

    /**
     * Builds the memory.
     *
     * @return the memory
     */
    public ConversationMemory build() {
      return new ConversationMemory(this);
    }
  }
}
