package dev.troupe.jdbc;

import dev.troupe.state.Stored;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Reads what belongs to a record, over one session. */
final class SqliteContents {
  private static final byte[] BEFORE_ALL = new byte[0];

  private final PreparedStatement value;
  private final PreparedStatement tags;
  private final PreparedStatement rows;
  private final PreparedStatement mail;
  private final PreparedStatement counters;

  SqliteContents(SqliteSession session) throws SQLException {
    value = session.prepare("SELECT value FROM record WHERE id = ?");
    tags = session.prepare("SELECT name, value FROM record_tag WHERE record = ?");
    rows =
        session.prepare(
            "SELECT name, value FROM record_row WHERE record = ? AND name > ? ORDER BY name LIMIT"
                + " ?");
    mail =
        session.prepare(
            "SELECT number, name, value FROM record_mail WHERE record = ? AND number > ?"
                + " ORDER BY number");
    counters = session.prepare("SELECT name, value FROM record_counter WHERE record = ?");
  }

  /** The record without rows, mail and counters. */
  Stored head(SqliteHead head, long now) throws SQLException {
    return head(head, value(head), now).mail(head.mail, List.of()).build();
  }

  Stored head(SqliteHead head, byte[] value, long now, boolean whole) throws SQLException {
    Stored.Builder builder = head(head, value, now);
    if (!whole) {
      return builder.mail(head.mail, List.of()).build();
    }
    return builder
        .rows(rows(head.id, null, Integer.MAX_VALUE))
        .mail(head.mail, mail(head, 0))
        .counters(counters(head.id))
        .build();
  }

  Stored.Builder head(SqliteHead head, byte[] value, long now) throws SQLException {
    return head.show(now).value(value).tags(tags(head));
  }

  byte[] value(SqliteHead head) throws SQLException {
    byte[] pending = head.value;
    if (pending != null) {
      return pending;
    }
    value.setLong(1, head.id);
    try (ResultSet found = value.executeQuery()) {
      return found.next() ? SqliteHead.bytes(found, 1) : BEFORE_ALL;
    }
  }

  Map<String, String> tags(SqliteHead head) throws SQLException {
    Map<String, String> known = head.tags;
    if (known != null) {
      return known;
    }
    Map<String, String> all = new HashMap<>();
    tags.setLong(1, head.id);
    try (ResultSet found = tags.executeQuery()) {
      while (found.next()) {
        all.put(name(found, 1), name(found, 2));
      }
    }
    Map<String, String> read = Map.copyOf(all);
    head.tags = read;
    return read;
  }

  NavigableMap<String, byte[]> rows(long record, @Nullable String after, long limit)
      throws SQLException {
    NavigableMap<String, byte[]> some = new TreeMap<>();
    if (limit > 0) {
      rows.setLong(1, record);
      rows.setBytes(2, after == null ? BEFORE_ALL : SqliteNames.encode(after));
      rows.setLong(3, limit);
      try (ResultSet found = rows.executeQuery()) {
        while (found.next()) {
          some.put(name(found, 1), SqliteHead.bytes(found, 2));
        }
      }
    }
    return some;
  }

  List<Stored.MailItem> mail(SqliteHead head, long after) throws SQLException {
    if (head.mail <= after) {
      return List.of();
    }
    List<Stored.MailItem> items = new ArrayList<>();
    mail.setLong(1, head.id);
    mail.setLong(2, after);
    try (ResultSet found = mail.executeQuery()) {
      while (found.next()) {
        items.add(
            new Stored.MailItem(found.getLong(1), name(found, 2), SqliteHead.bytes(found, 3)));
      }
    }
    return items;
  }

  Map<String, Long> counters(long record) throws SQLException {
    Map<String, Long> all = new HashMap<>();
    counters.setLong(1, record);
    try (ResultSet found = counters.executeQuery()) {
      while (found.next()) {
        all.put(name(found, 1), found.getLong(2));
      }
    }
    return all;
  }

  private static String name(ResultSet row, int column) throws SQLException {
    return SqliteNames.decode(SqliteHead.bytes(row, column));
  }
}
