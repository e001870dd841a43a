package dev.troupe.jdbc;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.state.Find;
import dev.troupe.state.Page;
import dev.troupe.state.RecordId;
import dev.troupe.state.Scan;
import dev.troupe.state.StoreInfo;
import dev.troupe.state.Stored;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import org.jspecify.annotations.Nullable;

/**
 * Scans and searches over a session of its own: it sees what was committed when it began, waits for
 * no writer and no writer waits for it. When a method throws, the reader must be closed and
 * replaced, except for an {@link AgentException}.
 *
 * <p>Not safe for several threads.
 */
final class SqliteReader implements AutoCloseable {
  /** How many records of a tag are counted to find the rarest tag of a search. */
  private static final int PROBE = 1000;

  private static final String SELECT =
      "SELECT " + SqliteHead.COLUMNS + ", r.value FROM record r WHERE ";
  private static final String ALIVE = " AND (expires IS NULL OR expires > ?)";

  private final SqliteSession session;
  private final SqliteContents contents;
  private final PreparedStatement byKey;
  private final PreparedStatement fromKey;
  private final PreparedStatement afterKey;
  private final PreparedStatement count;
  private final Map<Integer, PreparedStatement> searches = new HashMap<>();

  SqliteReader(SqliteSession session) throws SQLException {
    this.session = session;
    contents = new SqliteContents(session);
    byKey = session.prepare(SELECT + "partition = ? AND key = ?" + ALIVE);
    String page = ALIVE + " ORDER BY key LIMIT ?";
    fromKey = session.prepare(SELECT + "partition = ? AND key >= ? AND key < ?" + page);
    afterKey = session.prepare(SELECT + "partition = ? AND key > ? AND key < ?" + page);
    count =
        session.prepare(
            "SELECT count(*) FROM (SELECT 1 FROM record_tag WHERE name = ? AND value = ? LIMIT "
                + PROBE
                + ")");
  }

  Page<Stored> scan(Scan scan, long now) throws SQLException {
    session.begin();
    Page<Stored> page =
        scan instanceof Scan.Rows rows ? rows(rows, now) : records((Scan.Records) scan, now);
    session.commit();
    return page;
  }

  private Page<Stored> rows(Scan.Rows scan, long now) throws SQLException {
    RecordId id = scan.id();
    byKey.setInt(1, id.partition());
    byKey.setBytes(2, SqliteNames.encode(id.key()));
    byKey.setLong(3, now);
    SqliteHead head;
    byte[] value;
    try (ResultSet found = byKey.executeQuery()) {
      if (!found.next()) {
        return new Page<>(List.of(), null);
      }
      head = SqliteHead.read(found);
      value = SqliteHead.bytes(found, SqliteHead.VALUE);
    }
    String next = null;
    // one more than asked for tells whether there is another page
    long most = scan.limit() > 0 ? scan.limit() + 1L : 0;
    NavigableMap<String, byte[]> some = contents.rows(head.id, scan.after(), most);
    if (some.size() > scan.limit()) {
      some.pollLastEntry();
      next = some.lastKey();
    }
    Stored.Builder shown = contents.head(head, value, now).rows(some);
    shown.mail(head.mail, contents.mail(head, scan.mailAfter()));
    return new Page<>(List.of(shown.counters(contents.counters(head.id)).build()), next);
  }

  private Page<Stored> records(Scan.Records scan, long now) throws SQLException {
    String last = scan.after();
    boolean on = last != null && last.compareTo(scan.prefix()) >= 0;
    byte[] prefix = SqliteNames.encode(scan.prefix());
    PreparedStatement query = on ? afterKey : fromKey;
    query.setInt(1, scan.partition());
    query.setBytes(2, on && last != null ? SqliteNames.encode(last) : prefix);
    query.setBytes(3, SqliteNames.after(prefix));
    query.setLong(4, now);
    query.setLong(5, scan.limit() + 1L);
    List<Stored> page = page(query, scan.rows(), scan.limit(), now);
    boolean more = page.size() > scan.limit();
    List<Stored> shown = more ? page.subList(0, scan.limit()) : page;
    return new Page<>(shown, more ? shown.get(shown.size() - 1).id().key() : null);
  }

  private List<Stored> page(PreparedStatement query, boolean whole, int limit, long now)
      throws SQLException {
    List<Stored> page = new ArrayList<>();
    try (ResultSet found = query.executeQuery()) {
      while (found.next()) {
        SqliteHead head = SqliteHead.read(found);
        byte[] value = SqliteHead.bytes(found, SqliteHead.VALUE);
        page.add(contents.head(head, value, now, whole && page.size() < limit));
      }
    }
    return page;
  }

  Page<Stored> find(Find find, long now) throws SQLException {
    if (find.tags().size() > StoreInfo.MAX_TAGS) {
      return new Page<>(List.of(), null);
    }
    Cursor cursor = Cursor.of(find.cursor());
    session.begin();
    List<Map.Entry<String, String>> tags = rarestFirst(find.tags());
    PreparedStatement query = searches.get(tags.size());
    if (query == null) {
      query = session.prepare(search(tags.size()));
      searches.put(tags.size(), query);
    }
    Instant from = find.from();
    Instant to = find.to();
    query.setLong(1, from == null ? Long.MIN_VALUE : SqliteHead.millis(from));
    // no later than the cursor, so that a later page does not read what the earlier ones have shown
    long end = to == null ? Long.MAX_VALUE : SqliteHead.millis(to);
    query.setLong(2, cursor.created < end ? cursor.created + 1 : end);
    query.setLong(3, cursor.created);
    query.setLong(4, cursor.id);
    query.setLong(5, now);
    query.setLong(6, find.limit() + 1L);
    for (int i = 0; i < tags.size(); i++) {
      query.setBytes(7 + 2 * i, SqliteNames.encode(tags.get(i).getKey()));
      query.setBytes(8 + 2 * i, SqliteNames.encode(tags.get(i).getValue()));
    }
    List<Stored> page = new ArrayList<>();
    String next = null;
    try (ResultSet found = query.executeQuery()) {
      Cursor last = cursor;
      while (found.next() && next == null) {
        if (page.size() == find.limit()) {
          next = last.toString();
        } else {
          SqliteHead head = SqliteHead.read(found);
          last = new Cursor(head.created, head.id);
          page.add(contents.head(head, SqliteHead.bytes(found, SqliteHead.VALUE), now, false));
        }
      }
    }
    session.commit();
    return new Page<>(page, next);
  }

  private List<Map.Entry<String, String>> rarestFirst(Map<String, String> tags)
      throws SQLException {
    List<Map.Entry<String, String>> all = new ArrayList<>(tags.entrySet());
    long least = Long.MAX_VALUE;
    for (int i = 0; i < all.size() && all.size() > 1; i++) {
      count.setBytes(1, SqliteNames.encode(all.get(i).getKey()));
      count.setBytes(2, SqliteNames.encode(all.get(i).getValue()));
      try (ResultSet found = count.executeQuery()) {
        long few = found.next() ? found.getLong(1) : 0;
        if (few < least) {
          least = few;
          all.add(0, all.remove(i));
        }
      }
    }
    return all;
  }

  /** Newest first, which is the order of creation and so of ids; the first tag leads. */
  private static String search(int tags) {
    String leads = tags == 0 ? "r." : "t.";
    String id = tags == 0 ? "r.id" : "t.record";
    StringBuilder sql =
        new StringBuilder("SELECT " + SqliteHead.COLUMNS.replaceAll("(\\w+)", "r.$1") + ", r.value")
            .append(tags == 0 ? " FROM record r WHERE" : " FROM record_tag t CROSS JOIN record r")
            .append(tags == 0 ? "" : " ON r.id = t.record WHERE t.name = ?7 AND t.value = ?8 AND")
            .append(" %screated >= ?1 AND %screated < ?2".formatted(leads, leads))
            .append(" AND (%screated, %s) < (?3, ?4)".formatted(leads, id))
            .append(" AND (r.expires IS NULL OR r.expires > ?5)");
    for (int i = 1; i < tags; i++) {
      sql.append(" AND EXISTS (SELECT 1 FROM record_tag x WHERE x.name = ?")
          .append(7 + 2 * i)
          .append(" AND x.value = ?")
          .append(8 + 2 * i)
          .append(" AND x.created = t.created AND x.record = t.record)");
    }
    return sql.append(" ORDER BY %screated DESC, %s DESC LIMIT ?6".formatted(leads, id)).toString();
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

    @Override
    public String toString() {
      return created + " " + id;
    }
  }

  @Override
  public void close() throws SQLException {
    session.close();
  }
}
