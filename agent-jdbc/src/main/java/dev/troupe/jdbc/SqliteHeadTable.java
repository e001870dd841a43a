package dev.troupe.jdbc;

import dev.troupe.state.Place;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Types;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Writes heads. There are four ways to update one, because SQLite takes out and puts back every
 * index entry of a column that an update names, changed or not.
 */
final class SqliteHeadTable {
  private static final String RAISED = "UPDATE record SET version = ?, mail = ?, last_change = ?";
  private static final String MOVED =
      ", place = ?, ready = ?, queue = ?, priority = ?, due = ?, wake = ?, lane = ?, turn = ?,"
          + " holder = ?, grant_number = ?";
  private static final String VALUED = ", expires = ?, value = ?";
  private static final String WHICH = " WHERE id = ?";

  private final PreparedStatement insert;
  private final PreparedStatement raise;
  private final PreparedStatement move;
  private final PreparedStatement value;
  private final PreparedStatement moveAndValue;
  private final PreparedStatement tag;
  private final PreparedStatement untag;
  private final PreparedStatement[] delete;

  SqliteHeadTable(SqliteSession session) throws SQLException {
    insert =
        session.prepare(
            "INSERT INTO record (version, mail, last_change, place, ready, queue, priority, due,"
                + " wake, lane, turn, holder, grant_number, expires, value, id, partition, key,"
                + " created) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    raise = session.prepare(RAISED + WHICH);
    move = session.prepare(RAISED + MOVED + WHICH);
    value = session.prepare(RAISED + VALUED + WHICH);
    moveAndValue = session.prepare(RAISED + MOVED + VALUED + WHICH);
    tag =
        session.prepare(
            "INSERT INTO record_tag (name, value, created, record) VALUES (?, ?, ?, ?)");
    untag = session.prepare("DELETE FROM record_tag WHERE record = ?");
    delete =
        new PreparedStatement[] {
          session.prepare("DELETE FROM record WHERE id = ?"),
          session.prepare("DELETE FROM record_row WHERE record = ?"),
          session.prepare("DELETE FROM record_mail WHERE record = ?"),
          session.prepare("DELETE FROM record_counter WHERE record = ?"),
          untag
        };
  }

  void write(SqliteHead head) throws SQLException {
    boolean valued = head.value != null;
    PreparedStatement statement;
    if (head.fresh) {
      statement = insert;
    } else if (head.moved) {
      statement = valued ? moveAndValue : move;
    } else {
      statement = valued ? value : raise;
    }
    statement.setLong(1, head.version);
    statement.setLong(2, head.mail);
    statement.setBytes(3, SqliteNames.encode(head.lastChange));
    int at = 4;
    if (head.fresh || head.moved) {
      at = bindPlace(statement, at, head);
    }
    if (valued) {
      if (head.expires == SqliteHead.NEVER) {
        statement.setNull(at++, Types.BIGINT);
      } else {
        statement.setLong(at++, head.expires);
      }
      statement.setBytes(at++, head.value);
    }
    statement.setLong(at++, head.id);
    if (head.fresh) {
      statement.setInt(at++, head.name.partition());
      statement.setBytes(at++, SqliteNames.encode(head.name.key()));
      statement.setLong(at, head.created);
    }
    statement.executeUpdate();
    head.fresh = false;
    head.moved = false;
    head.value = null;
    head.dirty = false;
  }

  private static int bindPlace(PreparedStatement statement, int first, SqliteHead head)
      throws SQLException {
    for (int i = 0; i < 10; i++) {
      statement.setNull(first + i, Types.NULL);
    }
    int place = 0;
    if (head.place instanceof Place.Queued queued) {
      place = SqliteHead.QUEUED;
      statement.setBytes(first + 2, SqliteNames.encode(queued.queue()));
      statement.setInt(first + 3, queued.priority());
      statement.setLong(first + 4, SqliteHead.millis(queued.due()));
      statement.setLong(first + 5, queued.wakeAtMail());
    } else if (head.place instanceof Place.Held held) {
      place = SqliteHead.HELD;
      statement.setBytes(first + 8, SqliteNames.encode(held.grant().holder()));
      statement.setLong(first + 9, held.grant().number());
    }
    statement.setInt(first, place);
    statement.setInt(first + 1, head.isReady() ? 1 : 0);
    String lane = head.lane();
    if (lane != null) {
      statement.setBytes(first + 6, SqliteNames.encode(lane));
      statement.setLong(first + 7, head.turn);
    }
    return first + 10;
  }

  void tags(SqliteHead head, Map<String, String> tags) throws SQLException {
    @Nullable Map<String, String> before = head.tags;
    if (before == null || !before.isEmpty()) {
      untag.setLong(1, head.id);
      untag.executeUpdate();
    }
    for (Map.Entry<String, String> entry : tags.entrySet()) {
      tag.setBytes(1, SqliteNames.encode(entry.getKey()));
      tag.setBytes(2, SqliteNames.encode(entry.getValue()));
      tag.setLong(3, head.created);
      tag.setLong(4, head.id);
      tag.executeUpdate();
    }
    head.tags = tags;
  }

  void delete(SqliteHead head) throws SQLException {
    for (PreparedStatement statement : delete) {
      statement.setLong(1, head.id);
      statement.executeUpdate();
    }
  }
}
