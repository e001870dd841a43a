package dev.troupe.examples.benchmarks;

import dev.troupe.resilience.BreakerSettings;
import dev.troupe.resilience.CircuitBreakers;
import dev.troupe.state.MemoryStateStore;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig.SlidingWindowType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;

/** What a call through a closed shared breaker costs, beside resilience4j's own alone. */
final class BreakerReport {
  private static final int ROUNDS = 11;
  private static final int WARM_UP_ROUNDS = 4;
  private static final int CALLS = 2_000_000;

  private BreakerReport() {}

  private interface Calls {
    long make(int times) throws Exception;
  }

  static void write(Path folder) throws Exception {
    Report report =
        new Report(
            "Calls through a circuit breaker",
            "`mvn -ntp -DskipTests -pl examples/benchmarks -am package && java -jar examples/benchmarks/target/benchmarks.jar breaker`\n\n"
                + "A call that adds two numbers, through a breaker that is closed: resilience4j's alone (permission, call, success, with its clock), and a shared one over the memory store, whose window is resilience4j's with the same settings (the last 100 calls). Nanoseconds a call, medians of "
                + ROUNDS
                + " rounds in turn, "
                + "%,d".formatted(CALLS)
                + " calls a thread in each.");
    CircuitBreaker alone =
        CircuitBreaker.of(
            "alone",
            CircuitBreakerConfig.custom()
                .slidingWindow(100, 20, SlidingWindowType.COUNT_BASED)
                .build());
    try (MemoryStateStore store = new MemoryStateStore();
        CircuitBreakers breakers = CircuitBreakers.builder(store).start()) {
      dev.troupe.resilience.CircuitBreaker shared =
          breakers.breaker("shared", BreakerSettings.builder().build());
      List<Calls> all =
          List.of(
              times -> bare(times),
              times -> alone(alone, times),
              times -> shared(shared, times),
              times -> permits(shared, times));
      report.head(
          "threads", "no breaker", "resilience4j", "shared, `call`", "shared, `acquire`", "more");
      for (int threads : new int[] {1, 2}) {
        double[] nanos = medians(all, threads);
        report.row(
            threads,
            Report.number(nanos[0]),
            Report.number(nanos[1]),
            Report.number(nanos[2]),
            Report.number(nanos[3]),
            Report.number(nanos[2] - nanos[1]) + ", aim: under 1,000");
      }
    }
    report.write(folder, "breaker.md");
  }

  private static double[] medians(List<Calls> all, int threads) throws Exception {
    double[][] nanos = new double[all.size()][ROUNDS];
    for (int round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
      for (int i = 0; i < all.size(); i++) {
        double took = round(all.get(i), threads);
        if (round >= 0) {
          nanos[i][round] = took;
        }
      }
    }
    double[] medians = new double[all.size()];
    for (int i = 0; i < medians.length; i++) {
      medians[i] = Report.median(nanos[i]);
    }
    return medians;
  }

  /** Nanoseconds of a call as its thread sees it, all threads calling at the same time. */
  private static double round(Calls calls, int threads) throws Exception {
    CountDownLatch ready = new CountDownLatch(threads);
    List<Thread> callers = new ArrayList<>();
    long[] took = new long[threads];
    for (int t = 0; t < threads; t++) {
      int mine = t;
      Thread caller =
          new Thread(
              () -> {
                try {
                  ready.countDown();
                  ready.await();
                  long began = System.nanoTime();
                  if (calls.make(CALLS) == 0) {
                    throw new IllegalStateException("nothing was called");
                  }
                  took[mine] = System.nanoTime() - began;
                } catch (Exception e) {
                  throw new IllegalStateException(e);
                }
              });
      caller.start();
      callers.add(caller);
    }
    long sum = 0;
    for (int t = 0; t < threads; t++) {
      callers.get(t).join();
      sum += took[t];
    }
    return (double) sum / threads / CALLS;
  }

  private static long bare(int times) throws Exception {
    long sum = 0;
    for (int i = 0; i < times; i++) {
      sum += action(i).call();
    }
    return sum;
  }

  private static long alone(CircuitBreaker breaker, int times) throws Exception {
    long sum = 0;
    for (int i = 0; i < times; i++) {
      breaker.acquirePermission();
      long began = breaker.getCurrentTimestamp();
      long result = action(i).call();
      breaker.onSuccess(breaker.getCurrentTimestamp() - began, breaker.getTimestampUnit());
      sum += result;
    }
    return sum;
  }

  private static long shared(dev.troupe.resilience.CircuitBreaker breaker, int times)
      throws Exception {
    long sum = 0;
    for (int i = 0; i < times; i++) {
      sum += breaker.call(action(i));
    }
    return sum;
  }

  private static long permits(dev.troupe.resilience.CircuitBreaker breaker, int times)
      throws Exception {
    long sum = 0;
    for (int i = 0; i < times; i++) {
      try (dev.troupe.resilience.CircuitBreaker.Permit permit = breaker.acquire()) {
        sum += action(i).call();
        permit.succeeded();
      }
    }
    return sum;
  }

  private static Callable<Long> action(long number) {
    return () -> number + 1;
  }
}
