package dev.troupe.jdbc;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.state.Find;
import dev.troupe.state.Page;
import dev.troupe.state.RecordId;
import dev.troupe.state.Scan;
import dev.troupe.state.StoreInfo;
import dev.troupe.state.Stored;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.NavigableMap;
import org.jspecify.annotations.Nullable;

/** Scans and searches, each one statement and so of one moment. */
final class PostgresReader {
  private static final byte[] BEFORE_ALL = new byte[0];

  private PostgresReader() {}

  static Page<Stored> scan(PostgresSession session, Scan scan) throws SQLException {
    return scan instanceof Scan.Rows rows
        ? rows(session, rows)
        : records(session, (Scan.Records) scan);
  }

  private static Page<Stored> rows(PostgresSession session, Scan.Rows scan) throws SQLException {
    RecordId id = scan.id();
    String after = scan.after();
    PostgresContents contents = new PostgresContents(true);
    try (PostgresQuery query = session.timed(session.sql().rows)) {
      query.with(id.partition()).name(id.key());
      query.with(after == null ? BEFORE_ALL : SqliteNames.encode(after));
      // one more than asked for tells whether there is another page
      query.with(scan.limit() > 0 ? scan.limit() + 1L : 0).with(scan.mailAfter());
      contents.read(session, query);
    }
    if (contents.heads().isEmpty()) {
      return new Page<>(List.of(), null);
    }
    NavigableMap<String, byte[]> some = contents.rowsOf(contents.heads().get(0));
    String next = null;
    if (some.size() > scan.limit()) {
      some.pollLastEntry();
      next = some.lastKey();
    }
    return new Page<>(List.copyOf(contents.records().values()), next);
  }

  private static Page<Stored> records(PostgresSession session, Scan.Records scan)
      throws SQLException {
    String last = scan.after();
    boolean on = last != null && last.compareTo(scan.prefix()) >= 0;
    byte[] prefix = SqliteNames.encode(scan.prefix());
    PostgresSql sql = session.sql();
    String text;
    if (scan.rows()) {
      text = on ? sql.recordsAfter : sql.recordsFrom;
    } else {
      text = on ? sql.headsAfter : sql.headsFrom;
    }
    PostgresContents contents = new PostgresContents(scan.rows());
    try (PostgresQuery query = session.timed(text)) {
      query.with(scan.partition());
      query.with(on && last != null ? SqliteNames.encode(last) : prefix);
      query.with(SqliteNames.after(prefix)).with(scan.limit() + 1L);
      contents.read(session, query);
    }
    List<Stored> all = new ArrayList<>(contents.records().values());
    all.sort(Comparator.comparing(stored -> stored.id().key()));
    boolean more = all.size() > scan.limit();
    List<Stored> shown = more ? all.subList(0, scan.limit()) : all;
    return new Page<>(shown, more ? shown.get(shown.size() - 1).id().key() : null);
  }

  static Page<Stored> find(PostgresSession session, Find find) throws SQLException {
    if (find.tags().size() > StoreInfo.MAX_TAGS) {
      return new Page<>(List.of(), null);
    }
    Cursor cursor = Cursor.of(find.cursor());
    List<byte[]> tags = new ArrayList<>();
    find.tags().forEach((name, value) -> tags.add(PostgresPairs.tag(name, value)));
    if (tags.size() > 1) {
      rarestFirst(session, tags);
    }
    Instant from = find.from();
    Instant to = find.to();
    PostgresContents contents = new PostgresContents(false);
    try (PostgresQuery query = session.timed(session.sql().find(tags.size()))) {
      if (!tags.isEmpty()) {
        query.with(tags.get(0));
      }
      query.with(from == null ? Long.MIN_VALUE : millis(from));
      // no later than the cursor, so that a later page does not read what the earlier have shown
      long end = to == null ? Long.MAX_VALUE : millis(to);
      query.with(cursor.created < end ? cursor.created + 1 : end);
      query.with(cursor.created).with(cursor.id);
      for (byte[] tag : tags.subList(Math.min(1, tags.size()), tags.size())) {
        query.with(tag);
      }
      query.with(find.limit() + 1L);
      contents.read(session, query);
    }
    List<PostgresHead> heads = new ArrayList<>(contents.heads());
    heads.sort(
        Comparator.<PostgresHead>comparingLong(head -> head.created)
            .thenComparingLong(head -> head.id)
            .reversed());
    boolean more = heads.size() > find.limit();
    List<PostgresHead> shown = more ? heads.subList(0, find.limit()) : heads;
    var records = contents.records();
    List<Stored> page = new ArrayList<>(shown.size());
    for (PostgresHead head : shown) {
      Stored record = records.get(head.id);
      if (record != null) {
        page.add(record);
      }
    }
    PostgresHead last = more ? shown.get(shown.size() - 1) : null;
    return new Page<>(page, last == null ? null : last.created + " " + last.id);
  }

  private static void rarestFirst(PostgresSession session, List<byte[]> tags) throws SQLException {
    byte[] rarest = tags.get(0);
    long least = Long.MAX_VALUE;
    try (PostgresQuery query =
            session.query(session.sql().countTags).array(tags.toArray(new byte[0][]));
        ResultSet row = query.rows()) {
      while (row.next()) {
        if (row.getLong(2) < least) {
          least = row.getLong(2);
          rarest = row.getBytes(1);
        }
      }
    }
    byte[] leads = rarest;
    tags.sort(Comparator.comparing(tag -> !Arrays.equals(tag, leads)));
  }

  /** An instant in whole milliseconds; those too far away to count are as far as can be. */
  private static long millis(Instant instant) {
    return SqliteHead.millis(instant);
  }

  /** Where a page of a search ended. */
  private record Cursor(long created, long id) {
    static Cursor of(@Nullable String text) {
      if (text == null) {
        return new Cursor(Long.MAX_VALUE, Long.MAX_VALUE);
      }
      int space = text.indexOf(' ');
      try {
        return new Cursor(
            Long.parseLong(text, 0, Math.max(0, space), 10),
            Long.parseLong(text, space + 1, text.length(), 10));
      } catch (NumberFormatException e) {
        throw new AgentException(ErrorCode.INVALID_INPUT, "not a cursor of this store: " + text, e);
      }
    }
  }
}
