package dev.troupe.examples.benchmarks;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;

/** The same rows written by hand: what a step can't be much cheaper than. */
interface Floor extends AutoCloseable {
  AtomicLong RUNS = new AtomicLong();

  /** Writes the rows of one run. */
  interface Writer extends AutoCloseable {
    void write(int step) throws Exception;

    @Override
    default void close() {}
  }

  Writer writer(long run) throws Exception;

  @Override
  void close();

  /** Steps a second with so many threads, each with a run and, where it needs one, a connection. */
  default double throughput(int threads, int stepsEach) throws Exception {
    List<Writer> writers = new ArrayList<>();
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    try {
      for (int i = 0; i < threads; i++) {
        writers.add(writer(RUNS.incrementAndGet()));
      }
      long began = System.nanoTime();
      List<Future<Boolean>> all = new ArrayList<>();
      for (Writer writer : writers) {
        all.add(
            pool.submit(
                () -> {
                  for (int step = 0; step < stepsEach; step++) {
                    writer.write(step);
                  }
                  return true;
                }));
      }
      for (Future<Boolean> one : all) {
        one.get();
      }
      return (double) threads * stepsEach * 1e9 / (System.nanoTime() - began);
    } finally {
      pool.shutdown();
      for (Writer writer : writers) {
        writer.close();
      }
    }
  }
}
