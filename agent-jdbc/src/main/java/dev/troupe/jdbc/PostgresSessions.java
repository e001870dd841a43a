package dev.troupe.jdbc;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;
import javax.sql.DataSource;

/** Borrows a connection for each call and gives it back as it was. Safe for use by many threads. */
final class PostgresSessions {
  /** How often a call is begun anew that was undone because of others. */
  private static final int ATTEMPTS = 10;

  private final DataSource source;
  private final PostgresSql sql;
  private final PostgresTime time;
  private final int patience;
  private final int lockClass;

  /** What is done with a connection. */
  @FunctionalInterface
  interface Work<T> {
    /**
     * Does it.
     *
     * @param attempt from 1; more when others came in between
     */
    T with(PostgresSession session, int attempt) throws SQLException;
  }

  PostgresSessions(
      DataSource source, PostgresSql sql, PostgresTime time, Duration timeout, String schema) {
    this.source = source;
    this.sql = sql;
    this.time = time;
    this.patience = (int) timeout.toMillis();
    this.lockClass = PostgresSchema.lockClass(schema);
  }

  /** Does the work, again if others came in between, and keeps the time. */
  <T> T call(Work<T> work) throws SQLException {
    for (int attempt = 1; ; attempt++) {
      try {
        return once(work, attempt);
      } catch (SQLException e) {
        if (attempt == ATTEMPTS || !PostgresErrors.isConflict(e)) {
          throw e;
        }
        LockSupport.parkNanos(ThreadLocalRandom.current().nextLong(1_000_000L << (attempt / 2)));
      }
    }
  }

  private <T> T once(Work<T> work, int attempt) throws SQLException {
    Connection connection = source.getConnection();
    boolean autoCommit = true;
    int network = 0;
    boolean known = false;
    try {
      autoCommit = connection.getAutoCommit();
      network = connection.getNetworkTimeout();
      known = true;
      if (!autoCommit) {
        connection.setAutoCommit(true);
      }
      if (network != patience) {
        connection.setNetworkTimeout(Runnable::run, patience);
      }
      PostgresSession session = new PostgresSession(connection, sql, time, lockClass);
      T answer = work.with(session, attempt);
      keepTime(session);
      return answer;
    } catch (SQLException | RuntimeException | Error e) {
      undo(connection, e);
      throw e;
    } finally {
      giveBack(connection, known, autoCommit, network);
    }
  }

  /** The work is done and must be answered, whatever becomes of this. */
  private void keepTime(PostgresSession session) {
    try {
      time.keep(session);
    } catch (SQLException e) {
      return; // the next call tries again
    }
  }

  private static void undo(Connection connection, Throwable reason) {
    try {
      if (!connection.isClosed() && !connection.getAutoCommit()) {
        connection.rollback();
      }
    } catch (SQLException e) {
      reason.addSuppressed(e);
    }
  }

  private void giveBack(Connection connection, boolean known, boolean autoCommit, int network) {
    try (connection) {
      if (known && !connection.isClosed()) {
        if (network != patience) {
          connection.setNetworkTimeout(Runnable::run, network);
        }
        if (connection.getAutoCommit() != autoCommit) {
          connection.setAutoCommit(autoCommit);
        }
      }
    } catch (SQLException e) {
      return; // it is broken, which its pool finds out
    }
  }
}
