package dev.troupe.redis;

import dev.troupe.state.Place;
import dev.troupe.state.RecordId;
import dev.troupe.state.Stored;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.util.KeyValue;

/** The fields of a record's hash as they were read. Not safe for several threads. */
final class RedisRecord {
  /** What {@link #head} reads, in this order. */
  static final byte[][] HEAD =
      List.of("n", "m", "l", "v", "t", "c", "x", "q", "g", "a").stream()
          .map(RedisNames::ascii)
          .toArray(byte[][]::new);

  private final Map<Byte, byte[]> fields = new HashMap<>();
  final NavigableMap<String, byte[]> rows = new TreeMap<>();
  private final List<Stored.MailItem> mail = new ArrayList<>();
  private final Map<String, Long> counters = new HashMap<>();

  /** Of the values of {@link #HEAD}; more of them are left alone. */
  static RedisRecord head(List<?> values) {
    RedisRecord record = new RedisRecord();
    for (int i = 0; i < HEAD.length && i < values.size(); i++) {
      if (values.get(i) instanceof byte[] value) {
        record.add(HEAD[i], value);
      }
    }
    return record;
  }

  /** Of fields and values in turns, as scripts answer. */
  static RedisRecord whole(List<?> all) {
    RedisRecord record = new RedisRecord();
    record.addAll(all);
    return record;
  }

  /** Fields and values in turn, or in pairs as the newer protocol has them. */
  void addAll(List<?> all) {
    for (int i = 0; i < all.size(); i++) {
      if (all.get(i) instanceof KeyValue<?, ?> pair) {
        add((byte[]) pair.getKey(), (byte[]) pair.getValue());
      } else {
        add((byte[]) all.get(i), (byte[]) all.get(i + 1));
        i++;
      }
    }
  }

  private void add(byte[] field, byte[] value) {
    if (field.length == 1) {
      fields.put(field[0], value);
      return;
    }
    String name = RedisNames.decode(Arrays.copyOfRange(field, 2, field.length));
    switch (field[0]) {
      case 'r' -> rows.put(name, value);
      case 'c' -> counters.put(name, Long.parseLong(RedisNames.decode(value)));
      case 'm' -> {
        int end = RedisKeys.indexOf(value, RedisKeys.SEPARATOR, 0);
        mail.add(
            new Stored.MailItem(
                Long.parseLong(name),
                RedisNames.decode(Arrays.copyOf(value, end)),
                Arrays.copyOfRange(value, end + 1, value.length)));
      }
      default -> {
        // the names of mail, which lead to its numbers
      }
    }
  }

  /** Whether there is such a record at this time. */
  boolean isThere(Instant now) {
    return fields.containsKey((byte) 'c') && number('x', Long.MAX_VALUE) > now.toEpochMilli();
  }

  /** The record without rows, mail and counters. */
  Stored head(RecordId id, Instant now) {
    return builder(id, now).build();
  }

  /** The record with what was read of rows, mail and counters. */
  Stored whole(RecordId id, Instant now) {
    return whole(builder(id, now));
  }

  /** The record as it is in the hands of its new holder. */
  Stored taken(RecordId id, Instant now, Place.Held place) {
    return whole(builder(id, now).version(number('n', 0) + 1, name('l')).place(place));
  }

  /** Only mail after this number. */
  void cutMail(long after) {
    mail.removeIf(item -> item.number() <= after);
  }

  private Stored whole(Stored.Builder builder) {
    mail.sort(Comparator.comparingLong(Stored.MailItem::number));
    return builder.rows(rows).mail(number('m', 0), mail).counters(counters).build();
  }

  private Stored.Builder builder(RecordId id, Instant now) {
    return Stored.builder(id, now)
        .value(fields.getOrDefault((byte) 'v', new byte[0]))
        .version(number('n', 0), name('l'))
        .mail(number('m', 0), List.of())
        .tags(tags())
        .place(place())
        .created(created());
  }

  Instant created() {
    return Instant.ofEpochMilli(number('c', 0));
  }

  Map<String, String> tags() {
    byte[] packed = fields.getOrDefault((byte) 't', new byte[0]);
    Map<String, String> tags = new HashMap<>();
    int from = 0;
    while (from < packed.length) {
      int middle = RedisKeys.indexOf(packed, RedisKeys.EQUALS, from);
      int end = RedisKeys.indexOf(packed, RedisKeys.SEPARATOR, middle);
      tags.put(
          RedisNames.decode(Arrays.copyOfRange(packed, from, middle)),
          RedisNames.decode(Arrays.copyOfRange(packed, middle + 1, end)));
      from = end + 1;
    }
    return tags;
  }

  /** Its lane, null for none. */
  @Nullable String lane() {
    byte[] text = fields.get((byte) 'a');
    return text == null ? null : name('a').substring(17);
  }

  private Place place() {
    byte[] grant = fields.get((byte) 'g');
    if (grant != null) {
      return new Place.Held(RedisKeys.grant(grant), lane());
    }
    if (!fields.containsKey((byte) 'q')) {
      return Place.NONE;
    }
    String[] words = name('q').split(" ", 4);
    return new Place.Queued(
        words[3],
        Integer.parseInt(words[0]),
        Instant.ofEpochMilli(Long.parseLong(words[1])),
        lane(),
        Long.parseLong(words[2]));
  }

  private String name(char field) {
    byte[] value = fields.get((byte) field);
    return value == null ? "" : RedisNames.decode(value);
  }

  private long number(char field, long otherwise) {
    byte[] value = fields.get((byte) field);
    return value == null ? otherwise : Long.parseLong(RedisNames.decode(value));
  }
}
