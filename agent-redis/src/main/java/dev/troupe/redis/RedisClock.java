package dev.troupe.redis;

import java.time.Instant;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.LongSupplier;

/**
 * The store's time as this process has seen it. Each partition keeps its own time from going back;
 * this keeps answers of different partitions from going back among each other.
 *
 * <p>Safe for use by many threads.
 */
final class RedisClock {
  /** A partition's time may trail by so much where nothing depends on it. */
  private static final long TRAIL_NANOS = 20_000_000;

  private static final byte[] NOT_MOVED = {'0'};

  private final LongSupplier offset;
  private final AtomicLong highest = new AtomicLong();
  private final AtomicLongArray looked;

  RedisClock(LongSupplier offset, int partitions) {
    this.offset = offset;
    this.looked = new AtomicLongArray(partitions);
  }

  /** Whether a partition should look at the server's clock, because it has not for a while. */
  boolean trails(int partition) {
    long now = System.nanoTime() + offset.getAsLong() * 1_000_000;
    long before = looked.get(partition);
    boolean trails = before == 0 || now - before > TRAIL_NANOS || now < before;
    if (trails) {
      looked.set(partition, now == 0 ? 1 : now);
    }
    return trails;
  }

  /** By how many milliseconds the server's clock is moved: 0, except in tests. */
  byte[] offset() {
    long moved = offset.getAsLong();
    return moved == 0 ? NOT_MOVED : RedisNames.ascii(Long.toString(moved));
  }

  /** What to show of a time that a partition has shown. */
  Instant shown(long millis) {
    long before = highest.get();
    return Instant.ofEpochMilli(
        millis <= before ? before : highest.accumulateAndGet(millis, Math::max));
  }
}
