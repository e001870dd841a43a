package dev.troupe.jdbc;

import java.io.PrintWriter;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import java.util.logging.Logger;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * A few connections for a host that has no pool: opened when they are needed, used again, and
 * thrown away as soon as one fails. Safe for use by many threads.
 */
final class PostgresConnections implements DataSource, AutoCloseable {
  private final DataSource source;
  private final Semaphore free;
  private final int patience;
  private final ReentrantLock lock = new ReentrantLock();
  private final Deque<Connection> idle = new ArrayDeque<>();
  private boolean closed;

  /**
   * Makes an empty set.
   *
   * @param source opens connections
   * @param most how many there are at most
   * @param patience how long a caller waits for one, and one for an answer
   */
  PostgresConnections(DataSource source, int most, Duration patience) {
    this.source = source;
    this.free = new Semaphore(most, true);
    this.patience = (int) patience.toMillis();
  }

  @Override
  public Connection getConnection() throws SQLException {
    acquire();
    Connection connection = null;
    try {
      connection = poll();
      if (connection == null) {
        connection = source.getConnection();
        connection.setNetworkTimeout(Runnable::run, patience);
      }
      return lend(connection);
    } finally {
      if (connection == null) {
        free.release();
      }
    }
  }

  private void acquire() throws SQLException {
    boolean interrupted = false;
    long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(patience);
    try {
      while (true) {
        try {
          if (free.tryAcquire(deadline - System.nanoTime(), TimeUnit.NANOSECONDS)) {
            return;
          }
          throw new SQLException("all connections were busy for too long", "53300");
        } catch (InterruptedException e) {
          interrupted = true; // what was begun is finished; the caller finds the flag
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private @Nullable Connection poll() {
    lock.lock();
    try {
      return idle.pollFirst();
    } finally {
      lock.unlock();
    }
  }

  /** The connection, but closing it gives it back. */
  private Connection lend(Connection connection) {
    AtomicBoolean returned = new AtomicBoolean();
    AtomicBoolean failed = new AtomicBoolean();
    return (Connection)
        Proxy.newProxyInstance(
            Connection.class.getClassLoader(),
            new Class<?>[] {Connection.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("close")) {
                if (returned.compareAndSet(false, true)) {
                  giveBack(connection, failed.get());
                }
                return null;
              }
              try {
                return method.invoke(connection, arguments);
              } catch (InvocationTargetException e) {
                failed.set(true);
                throw e.getCause();
              }
            });
  }

  private void giveBack(Connection connection, boolean failed) throws SQLException {
    boolean keep;
    Deque<Connection> useless = new ArrayDeque<>();
    lock.lock();
    try {
      boolean broken = failed || connection.isClosed();
      keep = !broken && !closed;
      if (keep) {
        idle.addFirst(connection);
      } else {
        useless.add(connection);
      }
      if (broken) {
        // what broke one has most often broken all
        useless.addAll(idle);
        idle.clear();
      }
    } finally {
      lock.unlock();
      free.release();
    }
    close(useless);
  }

  private static void close(Deque<Connection> connections) throws SQLException {
    for (Connection connection : connections) {
      connection.close();
    }
  }

  @Override
  public void close() throws SQLException {
    Deque<Connection> useless;
    lock.lock();
    try {
      closed = true;
      useless = new ArrayDeque<>(idle);
      idle.clear();
    } finally {
      lock.unlock();
    }
    close(useless);
  }

  /** Closes when something else has failed already. */
  void closeQuietly() {
    try {
      close();
    } catch (SQLException e) {
      return; // the server forgets them by itself
    }
  }

  @Override
  public Connection getConnection(String user, String password) throws SQLException {
    throw new SQLFeatureNotSupportedException("user and password are given once");
  }

  @Override
  public @Nullable PrintWriter getLogWriter() {
    return null;
  }

  @Override
  public void setLogWriter(@Nullable PrintWriter out) throws SQLException {
    throw new SQLFeatureNotSupportedException();
  }

  @Override
  public void setLoginTimeout(int seconds) throws SQLException {
    throw new SQLFeatureNotSupportedException();
  }

  @Override
  public int getLoginTimeout() {
    return 0;
  }

  @Override
  public Logger getParentLogger() throws SQLFeatureNotSupportedException {
    throw new SQLFeatureNotSupportedException();
  }

  @Override
  public <T> T unwrap(Class<T> type) throws SQLException {
    return source.unwrap(type);
  }

  @Override
  public boolean isWrapperFor(Class<?> type) throws SQLException {
    return source.isWrapperFor(type);
  }
}
