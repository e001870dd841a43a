package dev.troupe.examples.benchmarks;

import dev.troupe.AgentException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/** Threads that write, note what was acknowledged and when, and try again what was not. */
final class AckedLoad implements AutoCloseable {
  private final Target target;
  private final ExecutorService threads;
  private final List<Future<?>> writers = new ArrayList<>();
  private final Map<String, Long> acked = new ConcurrentHashMap<>();
  private final AtomicLong last = new AtomicLong(System.nanoTime());
  private volatile boolean over;

  /** Where things are written. */
  interface Target {
    /** Writes something, or throws when it was not acknowledged. */
    void write(String name);

    /** What is there now. */
    Set<String> present(Set<String> names);
  }

  AckedLoad(Target target, int count) {
    this.target = target;
    this.threads = Executors.newFixedThreadPool(count);
    for (int i = 0; i < count; i++) {
      String writer = "w" + i + "-";
      writers.add(threads.submit(() -> write(writer)));
    }
  }

  private void write(String writer) {
    int number = 0;
    while (!over) {
      try {
        target.write(writer + number);
        long now = System.nanoTime();
        acked.put(writer + number, now);
        last.set(now);
        number++;
      } catch (AgentException e) {
        if (!e.retryable()) {
          throw e;
        }
        LockSupport.parkNanos(2_000_000);
      }
    }
  }

  int count() {
    return acked.size();
  }

  /** When the last write was acknowledged. */
  long last() {
    return last.get();
  }

  /**
   * When the first write was acknowledged after a moment; by each writer, and the latest of all.
   */
  long allBackAfter(long moment) {
    Map<String, Long> first = new ConcurrentHashMap<>();
    acked.forEach(
        (name, when) -> {
          if (when > moment) {
            first.merge(name.substring(0, name.indexOf('-')), when, Math::min);
          }
        });
    return first.size() < writers.size()
        ? Long.MAX_VALUE
        : first.values().stream().mapToLong(Long::longValue).max().orElseThrow();
  }

  /** Waits until so many more were acknowledged. */
  void await(int more) {
    int before = count();
    while (count() < before + more) {
      LockSupport.parkNanos(1_000_000);
      for (Future<?> writer : writers) {
        if (writer.isDone() && !over) {
          throw new IllegalStateException("a writer has ended");
        }
      }
    }
  }

  /** Ends the writers. */
  @Override
  public void close() {
    over = true;
    threads.shutdown();
    try {
      threads.awaitTermination(30, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** What was acknowledged and is not there, with when that was. */
  Map<String, Long> lost() {
    Map<String, Long> lost = new ConcurrentHashMap<>(acked);
    lost.keySet().removeAll(target.present(Set.copyOf(acked.keySet())));
    return lost;
  }
}
