package dev.troupe.examples.benchmarks;

import com.sun.management.ThreadMXBean;
import dev.troupe.event.Event;
import dev.troupe.event.EventBus;
import dev.troupe.event.EventHandler;
import dev.troupe.event.Outgoing;
import dev.troupe.event.Subscriber;
import dev.troupe.event.Subscription.Mode;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;

/** How many events go through the whole bus inside a process, and what they allocate. */
final class MemoryEventsReport {
  private static final int ROUNDS = 7;
  private static final int WARM_UP_ROUNDS = 3;
  private static final int EVENTS = 500_000;
  private static final int TOGETHER = 100;
  private static final int AHEAD = 4_000;
  private static final int KEYS = 1_000;
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private MemoryEventsReport() {}

  /** What one round gave. */
  private record Result(double perSecond, double bytes) {}

  private interface Round {
    Result play() throws Exception;
  }

  static void write(Path folder) throws Exception {
    Report report =
        new Report(
            "Events inside a process",
            "`mvn -ntp -DskipTests -pl examples/benchmarks -am package && java -jar examples/benchmarks/target/benchmarks.jar events`\n\n"
                + "%,d events of 256 bytes with %,d keys, published by one thread, which keeps at most 4,000 ahead, while they are handled by two, through the whole bus over the memory store: encoded, appended, read, divided by key, handled, settled. The floor is a thread pool of two over a queue, fed with the same bytes, which keeps no order, encodes nothing and forgets everything. Medians of %d rounds after %d for warming up. Allocation is that of all threads of the process."
                    .formatted(EVENTS, KEYS, ROUNDS, WARM_UP_ROUNDS));
    report.head("", "events a second", "aim", "bytes allocated an event", "aim");
    List<String> names =
        List.of(
            "ordered, published in hundreds",
            "shared, published in hundreds",
            "ordered, published one by one",
            "floor: a thread pool");
    List<Round> rounds =
        List.of(
            () -> bus(Mode.ORDERED, TOGETHER),
            () -> bus(Mode.SHARED, TOGETHER),
            () -> bus(Mode.ORDERED, 1),
            MemoryEventsReport::pool);
    double[][] perSecond = new double[names.size()][ROUNDS];
    double[][] bytes = new double[names.size()][ROUNDS];
    for (int round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
      for (int i = 0; i < names.size(); i++) {
        Result result = rounds.get(i).play();
        if (round >= 0) {
          perSecond[i][round] = result.perSecond();
          bytes[i][round] = result.bytes();
        }
      }
    }
    for (int i = 0; i < names.size(); i++) {
      boolean floor = i == names.size() - 1;
      report.row(
          names.get(i),
          Report.number(Report.median(perSecond[i])),
          floor ? "" : "at least 500,000",
          Report.number(Report.median(bytes[i])),
          floor ? "" : "at most 1,024");
    }
    report.write(folder, "events.md");
  }

  private static Result bus(Mode mode, int together) throws Exception {
    try (EventBus bus = EventBus.inMemory()) {
      LongAdder handled = new LongAdder();
      EventHandler handler = (event, context) -> handled.increment();
      try (Subscriber subscriber =
          bus.subscribe("numbers", "g")
              .mode(mode)
              .concurrency(2)
              .maxInFlight(4_000)
              .start(handler)) {
        if (subscriber.inFlight() > 0) {
          throw new IllegalStateException("nothing was published yet");
        }
        byte[] data = new byte[256];
        long allocated = THREADS.getTotalThreadAllocatedBytes();
        long began = System.nanoTime();
        List<Outgoing> some = new ArrayList<>(together);
        for (int i = 0; i < EVENTS; i++) {
          some.add(
              new Outgoing(
                  "numbers",
                  Event.builder("number")
                      .key(Integer.toString(i % KEYS))
                      .data(data, "application/octet-stream")
                      .build()));
          if (some.size() == together) {
            bus.publish(some);
            some.clear();
            while (i - handled.sum() > AHEAD) {
              LockSupport.parkNanos(50_000);
            }
          }
        }
        await(handled);
        return result(began, allocated);
      }
    }
  }

  private static Result pool() throws Exception {
    ThreadPoolExecutor pool =
        new ThreadPoolExecutor(2, 2, 1, TimeUnit.SECONDS, new LinkedBlockingQueue<>());
    try {
      LongAdder handled = new LongAdder();
      byte[] data = new byte[256];
      long allocated = THREADS.getTotalThreadAllocatedBytes();
      long began = System.nanoTime();
      String process = UUID.randomUUID().toString();
      for (int i = 0; i < EVENTS; i++) {
        byte[] mine = data.clone();
        String id = process + i;
        pool.execute(
            () -> {
              if (mine.length > 0 && !id.isEmpty()) {
                handled.increment();
              }
            });
      }
      await(handled);
      return result(began, allocated);
    } finally {
      pool.shutdownNow();
    }
  }

  private static void await(LongAdder handled) {
    while (handled.sum() < EVENTS) {
      LockSupport.parkNanos(100_000);
    }
  }

  private static Result result(long began, long allocated) {
    double seconds = (System.nanoTime() - began) / 1e9;
    double bytes = THREADS.getTotalThreadAllocatedBytes() - allocated;
    return new Result(EVENTS / seconds, bytes / EVENTS);
  }
}
