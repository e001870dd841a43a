package dev.troupe.redis;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.event.Delivery;
import dev.troupe.event.Delivery.Shard;
import dev.troupe.event.Position;
import dev.troupe.redis.RedisLink.Ask;
import dev.troupe.redis.RedisLink.Command;
import dev.troupe.state.Page;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.CommandArguments;
import redis.clients.jedis.Protocol;
import redis.clients.jedis.exceptions.JedisDataException;

/**
 * Reads the streams of a topic without joining: of the next entries of all shards always the one
 * that was appended first. A cursor names the last entry of each shard that was given, {@code
 * id.id…}.
 */
final class StreamHistory {
  private static final Pattern CURSOR = Pattern.compile("\\d+-\\d+(\\.\\d+-\\d+)*");
  private static final int CHUNK = 500;

  private final RedisLink link;
  private final int limit;
  private final List<Reader> readers = new ArrayList<>();

  private static final class Reader {
    final Shard shard;
    final byte[] log;
    final ArrayDeque<Delivery> buffer = new ArrayDeque<>();
    String readTo;
    String given;
    boolean ended;

    Reader(Shard shard, byte[] log, String from) {
      this.shard = shard;
      this.log = log;
      this.readTo = from;
      this.given = from;
    }
  }

  StreamHistory(RedisLink link, StreamKeys keys, List<Shard> shards, Position from, int limit) {
    this.link = link;
    this.limit = limit;
    String[] begin = begin(shards, from);
    for (int i = 0; i < begin.length; i++) {
      readers.add(new Reader(shards.get(i), keys.log(shards.get(i)), begin[i]));
    }
  }

  private static String[] begin(List<Shard> shards, Position from) {
    String[] begin = new String[shards.size()];
    if (from instanceof Position.At at) {
      if (!CURSOR.matcher(at.cursor()).matches()) {
        throw new AgentException(ErrorCode.INVALID_INPUT, "not a cursor of a page: " + at.cursor());
      }
      begin = at.cursor().split("\\.");
      if (begin.length != shards.size()) {
        throw new AgentException(
            ErrorCode.INVALID_INPUT, "a cursor of another topic: " + at.cursor());
      }
      return begin;
    }
    for (int i = 0; i < begin.length; i++) {
      begin[i] =
          from instanceof Position.Since since
              ? StreamTopics.before(since.time().toEpochMilli())
              : "0-0";
    }
    return begin;
  }

  Page<Delivery> page() {
    List<Delivery> found = new ArrayList<>();
    while (true) {
      fill();
      Reader first = null;
      Delivery next = null;
      for (Reader reader : readers) {
        Delivery one = reader.buffer.peek();
        if (one != null && (next == null || one.appended().isBefore(next.appended()))) {
          next = one;
          first = reader;
        }
      }
      if (first == null || next == null) {
        return new Page<>(found, (@Nullable String) null);
      }
      if (found.size() == limit) {
        return new Page<>(found, cursor());
      }
      found.add(next);
      first.given = next.offset();
      first.buffer.remove();
    }
  }

  /** Reads on where nothing is left, all shards in one trip. */
  private void fill() {
    List<Reader> empty = new ArrayList<>();
    List<Ask> asks = new ArrayList<>();
    int chunk = (int) Math.min(CHUNK, limit + 1L);
    for (Reader reader : readers) {
      if (reader.buffer.isEmpty() && !reader.ended) {
        empty.add(reader);
        asks.add(
            new Command(
                new CommandArguments(Protocol.Command.XRANGE)
                    .key(reader.log)
                    .add("(" + reader.readTo)
                    .add("+")
                    .add("COUNT")
                    .add(chunk)));
      }
    }
    if (empty.isEmpty()) {
      return;
    }
    List<@Nullable Object> answers = link.each(asks);
    for (int i = 0; i < empty.size(); i++) {
      Reader reader = empty.get(i);
      if (answers.get(i) instanceof JedisDataException e) {
        throw RedisErrors.of(e);
      }
      if (answers.get(i) instanceof List<?> entries) {
        for (Object entry : entries) {
          Delivery one = StreamEntry.decode(reader.shard, (List<?>) entry, 0);
          reader.buffer.add(one);
          reader.readTo = one.offset();
        }
        reader.ended = entries.size() < chunk;
      }
    }
  }

  private String cursor() {
    StringBuilder text = new StringBuilder();
    for (Reader reader : readers) {
      text.append(text.isEmpty() ? "" : ".").append(reader.given);
    }
    return text.toString();
  }
}
