package dev.troupe.jdbc;

import dev.troupe.state.Grant;
import dev.troupe.state.Place;
import dev.troupe.state.RecordId;
import dev.troupe.state.Stored;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A record without its value, rows and mail; in the writer also what is not written of it yet. */
final class SqliteHead {
  /** What {@link #read} expects, in this order. */
  static final String COLUMNS =
      "id, partition, key, version, mail, last_change, created, expires, place, ready, queue,"
          + " priority, due, wake, lane, turn, holder, grant_number";

  /** The position of a value selected after {@link #COLUMNS}. */
  static final int VALUE = 19;

  static final int QUEUED = 1;
  static final int HELD = 2;

  /** The expiry of what does not expire. */
  static final long NEVER = Long.MAX_VALUE;

  final long id;
  final RecordId name;
  final long created;
  long version;
  long mail;
  String lastChange = "";
  long expires = NEVER;
  Place place = Place.NONE;

  /** In no lane, or first in its lane. */
  boolean first = true;

  long turn;

  /** Null while not read. */
  @Nullable Map<String, String> tags;

  /** Not in the table yet. */
  boolean fresh;

  /** Anything is not written yet. */
  boolean dirty;

  /** The place is not written yet. */
  boolean moved;

  /** A value that, with the expiry, is not written yet. */
  byte @Nullable [] value;

  SqliteHead(long id, RecordId name, long created) {
    this.id = id;
    this.name = name;
    this.created = created;
  }

  static SqliteHead read(ResultSet row) throws SQLException {
    RecordId name = new RecordId(row.getInt(2), SqliteNames.decode(row.getBytes(3)));
    SqliteHead head = new SqliteHead(row.getLong(1), name, row.getLong(7));
    head.version = row.getLong(4);
    head.mail = row.getLong(5);
    head.lastChange = SqliteNames.decode(bytes(row, 6));
    long expires = row.getLong(8);
    head.expires = row.wasNull() ? NEVER : expires;
    int place = row.getInt(9);
    byte[] laneName = row.getBytes(15);
    String lane = laneName == null ? null : SqliteNames.decode(laneName);
    head.turn = row.getLong(16);
    if (place == QUEUED) {
      head.first = row.getInt(10) == 1;
      head.place =
          new Place.Queued(
              SqliteNames.decode(row.getBytes(11)),
              row.getInt(12),
              Instant.ofEpochMilli(row.getLong(13)),
              lane,
              row.getLong(14));
    } else if (place == HELD) {
      Grant grant = new Grant(SqliteNames.decode(row.getBytes(17)), row.getLong(18));
      head.place = new Place.Held(grant, lane);
    }
    return head;
  }

  /** A blob that is not null; some ways of reading show an empty one as null. */
  static byte[] bytes(ResultSet row, int column) throws SQLException {
    byte[] bytes = row.getBytes(column);
    return bytes == null ? new byte[0] : bytes;
  }

  @Nullable String lane() {
    if (place instanceof Place.Queued queued) {
      return queued.lane();
    }
    return place instanceof Place.Held held ? held.lane() : null;
  }

  @Nullable Grant holder() {
    return place instanceof Place.Held held ? held.grant() : null;
  }

  boolean isReady() {
    return first && place instanceof Place.Queued;
  }

  Stored.Builder show(long now) {
    return Stored.builder(name, Instant.ofEpochMilli(now))
        .version(version, lastChange)
        .place(place)
        .created(Instant.ofEpochMilli(created));
  }

  /** An instant in whole milliseconds; those too far away to count are as far as can be. */
  static long millis(Instant instant) {
    try {
      return instant.toEpochMilli();
    } catch (ArithmeticException e) {
      return instant.isAfter(Instant.EPOCH) ? Long.MAX_VALUE : Long.MIN_VALUE;
    }
  }
}
