package dev.troupe.jdbc;

import dev.troupe.state.Grant;
import dev.troupe.state.Place;
import java.util.List;
import java.util.function.Function;
import java.util.function.ToIntFunction;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/** Records column by column, as the statements that write them want them. */
final class PostgresColumns {
  private PostgresColumns() {}

  /** Gives the columns in the order that {@code PostgresSql} names. */
  static void add(PostgresBatch batch, List<PostgresHead> heads) {
    batch.array(longs(heads, h -> h.id));
    batch.array(ints(heads, h -> h.name.partition()));
    batch.array(names(heads, h -> h.name.key()));
    batch.array(longs(heads, h -> h.version));
    batch.array(longs(heads, h -> h.mail));
    batch.array(names(heads, h -> h.lastChange));
    batch.array(longs(heads, h -> h.created));
    batch.array(longs(heads, h -> h.expires));
    batch.array(shorts(heads, PostgresColumns::place));
    boolean[] ready = new boolean[heads.size()];
    for (int i = 0; i < ready.length; i++) {
      ready[i] = heads.get(i).ready;
    }
    batch.array(ready);
    batch.array(names(heads, h -> queued(h) ? place(h, Place.Queued::queue) : null));
    batch.array(shorts(heads, h -> queued(h) ? place(h, Place.Queued::priority) : 0));
    batch.array(longs(heads, h -> queued(h) ? place(h, q -> q.due().toEpochMilli()) : 0));
    batch.array(longs(heads, h -> queued(h) ? place(h, Place.Queued::wakeAtMail) : 0));
    batch.array(names(heads, PostgresHead::lane));
    batch.array(longs(heads, h -> h.turn));
    batch.array(ints(heads, h -> h.enters));
    batch.array(names(heads, h -> holder(h.holder())));
    batch.array(longs(heads, h -> number(h.holder())));
    batch.array(bytes(heads, h -> h.newTags ? PostgresPairs.encode(h.tags) : null));
    batch.array(bytes(heads, h -> h.newCounters ? PostgresPairs.encode(h.counters) : null));
    batch.array(bytes(heads, h -> h.newValue ? h.value : null));
  }

  private static int place(PostgresHead head) {
    if (head.place instanceof Place.Queued) {
      return PostgresHead.QUEUED;
    }
    return head.place instanceof Place.Held ? PostgresHead.HELD : 0;
  }

  private static boolean queued(PostgresHead head) {
    return head.place instanceof Place.Queued;
  }

  private static <T> T place(PostgresHead head, Function<Place.Queued, T> part) {
    return part.apply((Place.Queued) head.place);
  }

  private static @Nullable String holder(@Nullable Grant grant) {
    return grant == null ? null : grant.holder();
  }

  private static long number(@Nullable Grant grant) {
    return grant == null ? 0 : grant.number();
  }

  private static long[] longs(List<PostgresHead> heads, ToLongFunction<PostgresHead> column) {
    return heads.stream().mapToLong(column).toArray();
  }

  private static int[] ints(List<PostgresHead> heads, ToIntFunction<PostgresHead> column) {
    return heads.stream().mapToInt(column).toArray();
  }

  private static short[] shorts(List<PostgresHead> heads, ToIntFunction<PostgresHead> column) {
    short[] values = new short[heads.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (short) column.applyAsInt(heads.get(i));
    }
    return values;
  }

  private interface Name {
    @Nullable String of(PostgresHead head);
  }

  private interface Bytes {
    byte @Nullable [] of(PostgresHead head);
  }

  private static Object names(List<PostgresHead> heads, Name column) {
    return bytes(
        heads,
        head -> {
          String name = column.of(head);
          return name == null ? null : SqliteNames.encode(name);
        });
  }

  private static Object bytes(List<PostgresHead> heads, Bytes column) {
    byte[] @Nullable [] values = new byte[heads.size()][];
    for (int i = 0; i < values.length; i++) {
      values[i] = column.of(heads.get(i));
    }
    return values;
  }
}
