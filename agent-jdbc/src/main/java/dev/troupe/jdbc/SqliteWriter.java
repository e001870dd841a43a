package dev.troupe.jdbc;

import dev.troupe.state.Change;
import dev.troupe.state.Claim;
import dev.troupe.state.Outcome;
import dev.troupe.state.Stored;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/**
 * Everything that writes: one session and what is prepared and remembered over it. When a method
 * throws, nothing of the call is kept and the writer must be closed and replaced.
 *
 * <p>Not safe for several threads.
 */
final class SqliteWriter implements AutoCloseable {
  private final SqliteSession session;
  private final SqliteTime time;
  private final SqliteRecords records;
  private final SqliteChanges changes;
  private final SqliteClaims claims;
  private final PreparedStatement reserve;

  SqliteWriter(SqliteSession session, SqliteTime time, int partitions) throws SQLException {
    this.session = session;
    this.time = time;
    SqliteContents contents = new SqliteContents(session);
    records = new SqliteRecords(session);
    changes = new SqliteChanges(session, records, contents);
    claims = new SqliteClaims(session, records, contents, partitions);
    reserve = session.prepare("UPDATE meta SET value = ? WHERE name = 'time'");
  }

  /** The time, reserved on disk. */
  long now() throws SQLException {
    long now = time.millis();
    if (now > time.bound()) {
      write(now + SqliteTime.RESERVE);
    }
    return now;
  }

  private void write(long bound) throws SQLException {
    reserve.setLong(1, bound);
    reserve.executeUpdate();
    time.reserved(bound);
  }

  List<Outcome> apply(List<Change> list) throws SQLException {
    long now = now();
    if (list.size() > 1 || records.expiryIsDue(now)) {
      session.begin();
      records.removeExpired(now);
    }
    List<Outcome> outcomes;
    if (list.size() == 1) {
      outcomes = List.of(apply(list.get(0), now));
    } else {
      outcomes = new ArrayList<>(list.size());
      for (int i = 0; i < list.size(); i++) {
        outcomes.add(apply(list.get(i), now));
      }
    }
    session.commit();
    records.trim();
    return outcomes;
  }

  /** One change, of which a refusal or a single statement needs no transaction of ours. */
  private Outcome apply(Change change, long now) throws SQLException {
    Outcome.Refused refusal = changes.refusal(change, now);
    if (refusal != null) {
      return refusal;
    }
    if (!changes.isOneStatement(change)) {
      session.begin();
    }
    return changes.make(change, now);
  }

  List<Stored> claim(Claim claim, SqliteClaims.Turns turns) throws SQLException {
    List<Stored> taken = claims.take(claim, now(), turns);
    session.commit();
    records.trim();
    return taken;
  }

  /** Writes the exact time and empties the log into the file. */
  void finish() throws SQLException {
    write(time.millis());
    session.run("PRAGMA wal_checkpoint(TRUNCATE)");
  }

  /** For tests: to count commits, to cause failures. */
  Connection connection() {
    return session.connection();
  }

  @Override
  public void close() throws SQLException {
    session.close();
  }
}
