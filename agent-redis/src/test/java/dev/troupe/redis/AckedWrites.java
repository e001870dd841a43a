package dev.troupe.redis;

import static dev.troupe.redis.RedisFixture.put;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.state.Change;
import dev.troupe.state.RecordId;
import dev.troupe.state.Scan;
import dev.troupe.state.StateStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * Threads that write records into a store one by one, note what was acknowledged and when, and send
 * a change again until it is. At the end it lists what is not there any more.
 */
final class AckedWrites implements AutoCloseable {
  private final StateStore store;
  private final String value;
  private final ExecutorService threads;
  private final Map<String, Long> acked = new ConcurrentHashMap<>();
  private final ConcurrentLinkedQueue<Throwable> failures = new ConcurrentLinkedQueue<>();
  private final AtomicLong last = new AtomicLong(System.nanoTime());
  private final AtomicLong longest = new AtomicLong();
  private volatile boolean over;

  AckedWrites(StateStore store, int writers, int bytes) {
    this.store = store;
    this.value = "x".repeat(bytes);
    this.threads = Executors.newFixedThreadPool(writers);
    for (int i = 0; i < writers; i++) {
      String writer = "w" + i + "-";
      threads.execute(() -> write(writer));
    }
  }

  private void write(String writer) {
    try {
      for (int n = 0; !over; n++) {
        String key = writer + n;
        int partition = RecordId.of(key, store.info().partitions()).partition();
        Change change = new Change("c-" + key, partition, List.of(put(key, value)));
        while (!over && !sent(change)) {
          LockSupport.parkNanos(5_000_000);
        }
      }
    } catch (RuntimeException | Error e) {
      failures.add(e);
    }
  }

  private boolean sent(Change change) {
    try {
      store.apply(List.of(change));
    } catch (AgentException e) {
      if (e.code() != ErrorCode.STORE_UNAVAILABLE) {
        throw e;
      }
      return false;
    }
    long now = System.nanoTime();
    acked.put(change.edits().get(0).key(), now);
    longest.accumulateAndGet(now - last.getAndSet(now), Math::max);
    return true;
  }

  int count() {
    return acked.size();
  }

  /** How many writers had something acknowledged after a moment. */
  long writersSince(long moment) {
    return acked.entrySet().stream()
        .filter(one -> one.getValue() - moment > 0)
        .map(one -> one.getKey().substring(0, one.getKey().indexOf('-')))
        .distinct()
        .count();
  }

  /** When the last write was acknowledged. */
  long last() {
    return last.get();
  }

  /** The longest time in which nothing was acknowledged. */
  Duration longestPause() {
    return Duration.ofNanos(longest.get());
  }

  /** Whatever but the store's absence ended a writer. */
  List<Throwable> failures() {
    return List.copyOf(failures);
  }

  /** Ends the writers. */
  @Override
  public void close() {
    over = true;
    threads.shutdown();
    try {
      if (!threads.awaitTermination(30, TimeUnit.SECONDS)) {
        failures.add(new AssertionError("a writer does not end"));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** What was acknowledged and is not there, with when that was. */
  Map<String, Long> lost() {
    Map<String, Long> lost = new ConcurrentHashMap<>();
    List<String> keys = new ArrayList<>(acked.keySet());
    for (String key : keys) {
      RecordId id = RecordId.of(key, store.info().partitions());
      if (store.scan(Scan.whole(id)).items().isEmpty()) {
        lost.put(key, acked.get(key));
      }
    }
    return lost;
  }
}
