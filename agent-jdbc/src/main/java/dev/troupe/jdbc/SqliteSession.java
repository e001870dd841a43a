package dev.troupe.jdbc;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Properties;
import org.sqlite.JDBC;

/**
 * One connection to the file and its transaction. The driver finalizes a prepared statement that
 * fails, so a session in which anything failed is closed, which rolls back, and a new one opened.
 *
 * <p>Not safe for several threads.
 */
final class SqliteSession implements AutoCloseable {
  private final Connection connection;
  private final PreparedStatement begin;
  private final PreparedStatement commit;
  private boolean inTransaction;

  private SqliteSession(Connection connection, String begin) throws SQLException {
    this.connection = connection;
    this.begin = connection.prepareStatement(begin);
    this.commit = connection.prepareStatement("COMMIT");
    // In its automatic mode the driver runs BEGIN and COMMIT after every statement to be sure that
    // nothing stays open. We say ourselves where transactions are, so it is told that we commit;
    // that begins one, which is ended at once. A statement outside of BEGIN and COMMIT is then
    // committed by SQLite itself.
    connection.setAutoCommit(false);
    commit.executeUpdate();
  }

  /** Opens the connection that writes. */
  static SqliteSession writer(Path file, boolean syncEveryCommit) throws SQLException {
    return open(
        file,
        "BEGIN IMMEDIATE",
        "PRAGMA journal_mode = WAL",
        "PRAGMA synchronous = " + (syncEveryCommit ? "FULL" : "NORMAL"),
        // Four times the default: pages that change again and again, the ends of the indexes, are
        // copied to the file and synced once for 16 MiB of log, and recovery stays well under 1 s.
        "PRAGMA wal_autocheckpoint = 4000",
        // what a burst or a long reader made of the log is given back when it starts over
        "PRAGMA journal_size_limit = 67108864",
        "PRAGMA cache_size = -32768");
  }

  /** Opens a connection that only reads. */
  static SqliteSession reader(Path file) throws SQLException {
    return open(file, "BEGIN", "PRAGMA query_only = ON", "PRAGMA cache_size = -8192");
  }

  private static SqliteSession open(Path file, String begin, String... pragmas)
      throws SQLException {
    Connection connection = connect(file);
    try {
      try (Statement statement = connection.createStatement()) {
        statement.execute("PRAGMA busy_timeout = 5000");
        for (String pragma : pragmas) {
          statement.execute(pragma);
        }
      }
      return new SqliteSession(connection, begin);
    } catch (SQLException | RuntimeException e) {
      closeAfter(connection, e);
      throw e;
    }
  }

  static Connection connect(Path file) throws SQLException {
    return JDBC.createConnection(JDBC.PREFIX + file, new Properties());
  }

  PreparedStatement prepare(String sql) throws SQLException {
    return connection.prepareStatement(sql);
  }

  /** Begins a transaction unless one is under way. */
  void begin() throws SQLException {
    if (!inTransaction) {
      begin.executeUpdate();
      inTransaction = true;
    }
  }

  /** Ends the transaction if one is under way. */
  void commit() throws SQLException {
    if (inTransaction) {
      commit.executeUpdate();
      inTransaction = false;
    }
  }

  long number(String sql) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet found = statement.executeQuery(sql)) {
      return found.next() ? found.getLong(1) : 0;
    }
  }

  /** Moves what it can from the log to the file without waiting; how many frames the log has. */
  long framesInLog() throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet found = statement.executeQuery("PRAGMA wal_checkpoint(PASSIVE)")) {
      return found.next() ? Math.max(0, found.getLong(2)) : 0;
    }
  }

  void run(String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  Connection connection() {
    return connection;
  }

  @Override
  public void close() throws SQLException {
    connection.close();
  }

  /** Closes because of a failure that matters more than one of closing. */
  static void closeAfter(AutoCloseable resource, Throwable failure) {
    try {
      resource.close();
    } catch (Exception e) {
      failure.addSuppressed(e);
    }
  }
}
