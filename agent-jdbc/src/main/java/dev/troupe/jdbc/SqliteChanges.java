package dev.troupe.jdbc;

import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.Outcome;
import dev.troupe.state.Place;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Judges and makes changes, over the writer's session. All guards of a change are judged before its
 * first edit, so a refused change has written nothing and needs no savepoint.
 */
final class SqliteChanges {
  private final SqliteRecords records;
  private final SqliteContents contents;
  private final PreparedStatement putRow;
  private final PreparedStatement dropRow;
  private final PreparedStatement hasRow;
  private final PreparedStatement putMail;
  private final PreparedStatement hasMail;
  private final PreparedStatement putCounter;
  private final PreparedStatement counter;

  SqliteChanges(SqliteSession session, SqliteRecords records, SqliteContents contents)
      throws SQLException {
    this.records = records;
    this.contents = contents;
    putRow =
        session.prepare(
            "INSERT INTO record_row (record, name, value) VALUES (?, ?, ?)"
                + " ON CONFLICT (record, name) DO UPDATE SET value = excluded.value");
    dropRow = session.prepare("DELETE FROM record_row WHERE record = ? AND name = ?");
    hasRow = session.prepare("SELECT 1 FROM record_row WHERE record = ? AND name = ?");
    putMail =
        session.prepare(
            "INSERT INTO record_mail (record, name, value, number) VALUES (?, ?, ?, ?)");
    hasMail = session.prepare("SELECT 1 FROM record_mail WHERE record = ? AND name = ?");
    putCounter =
        session.prepare(
            "INSERT OR REPLACE INTO record_counter (record, name, value) VALUES (?, ?, ?)");
    counter = session.prepare("SELECT value FROM record_counter WHERE record = ? AND name = ?");
  }

  /** The refusal of a change, null when all its guards hold. Reads all records of the change. */
  Outcome.@Nullable Refused refusal(Change change, long now) throws SQLException {
    List<Edit> edits = change.edits();
    for (int i = 0; i < edits.size(); i++) {
      Edit edit = edits.get(i);
      SqliteHead head = records.find(change.partition(), edit.key(), now);
      if (!holds(change, i, edit, head)) {
        return new Outcome.Refused(
            Instant.ofEpochMilli(now), edit, head == null ? null : contents.head(head, now));
      }
    }
    return null;
  }

  private boolean holds(Change change, int index, Edit edit, @Nullable SqliteHead head)
      throws SQLException {
    if (edit instanceof Edit.Held guard) {
      return head != null && guard.grant().equals(head.holder());
    } else if (edit instanceof Edit.Absent) {
      return head == null;
    } else if (edit instanceof Edit.AtVersion guard) {
      return head != null && head.version == guard.version();
    } else if (edit instanceof Edit.NoMailAfter guard) {
      return head == null || head.mail <= guard.mail();
    } else if (edit instanceof Edit.NoRow guard) {
      return head == null || !has(hasRow, head.id, guard.row());
    } else if (edit instanceof Edit.Add add) {
      return sumHolds(change.edits(), index, add, head);
    }
    boolean raises =
        edit instanceof Edit.Put || edit instanceof Edit.Queue || edit instanceof Edit.Release;
    return !raises || head == null || !head.lastChange.equals(change.id());
  }

  /** Judges an addition together with those before it to the same counter. */
  private boolean sumHolds(List<Edit> edits, int index, Edit.Add add, @Nullable SqliteHead head)
      throws SQLException {
    long sum = head == null ? 0 : sum(head.id, add.counter());
    for (int i = 0; i <= index; i++) {
      if (edits.get(i) instanceof Edit.Add other
          && other.key().equals(add.key())
          && other.counter().equals(add.counter())) {
        try {
          sum = Math.addExact(sum, other.delta());
        } catch (ArithmeticException beyond) {
          return false; // no counter goes further than a long
        }
      }
    }
    return sum >= add.atLeast();
  }

  /**
   * Whether the change, whose guards hold, is one statement, which SQLite makes durable by itself:
   * a row of a record that exists. That is what a step of a run is.
   */
  boolean isOneStatement(Change change) {
    List<Edit> edits = change.edits();
    boolean one = false;
    for (int i = 0; i < edits.size(); i++) {
      Edit edit = edits.get(i);
      if (edit instanceof Edit.Row && !one && records.known(edit.key()) != null) {
        one = true;
      } else if (!isGuard(edit)) {
        return false;
      }
    }
    return one;
  }

  private static boolean isGuard(Edit edit) {
    return edit instanceof Edit.Held
        || edit instanceof Edit.Absent
        || edit instanceof Edit.AtVersion
        || edit instanceof Edit.NoMailAfter
        || edit instanceof Edit.NoRow;
  }

  /** Makes the edits of a change whose guards hold. */
  Outcome.Done make(Change change, long now) throws SQLException {
    List<Edit> edits = change.edits();
    String only = edits.get(0).key();
    boolean allTaken = true;
    Map<String, Boolean> taken = null;
    for (int i = 0; i < edits.size(); i++) {
      Edit edit = edits.get(i);
      boolean accepted = make(change, edit, now);
      if (taken == null && !edit.key().equals(only)) {
        taken = new LinkedHashMap<>();
        taken.put(only, allTaken);
      }
      if (taken != null) {
        taken.merge(edit.key(), accepted, Boolean::logicalAnd);
      } else {
        allTaken &= accepted;
      }
    }
    records.flush();
    List<Outcome.Seen> seen;
    if (taken == null) {
      seen = List.of(seen(only, allTaken));
    } else {
      seen = new ArrayList<>(taken.size());
      for (Map.Entry<String, Boolean> entry : taken.entrySet()) {
        seen.add(seen(entry.getKey(), entry.getValue()));
      }
    }
    return new Outcome.Done(Instant.ofEpochMilli(now), seen);
  }

  private Outcome.Seen seen(String key, boolean accepted) {
    SqliteHead head = records.known(key);
    return head == null
        ? new Outcome.Seen(key, 0, 0, accepted, null)
        : new Outcome.Seen(key, head.version, head.mail, accepted, head.holder());
  }

  /** Makes one edit; false when it was mail that had to be dropped. */
  private boolean make(Change change, Edit edit, long now) throws SQLException {
    int partition = change.partition();
    if (edit instanceof Edit.Row row) {
      makeRow(partition, row, now);
    } else if (edit instanceof Edit.Mail mail) {
      return deliver(mail, now);
    } else if (edit instanceof Edit.Put put) {
      SqliteHead head = records.obtain(partition, put.key(), now);
      Instant expires = put.expires();
      raise(head, change);
      records.value(
          head,
          put.value(),
          put.tags(),
          expires == null ? SqliteHead.NEVER : SqliteHead.millis(expires));
    } else if (edit instanceof Edit.Queue queue) {
      SqliteHead head = records.obtain(partition, queue.key(), now);
      raise(head, change);
      // what is due already is due now, so that nobody stands before those who wait
      Instant due = Instant.ofEpochMilli(Math.max(now, SqliteHead.millis(queue.due())));
      records.move(
          head,
          new Place.Queued(queue.queue(), queue.priority(), due, queue.lane(), queue.wakeAtMail()));
    } else if (edit instanceof Edit.Release release) {
      SqliteHead head = records.known(release.key());
      if (head != null) {
        raise(head, change);
        records.move(head, Place.NONE);
      }
    } else if (edit instanceof Edit.Add add) {
      SqliteHead head = records.obtain(partition, add.key(), now);
      long sum = sum(head.id, add.counter()) + add.delta();
      bind(putCounter, head.id, add.counter()).setLong(3, sum);
      putCounter.executeUpdate();
    } else if (edit instanceof Edit.Delete delete) {
      SqliteHead head = records.known(delete.key());
      if (head != null) {
        records.remove(head);
      }
    }
    return true;
  }

  private void raise(SqliteHead head, Change change) {
    head.version++;
    head.lastChange = change.id();
    records.touch(head);
  }

  private void makeRow(int partition, Edit.Row row, long now) throws SQLException {
    byte[] value = row.value();
    if (value != null) {
      SqliteHead head = records.obtain(partition, row.key(), now);
      bind(putRow, head.id, row.row()).setBytes(3, value);
      putRow.executeUpdate();
    } else {
      SqliteHead head = records.known(row.key());
      if (head != null) {
        bind(dropRow, head.id, row.row()).executeUpdate();
      }
    }
  }

  private boolean deliver(Edit.Mail mail, long now) throws SQLException {
    SqliteHead head = records.known(mail.key());
    if (head == null) {
      return false;
    }
    if (head.mail > 0 && has(hasMail, head.id, mail.row())) {
      return true;
    }
    if (head.place instanceof Place.None) {
      return false;
    }
    head.mail++;
    records.touch(head);
    PreparedStatement insert = bind(putMail, head.id, mail.row());
    insert.setBytes(3, mail.value());
    insert.setLong(4, head.mail);
    insert.executeUpdate();
    if (head.place instanceof Place.Queued q
        && (mail.urgent() || head.mail >= q.wakeAtMail())
        && q.due().toEpochMilli() > now) {
      Instant due = Instant.ofEpochMilli(now);
      records.move(head, new Place.Queued(q.queue(), q.priority(), due, q.lane(), q.wakeAtMail()));
    }
    return true;
  }

  private long sum(long record, String name) throws SQLException {
    try (ResultSet found = bind(counter, record, name).executeQuery()) {
      return found.next() ? found.getLong(1) : 0;
    }
  }

  private static boolean has(PreparedStatement query, long record, String name)
      throws SQLException {
    try (ResultSet found = bind(query, record, name).executeQuery()) {
      return found.next();
    }
  }

  private static PreparedStatement bind(PreparedStatement statement, long record, String name)
      throws SQLException {
    statement.setLong(1, record);
    statement.setBytes(2, SqliteNames.encode(name));
    return statement;
  }
}
