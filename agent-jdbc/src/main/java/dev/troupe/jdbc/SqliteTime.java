package dev.troupe.jdbc;

import dev.troupe.state.StoreClock;
import java.time.Instant;
import java.time.InstantSource;

/**
 * The store's time, which must not go back when the file is opened again on a machine whose clock
 * was set back, not even behind what a read or an empty claim has shown.
 *
 * <p>So time is reserved: no instant is shown before a later one, the bound, lies on disk, and the
 * store opens at the bound. The bound is {@link #RESERVE} ahead when it is written: one small
 * commit a second while the store is used, and after a crash at most a second that stands still.
 * Closing writes the time itself.
 */
final class SqliteTime {
  /** How far ahead time is reserved, in milliseconds. */
  static final long RESERVE = 1000;

  private final StoreClock clock;
  private volatile long bound;

  SqliteTime(InstantSource source, long stored) {
    this.clock = new StoreClock(source, Instant.ofEpochMilli(stored));
    this.bound = stored;
  }

  /** The time, which may be beyond the bound and then must not be shown. */
  long millis() {
    return clock.millis();
  }

  /** What is reserved on disk: may always be shown. */
  long bound() {
    return bound;
  }

  void reserved(long until) {
    bound = until;
  }
}
