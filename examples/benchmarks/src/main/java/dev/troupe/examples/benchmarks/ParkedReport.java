package dev.troupe.examples.benchmarks;

import dev.troupe.examples.party.Stores;
import dev.troupe.runtime.AgentRuntime;
import dev.troupe.runtime.RunEvent;
import dev.troupe.runtime.Submission;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.StateStore;
import dev.troupe.testkit.ChildProcess;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/** What runs cost while they wait, and how fast many of them wake. */
final class ParkedReport {
  private static final int ROUNDS = 3;
  private static final int WOKEN = 10_000;

  private ParkedReport() {}

  static void write(Path folder) throws Exception {
    Report report =
        new Report(
            "Runs that wait",
            "`mvn -ntp -DskipTests -pl examples/benchmarks -am package && java -jar examples/benchmarks/target/benchmarks.jar parked`\n\nEach run sleeps: it was submitted, claimed, has executed until its sleep, and left. Heap is what is in use after a full collection.");
    heap(report);
    waking(report);
    report.write(folder, "parked.md");
  }

  // heap

  private static void heap(Report report) throws Exception {
    report.line("## Heap");
    report.line("");
    report.head("store", "runs", "heap in use", "a run", "aim");
    try (StateStore memory = new MemoryStateStore()) {
      heap(report, "memory", memory, "at most 4,096 bytes");
    }
    for (String kind : List.of("redis", "postgres")) {
      try (Servers server = Servers.start(kind);
          StateStore store = Stores.open(server.address())) {
        heap(report, kind, store, "the same for any number");
      }
    }
    report.line("");
  }

  private static void heap(Report report, String kind, StateStore store, String aim)
      throws Exception {
    AtomicInteger parked = new AtomicInteger();
    try (AgentRuntime runtime = runtime(store, parked, new Ended())) {
      submit(runtime, 1_000, Instant.now().plus(Duration.ofDays(1)));
      awaitAtLeast(parked, 1_000);
      long before = heap();
      report.row(kind, "1,000", mebibytes(before), "", "");
      int count = 1_000;
      for (int more : new int[] {9_000, 90_000}) {
        submit(runtime, more, Instant.now().plus(Duration.ofDays(1)));
        count += more;
        awaitAtLeast(parked, count);
        long now = heap();
        report.row(
            kind,
            Report.number(count),
            mebibytes(now),
            Report.number((double) (now - before) / (count - 1_000)) + " bytes",
            aim);
      }
    }
  }

  private static String mebibytes(long bytes) {
    return "%.1f MiB".formatted(bytes / 1024.0 / 1024);
  }

  private static long heap() {
    long least = Long.MAX_VALUE;
    for (int i = 0; i < 5; i++) {
      System.gc();
      LockSupport.parkNanos(100_000_000);
      Runtime jvm = Runtime.getRuntime();
      least = Math.min(least, jvm.totalMemory() - jvm.freeMemory());
    }
    return least;
  }

  // waking

  private static final class Ended {
    final AtomicInteger count = new AtomicInteger();
    final AtomicLong last = new AtomicLong();
  }

  private static void waking(Report report) throws Exception {
    report.line("## Waking");
    report.line("");
    report.line(
        "%,d runs that are due at the same instant, from that instant to the end of the last; medians of %d rounds. Each is claimed, replayed, makes no effect, and ends."
            .formatted(WOKEN, ROUNDS));
    report.line("");
    report.head("store", "processes", "runs a second", "aim");
    double[] memory = new double[ROUNDS];
    for (int round = -1; round < ROUNDS; round++) {
      double rate = wakeInMemory();
      if (round >= 0) {
        memory[round] = rate;
      }
    }
    report.row("memory", 1, Report.number(Report.median(memory)), "at least 3,000");
    for (String kind : List.of("redis", "postgres")) {
      double[] shared = new double[ROUNDS];
      try (Servers server = Servers.start(kind)) {
        for (int round = -1; round < ROUNDS; round++) {
          double rate = wakeWithTwoProcesses(server);
          if (round >= 0) {
            shared[round] = rate;
          }
        }
      }
      String aim = kind.equals("redis") ? "at least 1,500" : "";
      report.row(kind, 2, Report.number(Report.median(shared)), aim);
    }
    report.line("");
  }

  private static double wakeInMemory() throws Exception {
    AtomicInteger parked = new AtomicInteger();
    Ended ended = new Ended();
    try (StateStore store = new MemoryStateStore();
        AgentRuntime runtime = runtime(store, parked, ended)) {
      Instant due = Instant.now().plusSeconds(8);
      submit(runtime, WOKEN, due);
      awaitAtLeast(parked, WOKEN);
      requireEarly(due);
      awaitAtLeast(ended.count, WOKEN);
      return WOKEN * 1_000.0 / (ended.last.get() - due.toEpochMilli());
    }
  }

  private static double wakeWithTwoProcesses(Servers server) throws Exception {
    try (StateStore store = Stores.open(server.address());
        AgentRuntime client =
            AgentRuntime.builder()
                .store(store)
                .maxConcurrentRuns(0)
                .agent(FleetWorker.sleeper())
                .start();
        ChildProcess one = worker(server);
        ChildProcess other = worker(server)) {
      one.awaitLine("ready .*", Duration.ofSeconds(30));
      other.awaitLine("ready .*", Duration.ofSeconds(30));
      Instant due = Instant.now().plusSeconds(40);
      submit(client, WOKEN, due);
      while (client.processes().stream().mapToInt(p -> p.running()).sum() > 0) {
        LockSupport.parkNanos(200_000_000);
      }
      LockSupport.parkNanos(4_000_000_000L); // heartbeats tell how many run, every two seconds
      requireEarly(due);
      long[] done;
      do {
        LockSupport.parkNanos(200_000_000);
        long[] a = told(one);
        long[] b = told(other);
        done = new long[] {a[0] + b[0], Math.max(a[1], b[1])};
      } while (done[0] < WOKEN);
      one.send("end");
      other.send("end");
      return WOKEN * 1_000.0 / (done[1] - due.toEpochMilli());
    }
  }

  private static ChildProcess worker(Servers server) {
    return ChildProcess.of(FleetWorker.class).args(server.address(), 64).start();
  }

  /** How many runs have ended in a process, and when the last one. */
  static long[] told(ChildProcess worker) {
    List<String> lines = worker.lines();
    for (int i = lines.size() - 1; i >= 0; i--) {
      String[] words = lines.get(i).split(" ", -1);
      if (words.length == 5 && words[0].equals("done")) {
        return new long[] {Long.parseLong(words[3]), Long.parseLong(words[4])};
      }
    }
    return new long[] {0, 0};
  }

  private static void requireEarly(Instant due) {
    if (!Instant.now().isBefore(due)) {
      throw new IllegalStateException("this machine was too slow: runs were due before all waited");
    }
  }

  // runs

  private static AgentRuntime runtime(StateStore store, AtomicInteger parked, Ended ended) {
    return AgentRuntime.builder()
        .store(store)
        .hotWait(Duration.ZERO)
        .retention(null)
        .agent(FleetWorker.sleeper())
        .listener(
            event -> {
              if (event instanceof RunEvent.Parked) {
                parked.incrementAndGet();
              } else if (event instanceof RunEvent.Ended) {
                ended.count.incrementAndGet();
                ended.last.set(System.currentTimeMillis());
              }
            })
        .start();
  }

  private static void submit(AgentRuntime runtime, int runs, Instant until) throws Exception {
    int threads = 16;
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    try {
      List<Future<Boolean>> all = new ArrayList<>();
      for (int t = 0; t < threads; t++) {
        int share = runs / threads + (t < runs % threads ? 1 : 0);
        all.add(
            pool.submit(
                () -> {
                  for (int i = 0; i < share; i++) {
                    runtime.submit(Submission.of(FleetWorker.SLEEPER, until, String.class).build());
                  }
                  return true;
                }));
      }
      for (Future<Boolean> one : all) {
        one.get();
      }
    } finally {
      pool.shutdown();
    }
  }

  private static void awaitAtLeast(AtomicInteger count, int wanted) {
    long until = System.nanoTime() + Duration.ofMinutes(10).toNanos();
    while (count.get() < wanted) {
      if (System.nanoTime() - until > 0) {
        throw new IllegalStateException("only %d of %d".formatted(count.get(), wanted));
      }
      LockSupport.parkNanos(5_000_000);
    }
  }
}
