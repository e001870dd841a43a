package dev.troupe.jdbc;

import dev.troupe.state.Stored;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Reads the answer of {@code content.sql}: records, with rows, mail and counters or without. */
final class PostgresContents {
  /** What {@code PostgresHead} reads begins at this column. */
  private static final int FIRST = 7;

  private final boolean whole;
  private final Map<Long, PostgresHead> heads = new LinkedHashMap<>();
  private final Map<Long, NavigableMap<String, byte[]>> rows = new LinkedHashMap<>();
  private final Map<Long, List<Stored.MailItem>> mail = new LinkedHashMap<>();
  private long now;

  PostgresContents(boolean whole) {
    this.whole = whole;
  }

  void read(PostgresSession session, PostgresQuery query) throws SQLException {
    try (ResultSet row = query.rows()) {
      while (row.next()) {
        long record = row.getLong(3);
        switch (row.getInt(1)) {
          case 0 -> {
            now = session.time().shown(row.getLong(2));
            PostgresHead head = PostgresHead.read(row, FIRST);
            head.value = row.getBytes(6);
            heads.put(record, head);
          }
          case 1 -> rows(record).put(SqliteNames.decode(row.getBytes(5)), row.getBytes(6));
          default ->
              mail(record)
                  .add(
                      new Stored.MailItem(
                          row.getLong(4), SqliteNames.decode(row.getBytes(5)), row.getBytes(6)));
        }
      }
    }
    mail.values().forEach(items -> items.sort(Comparator.comparingLong(Stored.MailItem::number)));
  }

  private NavigableMap<String, byte[]> rows(long record) {
    return rows.computeIfAbsent(record, id -> new TreeMap<>());
  }

  private List<Stored.MailItem> mail(long record) {
    return mail.computeIfAbsent(record, id -> new ArrayList<>());
  }

  /** The rows of a record, which may be taken from. */
  NavigableMap<String, byte[]> rowsOf(PostgresHead head) {
    return rows(head.id);
  }

  List<PostgresHead> heads() {
    return List.copyOf(heads.values());
  }

  /** The records by their ids, in the order of the answer. */
  Map<Long, Stored> records() {
    Map<Long, Stored> records = new LinkedHashMap<>();
    heads.forEach((id, head) -> records.put(id, record(head)));
    return records;
  }

  private Stored record(PostgresHead head) {
    byte @Nullable [] value = head.value;
    Stored.Builder builder = head.show(now).value(value == null ? new byte[0] : value);
    if (!whole) {
      return builder.mail(head.mail, List.of()).build();
    }
    return builder
        .rows(rows(head.id))
        .mail(head.mail, mail(head.id))
        .counters(head.counters)
        .build();
  }
}
