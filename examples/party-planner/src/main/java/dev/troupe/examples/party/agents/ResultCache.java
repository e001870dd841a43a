package dev.troupe.examples.party.agents;

import java.time.Duration;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Remembers results for a while: the least recently used goes first. Lives in one process and only
 * inside steps, so what is journaled never depends on it. Safe for use by many threads.
 *
 * @param <V> the results
 */
public final class ResultCache<V> {
  private final int most;
  private final long keepNanos;
  private final LongSupplier nanoTime;
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<Object, Kept<V>> kept = new LinkedHashMap<>(16, 0.75f, true);

  private record Kept<V>(V value, long until) {}

  /**
   * Creates a cache.
   *
   * @param most how many results it keeps, at least 1
   * @param keep how long it keeps each
   * @param nanoTime a clock that only runs forwards, in nanoseconds
   */
  public ResultCache(int most, Duration keep, LongSupplier nanoTime) {
    if (most < 1) {
      throw new IllegalArgumentException("most must be at least 1: " + most);
    }
    this.most = most;
    this.keepNanos = keep.toNanos();
    this.nanoTime = nanoTime;
  }

  /**
   * Looks a result up.
   *
   * @param key the question
   * @return the result, null when it is not there or too old
   */
  public @Nullable V get(Object key) {
    lock.lock();
    try {
      Kept<V> found = kept.get(key);
      if (found != null && nanoTime.getAsLong() - found.until >= 0) {
        kept.remove(key);
        return null;
      }
      return found == null ? null : found.value;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Keeps a result.
   *
   * @param key the question
   * @param value the result
   */
  public void put(Object key, V value) {
    lock.lock();
    try {
      kept.put(key, new Kept<>(value, nanoTime.getAsLong() + keepNanos));
      if (kept.size() > most) {
        Iterator<Object> eldest = kept.keySet().iterator();
        eldest.next();
        eldest.remove();
      }
    } finally {
      lock.unlock();
    }
  }
}
