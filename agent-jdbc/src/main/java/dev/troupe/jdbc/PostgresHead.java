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

/** A record without its rows and mail, as it was read and as a list of changes leaves it. */
final class PostgresHead {
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

  /** Queued, and in no lane or the first there. */
  boolean ready;

  long turn;

  /** Its number among those that enter lanes here, 0 when it does not. */
  int enters;

  Map<String, String> tags = Map.of();
  Map<String, Long> counters = Map.of();

  /** Null when it was not read. */
  byte @Nullable [] value;

  // what has to be written
  boolean fresh;
  boolean dirty;
  boolean newTags;
  boolean newCounters;
  boolean newValue;

  PostgresHead(long id, RecordId name, long created) {
    this.id = id;
    this.name = name;
    this.created = created;
  }

  PostgresHead(PostgresHead read) {
    this(read.id, read.name, read.created);
    version = read.version;
    mail = read.mail;
    lastChange = read.lastChange;
    expires = read.expires;
    place = read.place;
    ready = read.ready;
    turn = read.turn;
    tags = read.tags;
    counters = read.counters;
    value = read.value;
  }

  /** Reads the columns of a record from this one on, without its value. */
  static PostgresHead read(ResultSet row, int at) throws SQLException {
    RecordId name = new RecordId(row.getInt(at + 1), SqliteNames.decode(row.getBytes(at + 2)));
    PostgresHead head = new PostgresHead(row.getLong(at), name, row.getLong(at + 6));
    head.version = row.getLong(at + 3);
    head.mail = row.getLong(at + 4);
    head.lastChange = SqliteNames.decode(row.getBytes(at + 5));
    long expires = row.getLong(at + 7);
    head.expires = row.wasNull() ? NEVER : expires;
    int place = row.getInt(at + 8);
    head.ready = row.getBoolean(at + 9);
    byte[] laneName = row.getBytes(at + 14);
    String lane = laneName == null ? null : SqliteNames.decode(laneName);
    head.turn = row.getLong(at + 15);
    if (place == QUEUED) {
      head.place =
          new Place.Queued(
              SqliteNames.decode(row.getBytes(at + 10)),
              row.getInt(at + 11),
              Instant.ofEpochMilli(row.getLong(at + 12)),
              lane,
              row.getLong(at + 13));
    } else if (place == HELD) {
      Grant grant = new Grant(SqliteNames.decode(row.getBytes(at + 16)), row.getLong(at + 17));
      head.place = new Place.Held(grant, lane);
    }
    head.tags = PostgresPairs.decode(row.getBytes(at + 18));
    head.counters = PostgresPairs.decodeCounters(row.getBytes(at + 19));
    return head;
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

  /** The record without its value, rows and mail. */
  Stored.Builder show(long now) {
    return Stored.builder(name, Instant.ofEpochMilli(now))
        .version(version, lastChange)
        .tags(tags)
        .place(place)
        .created(Instant.ofEpochMilli(created));
  }
}
