package dev.troupe.redis;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.event.AppendFailedException;
import dev.troupe.event.Delivery.Shard;
import dev.troupe.event.Event;
import dev.troupe.event.Outgoing;
import dev.troupe.redis.RedisLink.Ask;
import dev.troupe.redis.RedisLink.Call;
import dev.troupe.redis.RedisLink.Command;
import dev.troupe.state.Combiner;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.CommandArguments;
import redis.clients.jedis.Protocol;
import redis.clients.jedis.exceptions.JedisDataException;

/**
 * Appends events: what concurrent callers append rides together. No event is appended behind one of
 * its shard that failed, so that those that are appended again come in their order. Safe for use by
 * many threads.
 */
final class StreamAppender {
  static final int MAX_BYTES = 1 << 20;

  private static final byte[] ANY_ID = RedisNames.ascii("*");
  private static final int MOST_TOGETHER = 500;
  private static final int MOST_BYTES = 4 << 20;
  private static final int HEAVIEST = 16 << 20;

  private final RedisLink link;
  private final StreamKeys keys;
  private final StreamTopics topics;
  private final StreamTrimmer trimmer;
  private final Combiner<Batch, Batch> combiner =
      new Combiner<>(this::send, batch -> batch.bytes, HEAVIEST);

  /** One event on its way, encoded. */
  private record Line(Batch batch, int index, Shard shard, List<byte[]> words, int bytes) {}

  /** What one caller appends. */
  private static final class Batch {
    final List<Line> lines = new ArrayList<>();
    final BitSet in = new BitSet();
    int bytes;
    @Nullable AgentException failure;
  }

  StreamAppender(RedisLink link, StreamKeys keys, StreamTopics topics, StreamTrimmer trimmer) {
    this.link = link;
    this.keys = keys;
    this.topics = topics;
    this.trimmer = trimmer;
  }

  void append(List<Outgoing> events) {
    Batch batch;
    try {
      batch = encode(events);
      combiner.ask(batch);
    } catch (AppendFailedException e) {
      throw e;
    } catch (AgentException e) {
      AgentException told = StreamErrors.of(e);
      throw new AppendFailedException(told.code(), events, String.valueOf(told.getMessage()), told);
    }
    AgentException failure = batch.failure;
    if (failure != null) {
      List<Outgoing> failed = new ArrayList<>();
      for (int i = batch.in.nextClearBit(0); i < events.size(); i = batch.in.nextClearBit(i + 1)) {
        failed.add(events.get(i));
      }
      AgentException told = StreamErrors.of(failure);
      throw new AppendFailedException(told.code(), failed, String.valueOf(told.getMessage()), told);
    }
  }

  private Batch encode(List<Outgoing> events) {
    Batch batch = new Batch();
    int tooLarge = 0;
    @Nullable Event first = null;
    for (Outgoing one : events) {
      List<Shard> shards = topics.get(one.topic()).shards();
      List<byte[]> words = StreamEntry.encode(one.event());
      int bytes = StreamEntry.size(words);
      if (bytes > MAX_BYTES) {
        first = first == null ? one.event() : first;
        tooLarge++;
      }
      Shard shard = shards.get(shardOf(one.event(), shards.size()));
      batch.lines.add(new Line(batch, batch.lines.size(), shard, words, bytes));
      batch.bytes += Math.min(bytes, MAX_BYTES);
    }
    if (first != null) {
      throw new AppendFailedException(
          ErrorCode.LIMIT_EXCEEDED,
          events, // nothing is appended of such a call
          "%d event(s) have more than %d bytes, the first is %s"
              .formatted(tooLarge, MAX_BYTES, first),
          null);
    }
    return batch;
  }

  private static int shardOf(Event event, int shards) {
    return shardOf(event.key().orElseGet(event::id), shards);
  }

  /** CRC-32 of the key in UTF-8, modulo the number of shards. */
  static int shardOf(String key, int shards) {
    CRC32 crc = new CRC32();
    crc.update(key.getBytes(StandardCharsets.UTF_8));
    return (int) (crc.getValue() % shards);
  }

  private List<Batch> send(List<Batch> batches) {
    ArrayDeque<Line> lines = new ArrayDeque<>();
    batches.forEach(batch -> lines.addAll(batch.lines));
    if (lines.size() == 1 || link.clustered()) {
      sendApart(lines);
    } else {
      sendTogether(lines);
    }
    trimmer.trimSome();
    return batches;
  }

  /** Over one server: many shards together, none of them or all. */
  private void sendTogether(ArrayDeque<Line> lines) {
    while (!lines.isEmpty()) {
      List<Line> part = part(lines);
      List<Command> commands = new ArrayList<>(part.size());
      part.forEach(line -> commands.add(command(line)));
      List<Object> answers;
      try {
        answers = link.together(commands);
      } catch (AgentException e) {
        fail(part, e);
        fail(lines, e);
        return;
      }
      for (int i = 0; i < part.size(); i++) {
        Line line = part.get(i);
        if (answers.get(i) instanceof JedisDataException e) {
          line.batch.failure = RedisErrors.of(e);
        } else {
          line.batch.in.set(line.index);
          trimmer.changed(line.shard, 1);
        }
      }
    }
  }

  /** Over a cluster: each shard by itself, in parts up to the first that fails. */
  private void sendApart(ArrayDeque<Line> all) {
    Map<Shard, ArrayDeque<Line>> waiting = new LinkedHashMap<>();
    all.forEach(line -> waiting.computeIfAbsent(line.shard, s -> new ArrayDeque<>()).add(line));
    // a shard's next part is sent when it is known that the one before is in
    while (!waiting.isEmpty()) {
      List<List<Line>> parts = new ArrayList<>(waiting.size());
      List<Ask> asks = new ArrayList<>(waiting.size());
      waiting.values().forEach(lines -> parts.add(part(lines)));
      parts.forEach(part -> asks.add(ask(part)));
      try {
        List<@Nullable Object> answers = link.each(asks);
        for (int i = 0; i < parts.size(); i++) {
          take(parts.get(i), answers.get(i), waiting);
        }
      } catch (AgentException e) {
        parts.forEach(part -> fail(part, e));
        waiting.values().forEach(lines -> fail(lines, e));
        break;
      }
      waiting.values().removeIf(ArrayDeque::isEmpty);
    }
  }

  private static List<Line> part(ArrayDeque<Line> lines) {
    List<Line> part = new ArrayList<>();
    int bytes = 0;
    for (Line next = lines.peek(); next != null; next = lines.peek()) {
      bytes += next.bytes;
      if (part.size() == MOST_TOGETHER || (!part.isEmpty() && bytes > MOST_BYTES)) {
        break;
      }
      part.add(lines.remove());
    }
    return part;
  }

  private Ask ask(List<Line> part) {
    if (part.size() == 1) {
      return command(part.get(0));
    }
    byte[] log = keys.log(part.get(0).shard);
    List<byte[]> words = new ArrayList<>(part.size() * 17);
    for (Line line : part) {
      words.add(RedisNames.ascii(Integer.toString(line.words.size())));
      words.addAll(line.words);
    }
    return new Call(RedisScript.STREAM_APPEND, List.of(log), words);
  }

  private Command command(Line line) {
    CommandArguments words =
        new CommandArguments(Protocol.Command.XADD).key(keys.log(line.shard)).add(ANY_ID);
    line.words.forEach(words::add);
    return new Command(words);
  }

  private void take(
      List<Line> part, @Nullable Object answer, Map<Shard, ArrayDeque<Line>> waiting) {
    int done = part.size();
    AgentException why = null;
    if (answer instanceof JedisDataException e) {
      done = 0;
      why = RedisErrors.of(e);
    } else if (answer instanceof List<?> list) {
      done = ((Long) list.get(0)).intValue();
      if (list.size() > 1) {
        why = RedisErrors.of(new JedisDataException(RedisNames.decode((byte[]) list.get(1))));
      }
    }
    Shard shard = part.get(0).shard;
    part.subList(0, done).forEach(line -> line.batch.in.set(line.index));
    trimmer.changed(shard, done);
    if (why != null) {
      fail(part.subList(done, part.size()), why);
      ArrayDeque<Line> behind = waiting.get(shard);
      if (behind != null) {
        fail(behind, why);
        behind.clear();
      }
    }
  }

  private static void fail(Iterable<Line> lines, AgentException why) {
    for (Line line : lines) {
      line.batch.failure = why;
    }
  }
}
