package dev.troupe.redis;

import static dev.troupe.redis.RedisChanges.number;
import static dev.troupe.redis.RedisNames.ascii;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.redis.RedisLink.Call;
import dev.troupe.redis.RedisLink.Command;
import dev.troupe.state.Page;
import dev.troupe.state.RecordId;
import dev.troupe.state.Scan;
import dev.troupe.state.Stored;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.Protocol;
import redis.clients.jedis.params.ZRangeParams;

/** Scans one partition. Safe for use by many threads. */
final class RedisReader {
  /** How often a page is read again because records came or went meanwhile. */
  private static final int ATTEMPTS = 16;

  private final RedisLink link;
  private final RedisKeys keys;
  private final RedisClock clock;

  RedisReader(RedisLink link, RedisKeys keys, RedisClock clock) {
    this.link = link;
    this.keys = keys;
    this.clock = clock;
  }

  Page<Stored> scan(Scan scan) {
    if (scan instanceof Scan.Records records) {
      return records(records);
    }
    Scan.Rows rows = (Scan.Rows) scan;
    byte[] key = keys.record(rows.id().partition(), RedisNames.encode(rows.id().key()));
    return rows.limit() == 0 ? mail(rows, key) : whole(rows, key);
  }

  /** A head and counters and mail: reads no row, whatever the record's size. */
  private Page<Stored> mail(Scan.Rows scan, byte[] key) {
    List<byte[]> touched = keys.fixed(scan.id().partition());
    touched.add(key);
    List<byte[]> words = List.of(clock.offset(), ascii(Long.toString(scan.mailAfter())));
    List<?> answer = (List<?>) link.run(new RedisLink.Call(RedisScript.MAIL, touched, words));
    Instant now = clock.shown(number(answer.get(0)));
    if (answer.size() == 1) {
      return nothing();
    }
    RedisRecord record = RedisRecord.head((List<?>) answer.get(1));
    record.addAll((List<?>) answer.get(2));
    return record.isThere(now)
        ? new Page<>(List.of(record.whole(scan.id(), now)), null)
        : nothing();
  }

  /** Everything, of which a page of rows is cut here. */
  private Page<Stored> whole(Scan.Rows scan, byte[] key) {
    byte[] head = keys.head(scan.id().partition());
    List<Object> shown =
        link.all(List.of(Command.of(Protocol.Command.HGETALL, key), now(head, clock)));
    RedisRecord record = RedisRecord.whole((List<?>) shown.get(0));
    Instant now = clock.shown(number(shown.get(1)));
    if (!record.isThere(now)) {
      return nothing();
    }
    record.cutMail(scan.mailAfter());
    if (scan.after() != null) {
      record.rows.headMap(scan.after(), true).clear();
    }
    String next = null;
    if (record.rows.size() > scan.limit()) {
      next = record.rows.keySet().stream().skip(scan.limit() - 1L).findFirst().orElseThrow();
      record.rows.tailMap(next, false).clear();
    }
    return new Page<>(List.of(record.whole(scan.id(), now)), next);
  }

  /** Asks for the time of a partition. */
  static Call now(byte[] head, RedisClock clock) {
    return new Call(RedisScript.NOW, List.of(head), List.of(clock.offset()));
  }

  private Page<Stored> records(Scan.Records scan) {
    String last = scan.after();
    byte[] prefix = RedisNames.with("k", RedisNames.encode(scan.prefix()));
    byte[] after = last == null ? prefix : RedisNames.with("k", RedisNames.encode(last));
    boolean on = last != null && Arrays.compareUnsigned(after, prefix) >= 0;
    byte[] least = on ? RedisNames.with("(", after) : RedisNames.with("[", prefix);
    byte[] most = RedisKeys.join(ascii("("), prefix, new byte[] {RedisKeys.SEPARATOR});
    List<Stored> page = new ArrayList<>();
    while (true) {
      // one more tells whether there is another page; what has expired is not counted
      int wanted = (int) Math.min(Integer.MAX_VALUE - 1, scan.limit() + 1L - page.size());
      List<byte[]> found = part(scan, least, most, wanted, page);
      if (page.size() > scan.limit()) {
        page.remove(page.size() - 1);
        return new Page<>(page, page.get(page.size() - 1).id().key());
      }
      if (found.size() < wanted) {
        return new Page<>(page, null);
      }
      least = RedisNames.with("(", found.get(found.size() - 1));
    }
  }

  /** Adds what is there of the next keys, all as they are at one moment. */
  private List<byte[]> part(
      Scan.Records scan, byte[] least, byte[] most, int wanted, List<Stored> page) {
    int partition = scan.partition();
    byte[] index = keys.index(partition);
    List<byte[]> expected =
        link.with(
            client ->
                client.zrange(index, ZRangeParams.zrangeByLexParams(least, most).limit(0, wanted)));
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      List<byte[]> touched = keys.fixed(partition);
      for (byte[] entry : expected) {
        touched.add(keys.record(partition, nameOf(entry)));
      }
      List<byte[]> words =
          List.of(
              clock.offset(),
              least,
              most,
              ascii(Integer.toString(wanted)),
              ascii(scan.rows() ? "1" : "0"));
      List<?> answer = (List<?>) link.run(new RedisLink.Call(RedisScript.LIST, touched, words));
      @SuppressWarnings("unchecked")
      List<byte[]> found = (List<byte[]>) answer.get(1);
      if (Arrays.deepEquals(found.toArray(), expected.toArray())) {
        show(scan, found, answer, page);
        return found;
      }
      expected = found;
    }
    throw new AgentException(
        ErrorCode.STORE_UNAVAILABLE,
        "records of partition %d came and went %d times while a page was read; try again"
            .formatted(partition, ATTEMPTS));
  }

  private void show(Scan.Records scan, List<byte[]> found, List<?> answer, List<Stored> page) {
    Instant now = clock.shown(number(answer.get(0)));
    for (int i = 0; i < found.size(); i++) {
      List<?> values = (List<?>) answer.get(i + 2);
      RedisRecord record = scan.rows() ? RedisRecord.whole(values) : RedisRecord.head(values);
      if (record.isThere(now)) {
        RecordId id = new RecordId(scan.partition(), RedisNames.decode(nameOf(found.get(i))));
        page.add(scan.rows() ? record.whole(id, now) : record.head(id, now));
      }
    }
  }

  /** An entry without its letter. */
  private static byte[] nameOf(byte[] entry) {
    return Arrays.copyOfRange(entry, 1, entry.length);
  }

  private static Page<Stored> nothing() {
    return new Page<>(List.of(), (@Nullable String) null);
  }
}
