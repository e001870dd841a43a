package dev.troupe.llm.log;

import dev.troupe.AgentException;
import dev.troupe.Codec;
import dev.troupe.ErrorCode;
import dev.troupe.state.Page;
import dev.troupe.state.RecordId;
import dev.troupe.state.Scan;
import dev.troupe.state.StateStore;
import dev.troupe.state.Stored;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** How a log lies in the store: rows of entries, each named by the number of its last one. */
final class LogRows {
  private static final String BESIDE_A_RUN = "/$log";
  private static final int PAGE = 64;

  private final StateStore store;
  private final Codec codec;

  /** An entry as it is stored. */
  record Line(String kind, String source, String text) {}

  /**
   * A row as it was found.
   *
   * @param size how many bytes it takes
   */
  record Row(String name, int size, List<LogEntry> entries) {}

  /**
   * Some rows of a log.
   *
   * @param record without rows, null when there is no log
   */
  record Found(@Nullable Stored record, List<Row> rows, boolean more) {}

  LogRows(StateStore store, Codec codec) {
    this.store = store;
    this.codec = codec;
  }

  RecordId id(String run) {
    return RecordId.of(run + BESIDE_A_RUN, store.info().partitions());
  }

  /** Names sort as numbers do. */
  static String name(long last) {
    return String.format(Locale.ROOT, "%015d", last);
  }

  byte[] encode(long at, List<Line> lines) {
    byte[] head = ("1 " + at + " ").getBytes(StandardCharsets.US_ASCII);
    byte[] payload = codec.encode(lines.toArray(new Line[0]), Line[].class);
    byte[] row = Arrays.copyOf(head, head.length + payload.length);
    System.arraycopy(payload, 0, row, head.length, payload.length);
    return row;
  }

  /** Rows with entries behind a number. */
  Found after(String run, long number) {
    Page<Stored> page =
        store.scan(new Scan.Rows(id(run), name(Math.max(0, number)), Long.MAX_VALUE, PAGE));
    if (page.items().isEmpty()) {
      return new Found(null, List.of(), false);
    }
    Stored record = page.items().get(0);
    List<Row> rows = new ArrayList<>();
    for (Map.Entry<String, byte[]> row : record.rows().entrySet()) {
      rows.add(decode(run, row.getKey(), row.getValue()));
    }
    return new Found(record, rows, page.next() != null);
  }

  private Row decode(String run, String name, byte[] value) {
    int first = space(value, 0);
    int second = space(value, first + 1);
    try {
      if (first != 1 || value[0] != '1' || second < 0) {
        throw new NumberFormatException("no head of format 1");
      }
      long last = Long.parseLong(name);
      Instant at =
          Instant.ofEpochMilli(
              Long.parseLong(
                  new String(value, first + 1, second - first - 1, StandardCharsets.US_ASCII)));
      byte[] payload = Arrays.copyOfRange(value, second + 1, value.length);
      Line[] lines = (Line[]) codec.decode(payload, Line[].class);
      if (lines == null) {
        throw new NumberFormatException("no lines");
      }
      List<LogEntry> entries = new ArrayList<>(lines.length);
      long number = last - lines.length;
      for (Line line : lines) {
        entries.add(new LogEntry(++number, at, kind(line.kind()), line.source(), line.text()));
      }
      return new Row(name, value.length, entries);
    } catch (NumberFormatException | AgentException e) {
      throw new AgentException(
          ErrorCode.UNDECODABLE,
          "row %s of the log of run %s can't be read; is it of a later format, or another codec's?"
              .formatted(name, run),
          e);
    }
  }

  private static int space(byte[] value, int from) {
    for (int i = from; i < value.length && i < 40; i++) {
      if (value[i] == ' ') {
        return i;
      }
    }
    return -1;
  }

  private static LogEntry.Kind kind(String name) {
    try {
      return LogEntry.Kind.valueOf(name);
    } catch (IllegalArgumentException later) {
      return LogEntry.Kind.OTHER;
    }
  }
}
