package dev.troupe.redis;

import static dev.troupe.redis.RedisChanges.number;
import static dev.troupe.redis.RedisNames.ascii;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.redis.RedisLink.Ask;
import dev.troupe.redis.RedisLink.Command;
import dev.troupe.state.Edit;
import dev.troupe.state.Find;
import dev.troupe.state.Page;
import dev.troupe.state.RecordId;
import dev.troupe.state.StoreInfo;
import dev.troupe.state.Stored;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.Protocol;

/**
 * One search over all partitions: follows the entries of one tag in each, newest first, merges
 * them, and looks at each record whether it is so. Plain commands. Not safe for several threads.
 */
final class RedisSearch {
  private static final Comparator<Part> NEWEST_FIRST =
      (one, other) -> Arrays.compareUnsigned(other.first(), one.first());

  private final RedisLink link;
  private final RedisKeys keys;
  private final RedisClock clock;
  private final Find find;
  private final List<Part> parts = new ArrayList<>();

  /** What is known of one partition; entries without what all begin with. */
  private static final class Part {
    final int partition;
    final Deque<byte[]> ahead = new ArrayDeque<>();
    byte[] most;
    boolean ended;

    Part(int partition, byte[] most) {
      this.partition = partition;
      this.most = most;
    }

    byte[] first() {
      return ahead.getFirst();
    }
  }

  /** A record to look at. */
  private record Entry(RecordId id, long created) {}

  RedisSearch(RedisLink link, RedisKeys keys, RedisClock clock, Find find) {
    this.link = link;
    this.keys = keys;
    this.clock = clock;
    this.find = find;
  }

  Page<Stored> page() {
    byte[] newest = newest();
    if (find.tags().size() > StoreInfo.MAX_TAGS) {
      return new Page<>(List.of(), null);
    }
    byte[] tag = rarest();
    byte[] most = RedisKeys.join(ascii("("), tag, newest);
    for (int i = 0; i < keys.partitions(); i++) {
      parts.add(new Part(i, most));
    }
    List<Stored> page = new ArrayList<>();
    String last = null;
    while (page.size() <= find.limit()) {
      List<Entry> some = next(tag, find.limit() + 1 - page.size());
      if (some.isEmpty()) {
        return new Page<>(page, null);
      }
      for (Stored record : read(some)) {
        if (page.size() == find.limit()) {
          return new Page<>(page, last);
        }
        page.add(record);
        last = record.created().toEpochMilli() + " " + record.id().key();
      }
    }
    return new Page<>(page, last);
  }

  /** All entries lie below this: the end asked for, or where the page before ended. */
  private byte[] newest() {
    byte[] end = RedisKeys.digits(find.to() == null ? 999_999_999_999_999L : millis(find.to()));
    String cursor = find.cursor();
    if (cursor == null) {
      return end;
    }
    if (!cursor.matches("(?s)\\d{1,15} .+")) {
      throw new AgentException(ErrorCode.INVALID_INPUT, "not a cursor of this store: " + cursor);
    }
    int space = cursor.indexOf(' ');
    byte[] after =
        RedisKeys.join(
            RedisKeys.digits(Long.parseLong(cursor, 0, space, 10)),
            RedisNames.encode(cursor.substring(space + 1)));
    return Arrays.compareUnsigned(after, end) < 0 ? after : end;
  }

  /** A bound as whole milliseconds that a store can have. */
  private static long millis(Instant bound) {
    if (bound.isBefore(Instant.EPOCH)) {
      return 0;
    }
    if (bound.isAfter(Edit.LATEST)) {
      return Edit.LATEST.toEpochMilli() + 1;
    }
    // records are created at whole milliseconds: from the next one on, or before the next one
    long floor = bound.toEpochMilli();
    return bound.equals(Instant.ofEpochMilli(floor)) ? floor : floor + 1;
  }

  /** Where the entries of the tag begin that the fewest records have. */
  private byte[] rarest() {
    List<byte[]> tags = new ArrayList<>();
    for (Map.Entry<String, String> tag : find.tags().entrySet()) {
      tags.add(RedisKeys.tag(tag.getKey(), tag.getValue()));
    }
    if (tags.size() < 2) {
      return tags.isEmpty() ? RedisKeys.tag("", "") : tags.get(0);
    }
    List<Command> asks = new ArrayList<>();
    for (byte[] tag : tags) {
      byte[] least = RedisNames.with("[", tag);
      byte[] most = RedisKeys.join(least, new byte[] {RedisKeys.SEPARATOR});
      for (int i = 0; i < keys.partitions(); i++) {
        asks.add(Command.of(Protocol.Command.ZLEXCOUNT, keys.index(i), least, most));
      }
    }
    List<Object> answers = link.all(asks);
    long[] counts = new long[tags.size()];
    for (int i = 0; i < answers.size(); i++) {
      counts[i / keys.partitions()] += number(answers.get(i));
    }
    int least = 0;
    for (int i = 1; i < tags.size(); i++) {
      least = counts[i] < counts[least] ? i : least;
    }
    return tags.get(least);
  }

  /**
   * The next records in order: as many as wanted, or fewer when a partition must be asked again.
   */
  private List<Entry> next(byte[] tag, int wanted) {
    fill(tag, wanted);
    List<Entry> some = new ArrayList<>();
    while (some.size() < wanted) {
      Part part = parts.stream().filter(p -> !p.ahead.isEmpty()).min(NEWEST_FIRST).orElse(null);
      if (part == null) {
        return some;
      }
      byte[] entry = part.ahead.removeFirst();
      long created = Long.parseLong(RedisNames.decode(Arrays.copyOf(entry, 15)));
      String key = RedisNames.decode(Arrays.copyOfRange(entry, 15, entry.length));
      some.add(new Entry(new RecordId(part.partition, key), created));
      if (part.ahead.isEmpty() && !part.ended) {
        return some;
      }
    }
    return some;
  }

  private void fill(byte[] tag, int wanted) {
    List<Part> empty = parts.stream().filter(p -> p.ahead.isEmpty() && !p.ended).toList();
    if (empty.isEmpty()) {
      return;
    }
    byte[] from = RedisKeys.digits(find.from() == null ? 0 : millis(find.from()));
    byte[] least = RedisKeys.join(ascii("["), tag, from);
    int many = Math.min(wanted, Math.max(16, 2 * (wanted / parts.size() + 1)));
    List<Object> found =
        link.all(
            empty.stream()
                .map(
                    p ->
                        Command.of(
                            Protocol.Command.ZRANGE,
                            keys.index(p.partition),
                            p.most,
                            least,
                            "BYLEX",
                            "REV",
                            "LIMIT",
                            0,
                            many))
                .toList());
    for (int i = 0; i < empty.size(); i++) {
      Part part = empty.get(i);
      List<?> entries = (List<?>) found.get(i);
      for (Object one : entries) {
        byte[] entry = (byte[]) one;
        part.ahead.add(Arrays.copyOfRange(entry, tag.length, entry.length));
      }
      part.ended = entries.size() < many;
      if (!part.ended) {
        part.most = RedisNames.with("(", (byte[]) entries.get(many - 1));
      }
    }
  }

  /** Those that are there and carry all tags. */
  private List<Stored> read(List<Entry> some) {
    int partition = some.get(0).id().partition();
    List<Ask> asks = new ArrayList<>();
    for (Entry entry : some) {
      byte[] name = RedisNames.encode(entry.id().key());
      byte[] record = keys.record(entry.id().partition(), name);
      asks.add(Command.of(Protocol.Command.HMGET, record, (Object[]) RedisRecord.HEAD));
    }
    asks.add(RedisReader.now(keys.head(partition), clock));
    List<Object> answers = link.all(asks);
    Instant now = clock.shown(number(answers.get(some.size())));
    List<Stored> found = new ArrayList<>();
    for (int i = 0; i < some.size(); i++) {
      RedisRecord record = RedisRecord.head((List<?>) answers.get(i));
      Stored shown = shown(record, some.get(i), now);
      if (shown != null) {
        found.add(shown);
      }
    }
    return found;
  }

  private @Nullable Stored shown(RedisRecord record, Entry entry, Instant now) {
    boolean fits =
        record.isThere(now)
            && record.created().toEpochMilli() == entry.created()
            && record.tags().entrySet().containsAll(find.tags().entrySet());
    return fits ? record.head(entry.id(), now) : null;
  }
}
