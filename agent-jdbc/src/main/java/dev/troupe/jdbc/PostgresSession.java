package dev.troupe.jdbc;

import dev.troupe.state.RecordId;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Comparator;

/**
 * A connection that was borrowed for one call. Uses no state of the server's session, so that it
 * may be another session after each transaction. Not safe for several threads.
 */
final class PostgresSession {
  /** How many numbered locks stand for records that are absent, and as many for lanes. */
  static final int SLOTS = 4096;

  /** The order in which all writers lock records. */
  static final Comparator<RecordId> LOCKING =
      Comparator.comparingInt(RecordId::partition).thenComparing(RecordId::key);

  private final Connection connection;
  private final PostgresSql sql;
  private final PostgresTime time;
  private final int lockClass;

  PostgresSession(Connection connection, PostgresSql sql, PostgresTime time, int lockClass) {
    this.connection = connection;
    this.sql = sql;
    this.time = time;
    this.lockClass = lockClass;
  }

  PostgresSql sql() {
    return sql;
  }

  PostgresTime time() {
    return time;
  }

  /** The first number of all locks of this store. */
  int lockClass() {
    return lockClass;
  }

  static int slot(RecordId id) {
    return spread(31 * id.partition() + id.key().hashCode());
  }

  static int slot(PostgresWrites.Lane lane) {
    return spread(31 * lane.partition() + lane.name().hashCode());
  }

  private static int spread(int hash) {
    return ((hash * 0x9E3779B9) >>> 16) & (SLOTS - 1);
  }

  /** A statement without the time. */
  PostgresQuery query(String text) throws SQLException {
    return new PostgresQuery(connection, text);
  }

  /** A statement whose first parameter is the time before which no time may be shown. */
  PostgresQuery timed(String text) throws SQLException {
    return query(text).with(time.floor());
  }

  /** Begins a transaction with the next statement; the driver sends both at once. */
  void begin() throws SQLException {
    connection.setAutoCommit(false);
  }

  /** Begins a transaction that sees what others commit meanwhile, whatever is the default here. */
  void beginReadCommitted() throws SQLException {
    connection.setAutoCommit(false);
    try (PostgresQuery query = query("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")) {
      query.run();
    }
  }

  /** A COMMIT was part of the last request. */
  void committed() throws SQLException {
    connection.setAutoCommit(true);
  }

  void rollback() throws SQLException {
    connection.rollback();
    connection.setAutoCommit(true);
  }
}
