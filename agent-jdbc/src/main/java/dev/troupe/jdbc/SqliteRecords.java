package dev.troupe.jdbc;

import dev.troupe.state.Place;
import dev.troupe.state.RecordId;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The record table as the writer sees it: heads are read once and kept, which is safe because no
 * one else writes the file; changes of a head are collected and written by {@link #flush}.
 *
 * <p>Lives as long as its session: after a failure both are thrown away, and with them every head
 * that might show what was rolled back.
 */
final class SqliteRecords {
  /** How many heads are kept, each a few hundred bytes: runs at work, not runs that exist. */
  private static final int KEPT = 8192;

  /** How many expired records one transaction removes, so that none takes long. */
  private static final int PORTION = 64;

  private final LinkedHashMap<String, SqliteHead> heads = new LinkedHashMap<>(64, 0.75f, true);
  private final List<SqliteHead> dirty = new ArrayList<>();
  private final PreparedStatement byKey;
  private final PreparedStatement byId;
  private final PreparedStatement laneFirst;
  private final PreparedStatement laneOther;
  private final PreparedStatement makeReady;
  private final PreparedStatement expired;
  private final PreparedStatement expiredInLane;
  private final PreparedStatement firstExpiry;
  private final SqliteHeadTable table;
  private long lastId;
  private long lastTurn;
  // nothing expires earlier; 0 while unknown
  private long nextExpiry;

  SqliteRecords(SqliteSession session) throws SQLException {
    String select = "SELECT " + SqliteHead.COLUMNS + " FROM record WHERE ";
    byKey = session.prepare(select + "partition = ? AND key = ?");
    byId = session.prepare(select + "id = ?");
    String inLane = select + "partition = ? AND lane = ?";
    laneFirst = session.prepare(inLane + " ORDER BY turn LIMIT 1");
    laneOther = session.prepare(inLane + " AND id <> ? LIMIT 1");
    makeReady = session.prepare("UPDATE record SET ready = 1 WHERE id = ? AND place = 1");
    expired = session.prepare(select + "expires <= ? ORDER BY expires LIMIT " + PORTION);
    expiredInLane = session.prepare(select + "expires <= ? AND lane IS NOT NULL ORDER BY expires");
    firstExpiry = session.prepare("SELECT min(expires) FROM record WHERE expires IS NOT NULL");
    table = new SqliteHeadTable(session);
    lastId = session.number("SELECT max(id) FROM record");
    lastTurn = session.number("SELECT max(turn) FROM record WHERE lane IS NOT NULL");
  }

  /** The record if it is there and has not expired. */
  @Nullable SqliteHead find(int partition, String key, long now) throws SQLException {
    SqliteHead head = heads.get(key);
    if (head == null) {
      byKey.setInt(1, partition);
      byKey.setBytes(2, SqliteNames.encode(key));
      head = one(byKey);
    }
    if (head != null && head.expires <= now) {
      remove(head);
      return null;
    }
    return head == null || head.name.partition() != partition ? null : head;
  }

  @Nullable SqliteHead byId(long id) throws SQLException {
    byId.setLong(1, id);
    return one(byId);
  }

  /** A record that {@link #find} has looked for: null means that it is absent. */
  @Nullable SqliteHead known(String key) {
    return heads.get(key);
  }

  /** A record that {@link #find} has looked for, created if it is absent. */
  SqliteHead obtain(int partition, String key, long now) {
    SqliteHead head = heads.get(key);
    if (head == null) {
      head = new SqliteHead(++lastId, new RecordId(partition, key), now);
      head.fresh = true;
      head.value = new byte[0];
      head.tags = Map.of();
      heads.put(key, head);
      touch(head);
    }
    return head;
  }

  /** Notes that something of the head is to be written. */
  void touch(SqliteHead head) {
    if (!head.dirty) {
      head.dirty = true;
      dirty.add(head);
    }
  }

  /** Writes what was touched. */
  void flush() throws SQLException {
    for (int i = 0; i < dirty.size(); i++) {
      if (dirty.get(i).dirty) {
        table.write(dirty.get(i));
      }
    }
    dirty.clear();
  }

  /** Forgets the heads least recently used beyond those that may be kept. */
  void trim() {
    if (heads.size() > KEPT) {
      var oldest = heads.keySet().iterator();
      for (int i = heads.size() - KEPT; i > 0; i--) {
        oldest.next();
        oldest.remove();
      }
    }
  }

  void value(SqliteHead head, byte[] value, Map<String, String> tags, long expires)
      throws SQLException {
    head.value = value;
    head.expires = expires;
    nextExpiry = Math.min(nextExpiry, expires);
    if (!tags.equals(head.tags)) {
      table.tags(head, tags);
    }
    touch(head);
  }

  /** Changes a record's place; the first of a lane that it leaves becomes ready. */
  void move(SqliteHead head, Place to) throws SQLException {
    String before = head.lane();
    head.place = to;
    head.moved = true;
    touch(head);
    String now = head.lane();
    if (Objects.equals(before, now)) {
      return;
    }
    int partition = head.name.partition();
    head.first = true;
    if (now != null) {
      head.turn = ++lastTurn;
      laneOther.setInt(1, partition);
      laneOther.setBytes(2, SqliteNames.encode(now));
      laneOther.setLong(3, head.id);
      head.first = one(laneOther) == null;
    }
    // the lane's order is asked of the table, so the table must know
    table.write(head);
    if (before != null) {
      promote(partition, before);
    }
  }

  private void promote(int partition, String lane) throws SQLException {
    laneFirst.setInt(1, partition);
    laneFirst.setBytes(2, SqliteNames.encode(lane));
    SqliteHead next = one(laneFirst);
    if (next != null && !next.first) {
      next.first = true;
      makeReady.setLong(1, next.id);
      makeReady.executeUpdate();
    }
  }

  /** Removes a record with all that belongs to it. */
  void remove(SqliteHead head) throws SQLException {
    heads.remove(head.name.key());
    head.dirty = false;
    table.delete(head);
    String lane = head.lane();
    if (lane != null) {
      promote(head.name.partition(), lane);
    }
  }

  /** Whether something may have expired, so that a transaction has to be begun for it. */
  boolean expiryIsDue(long now) {
    return nextExpiry <= now;
  }

  /** Removes a portion of what has expired, and all of it that blocks a lane. */
  void removeExpired(long now) throws SQLException {
    if (!expiryIsDue(now)) {
      return;
    }
    expiredInLane.setLong(1, now);
    for (SqliteHead head : all(expiredInLane)) {
      remove(head);
    }
    expired.setLong(1, now);
    List<SqliteHead> portion = all(expired);
    for (SqliteHead head : portion) {
      remove(head);
    }
    if (portion.size() < PORTION) {
      try (ResultSet found = firstExpiry.executeQuery()) {
        long first = found.next() ? found.getLong(1) : 0;
        nextExpiry = found.wasNull() ? SqliteHead.NEVER : first;
      }
    }
  }

  private @Nullable SqliteHead one(PreparedStatement query) throws SQLException {
    try (ResultSet found = query.executeQuery()) {
      return found.next() ? keep(SqliteHead.read(found)) : null;
    }
  }

  private List<SqliteHead> all(PreparedStatement query) throws SQLException {
    List<SqliteHead> all = new ArrayList<>();
    try (ResultSet found = query.executeQuery()) {
      while (found.next()) {
        all.add(keep(SqliteHead.read(found)));
      }
    }
    return all;
  }

  /** The head that is kept already, which may hold what is not written yet, or else this one. */
  private SqliteHead keep(SqliteHead read) {
    SqliteHead kept = heads.putIfAbsent(read.name.key(), read);
    return kept == null ? read : kept;
  }
}
