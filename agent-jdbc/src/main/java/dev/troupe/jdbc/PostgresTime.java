package dev.troupe.jdbc;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.InstantSource;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The store's time: the clock of the database server, and never before a time that this process has
 * shown or that any process has kept in the table {@code meta}.
 *
 * <p>The highest time is kept there about once a second while the store is used, and when it is
 * closed. So a server clock that is set back does not take back the time of a process; what another
 * process shows may fall behind by as much as was shown since the last keeping, about a second.
 */
final class PostgresTime {
  /** After how many milliseconds the highest time is kept again. */
  static final long INTERVAL = 1000;

  private final @Nullable InstantSource foreign;
  private final AtomicLong highest = new AtomicLong();
  private final AtomicLong kept = new AtomicLong();

  /**
   * Makes a time.
   *
   * @param foreign a clock to use instead of the server's, null for that
   * @param kept the highest time kept so far
   */
  PostgresTime(@Nullable InstantSource foreign, long kept) {
    this.foreign = foreign;
    this.highest.set(kept);
    this.kept.set(kept);
  }

  /** No statement that begins now may show an earlier time. */
  long floor() {
    InstantSource clock = foreign;
    if (clock != null) {
      shown(clock.millis());
    }
    return highest.get();
  }

  /** Notes a time that is about to be shown. */
  long shown(long now) {
    if (now > highest.get()) {
      highest.accumulateAndGet(now, Math::max);
    }
    return now;
  }

  /** Keeps the highest time if it is time to; at most one thread does. */
  void keep(PostgresSession session) throws SQLException {
    long before = kept.get();
    long now = highest.get();
    if (now - before >= INTERVAL && kept.compareAndSet(before, now)) {
      keep(session, now, now - INTERVAL / 2);
    }
  }

  /** Keeps the highest time. */
  void keepNow(PostgresSession session) throws SQLException {
    keep(session, highest.get(), highest.get());
  }

  private void keep(PostgresSession session, long now, long unlessAbove) throws SQLException {
    try (PostgresQuery query = session.query(session.sql().mark).with(unlessAbove).with(now);
        ResultSet row = query.rows()) {
      if (row.next()) {
        shown(row.getLong(1));
      }
    }
  }
}
