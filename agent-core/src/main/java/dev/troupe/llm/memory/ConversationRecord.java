package dev.troupe.llm.memory;

import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.ChatMessageDeserializer;
import dev.langchain4j.data.message.ChatMessageSerializer;
import dev.troupe.AgentException;
import dev.troupe.Codec;
import dev.troupe.ErrorCode;
import dev.troupe.state.StoreInfo;
import dev.troupe.state.Stored;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A conversation as it lies in the store: a row for each message.
 *
 * @param next the number of the next message
 * @param summary the encoded summary, null for none
 * @param keys of the last additions, so that one made again is recognised
 * @param rows the encoded messages by their numbers
 */
record ConversationRecord(
    long version,
    long next,
    byte @Nullable [] summary,
    List<String> keys,
    SortedMap<Long, byte[]> rows) {
  static final String SUMMARY = "summary";
  private static final int REMEMBERED = 32;

  static ConversationRecord of(String id, @Nullable Stored stored) {
    if (stored == null) {
      return new ConversationRecord(0, 1, null, List.of(), new TreeMap<>());
    }
    try {
      List<String> lines = new String(stored.value(), StandardCharsets.UTF_8).lines().toList();
      if (lines.isEmpty() || !lines.get(0).startsWith("1 ")) {
        throw new NumberFormatException("not of format 1");
      }
      TreeMap<Long, byte[]> rows = new TreeMap<>();
      for (Map.Entry<String, byte[]> row : stored.rows().entrySet()) {
        if (row.getKey().startsWith("m")) {
          rows.put(Long.parseLong(row.getKey().substring(1)), row.getValue());
        }
      }
      return new ConversationRecord(
          stored.version(),
          Long.parseLong(lines.get(0).substring(2)),
          stored.rows().get(SUMMARY),
          lines.subList(1, lines.size()),
          rows);
    } catch (NumberFormatException e) {
      throw undecodable(id, e);
    }
  }

  static String row(long number) {
    return String.format(Locale.ROOT, "m%015d", number);
  }

  /** The record's value after an addition. */
  static byte[] value(long next, List<String> keys) {
    List<String> last = keys.subList(Math.max(0, keys.size() - REMEMBERED), keys.size());
    StringBuilder value = new StringBuilder("1 ").append(next);
    last.forEach(key -> value.append('\n').append(key));
    return value.toString().getBytes(StandardCharsets.UTF_8);
  }

  static byte[] encode(ChatMessage message, Codec codec) {
    byte[] bytes = codec.encode(ChatMessageSerializer.messageToJson(message), String.class);
    if (bytes.length > StoreInfo.MAX_BYTES) {
      throw new AgentException(
          ErrorCode.LIMIT_EXCEEDED,
          "a message of %d bytes is more than a conversation keeps of one, %d; keep what is large elsewhere and refer to it"
              .formatted(bytes.length, StoreInfo.MAX_BYTES));
    }
    return bytes;
  }

  long first() {
    return rows.isEmpty() ? next : rows.firstKey();
  }

  Conversation decode(String id, Codec codec) {
    try {
      List<ChatMessage> messages = new ArrayList<>();
      for (byte[] row : rows.values()) {
        messages.add(ChatMessageDeserializer.messageFromJson(text(row, codec)));
      }
      String before = summary == null ? "" : text(summary, codec);
      return new Conversation(id, version, first(), before, messages);
    } catch (RuntimeException e) {
      throw undecodable(id, e);
    }
  }

  private static String text(byte[] bytes, Codec codec) {
    return String.valueOf(codec.decode(bytes, String.class));
  }

  /** What the cause says may quote a message, so only its name goes along. */
  private static AgentException undecodable(String id, RuntimeException cause) {
    return new AgentException(
        ErrorCode.UNDECODABLE,
        "conversation %s can't be read (%s); was it written by another codec or a later version?"
            .formatted(id, cause.getClass().getSimpleName()));
  }

  long bytes() {
    return rows.values().stream().mapToLong(row -> row.length).sum()
        + (summary == null ? 0 : summary.length);
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof ConversationRecord that
        && version == that.version
        && next == that.next
        && keys.equals(that.keys)
        && Arrays.equals(summary, that.summary)
        && rows.keySet().equals(that.rows.keySet());
  }

  @Override
  public int hashCode() {
    return Long.hashCode(version * 31 + next);
  }

  @Override
  public String toString() {
    return "ConversationRecord[v" + version + ", " + rows.size() + " messages]";
  }
}
