package dev.troupe.llm;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;

/** What was spent in the last five minutes, in slices of ten seconds. Safe for many threads. */
final class SpendRate {
  private static final long SLICE_NANOS = TimeUnit.SECONDS.toNanos(10);
  private static final int SLICES = 30;
  private static final int WINDOWS_AN_HOUR = 12;
  private static final double NANOS_A_DOLLAR = 1e9;

  private final LongSupplier clock;
  private final long began;
  private final long[] spent = new long[SLICES];
  private final ReentrantLock lock = new ReentrantLock();
  private long slice;

  SpendRate(LongSupplier clock) {
    this.clock = clock;
    this.began = clock.getAsLong();
  }

  void add(long nanos) {
    lock.lock();
    try {
      turn();
      spent[(int) (slice % SLICES)] += nanos;
    } finally {
      lock.unlock();
    }
  }

  double dollarsAnHour() {
    lock.lock();
    try {
      turn();
      double sum = 0;
      for (long part : spent) {
        sum += part;
      }
      return sum / NANOS_A_DOLLAR * WINDOWS_AN_HOUR;
    } finally {
      lock.unlock();
    }
  }

  /** Empties the slices that have begun since the last look. */
  private void turn() {
    long now = (clock.getAsLong() - began) / SLICE_NANOS;
    for (long next = Math.max(slice + 1, now - SLICES + 1); next <= now; next++) {
      spent[(int) (next % SLICES)] = 0;
    }
    slice = Math.max(slice, now);
  }
}
