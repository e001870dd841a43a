package dev.troupe.examples.benchmarks;

import dev.troupe.AgentException;
import dev.troupe.examples.party.Stores;
import dev.troupe.run.RunRecord;
import dev.troupe.runtime.AgentRuntime;
import dev.troupe.runtime.RunHandle;
import dev.troupe.runtime.RunView;
import dev.troupe.runtime.Submission;
import dev.troupe.state.Find;
import dev.troupe.state.Page;
import dev.troupe.state.StateStore;
import dev.troupe.state.Stored;
import dev.troupe.testkit.ChildProcess;
import dev.troupe.testkit.FaultProxy;
import dev.troupe.testkit.History;
import dev.troupe.testkit.HistoryReport;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Three real processes over a real server, killed, paused and cut off at random, while orders keep
 * coming. At the end every run has to be in exactly one outcome, and no effect with a journaled
 * result made again.
 */
final class Soak {
  private static final int WORKERS = 3;
  private static final int RUNS = 2_000;
  private static final int AT_ONCE = 200;

  private enum Fault {
    KILL,
    PAUSE,
    LONG_PAUSE,
    CUT,
    CUT_OFF
  }

  private final String kind;
  private final int seconds;
  private final long seed = new Random().nextLong();
  private final Random random = new Random(seed);
  private final Path folder;
  private final Map<Fault, Integer> faults = new EnumMap<>(Fault.class);
  private final ChildProcess[] workers = new ChildProcess[WORKERS];
  private final FaultProxy[] proxies = new FaultProxy[WORKERS];
  private final AtomicInteger right = new AtomicInteger();
  private final AtomicInteger wrong = new AtomicInteger();
  private final AtomicInteger ended = new AtomicInteger();

  private Soak(String kind, int seconds) throws Exception {
    this.kind = kind;
    this.seconds = seconds;
    this.folder = Files.createTempDirectory("troupe-soak");
  }

  /** Runs it over a server that it starts; writes a report. */
  static void write(String kind, int seconds, Path reports) throws Exception {
    Soak soak = new Soak(kind, seconds);
    try (Servers server = Servers.start(kind)) {
      soak.run(server.port(), server::address, reports);
    }
  }

  private interface Address {
    String at(int port);
  }

  private void run(int port, Address address, Path reports) throws Exception {
    long began = System.nanoTime();
    Path histories = folder.resolve("histories");
    System.out.printf("soak over %s, %d s, seed %d%n", kind, seconds, seed);
    try (StateStore store = Stores.open(address.at(port))) {
      for (int i = 0; i < WORKERS; i++) {
        proxies[i] = FaultProxy.to("127.0.0.1", port, seed + i);
        start(i, address, histories);
      }
      History.Writer history = History.Writer.open(histories, "client");
      AgentRuntime.Builder builder =
          AgentRuntime.builder().store(store).expiry(Duration.ofSeconds(3)).maxConcurrentRuns(0);
      new SoakAgents(history).all().forEach(builder::agent);
      Duration healed;
      try (AgentRuntime client = builder.start()) {
        Thread orders = new Thread(() -> submitAll(client, history), "orders");
        orders.start();
        long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
        while (System.nanoTime() - until < 0) {
          LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(500 + random.nextInt(2_500)));
          fault(random.nextInt(WORKERS), address, histories);
          System.out.printf(
              "%4d s: %d of %d ended, faults %s%n",
              TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - began), ended.get(), RUNS, faults);
        }
        long last = System.nanoTime();
        for (int i = 0; i < WORKERS; i++) {
          proxies[i].heal();
          if (workers[i].alive()) {
            workers[i].resume();
          } else { // also one that found no server when it began
            start(i, address, histories);
          }
        }
        orders.join(TimeUnit.SECONDS.toMillis(180));
        healed = Duration.ofNanos(System.nanoTime() - last);
      }
      outcomes(store, history);
      for (int i = 0; i < WORKERS; i++) {
        workers[i].terminate();
      }
      for (int i = 0; i < WORKERS; i++) {
        workers[i].awaitExit(Duration.ofSeconds(30));
        workers[i].close();
        proxies[i].close();
      }
      history.close();
      report(History.check(History.files(histories)), healed, reports);
    }
  }

  private void start(int i, Address address, Path histories) {
    workers[i] =
        ChildProcess.of(SoakWorker.class)
            .name("worker-" + i)
            .jvm("-Xmx256m", "-XX:TieredStopAtLevel=1")
            .args(address.at(proxies[i].port()), histories, "worker-" + i)
            .start();
  }

  // orders

  private void submitAll(AgentRuntime client, History.Writer history) {
    Semaphore open = new Semaphore(AT_ONCE);
    long every = TimeUnit.SECONDS.toNanos(seconds) / RUNS;
    for (int i = 0; i < RUNS; i++) {
      open.acquireUninterruptibly();
      int number = i;
      String id = "o" + number;
      history.submitting(id, null);
      RunHandle<String> run =
          patiently(
              () ->
                  client.submit(
                      Submission.of(SoakAgents.ORDER, number, String.class).id(id).build()));
      history.submitted(id);
      var unused =
          run.completion()
              .whenComplete(
                  (result, failure) -> {
                    check(number, result, failure);
                    ended.incrementAndGet();
                    open.release();
                  });
      patiently(() -> client.signal(id, "paid", "1", "yes"));
      LockSupport.parkNanos(every);
    }
    open.acquireUninterruptibly(AT_ONCE);
  }

  private void check(int number, @Nullable String result, @Nullable Throwable failure) {
    boolean fine =
        number % 7 == 0
            ? failure != null && failure.toString().contains("can't be delivered")
            : SoakAgents.expected(number).equals(result);
    (fine ? right : wrong).incrementAndGet();
    if (!fine) {
      System.out.printf("order %d came out wrong: %s %s%n", number, result, failure);
    }
  }

  private interface Try<T> {
    T get();
  }

  private static <T> T patiently(Try<T> call) {
    while (true) {
      try {
        return call.get();
      } catch (AgentException again) {
        if (!again.retryable()) {
          throw again;
        }
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
      }
    }
  }

  // faults

  private void fault(int i, Address address, Path histories) {
    if (!workers[i].alive()) {
      start(i, address, histories);
      return;
    }
    Fault fault = Fault.values()[random.nextInt(Fault.values().length)];
    faults.merge(fault, 1, Integer::sum);
    switch (fault) {
      case KILL -> {
        workers[i].kill();
        later(random.nextInt(2_000), () -> {});
        start(i, address, histories);
      }
      case PAUSE -> {
        workers[i].pause();
        later(300 + random.nextInt(1_500), workers[i]::resume);
      }
      case LONG_PAUSE -> {
        workers[i].pause();
        later(4_000 + random.nextInt(5_000), workers[i]::resume);
      }
      case CUT -> proxies[i].cut();
      case CUT_OFF -> {
        proxies[i].refuse();
        proxies[i].cut();
        later(1_000 + random.nextInt(6_000), proxies[i]::heal);
      }
    }
  }

  private static void later(int millis, Runnable action) {
    Thread thread =
        new Thread(
            () -> {
              LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(millis));
              action.run();
            },
            "later");
    thread.setDaemon(true);
    thread.start();
  }

  // the end

  private static void outcomes(StateStore store, History.Writer history) {
    Find find = Find.tagged(RunRecord.KIND, "run", 200);
    Page<Stored> page;
    do {
      page = store.find(find);
      for (Stored record : page.items()) {
        RunRecord run = RunRecord.decode(record);
        var end = run.end();
        RunView.State state =
            end == null ? RunView.State.RUNNING : RunView.State.valueOf(end.state().name());
        history.outcome(run.header().id(), state, run.header().origin().parent());
      }
      find = new Find(find.tags(), null, null, page.next(), 200);
    } while (page.next() != null);
  }

  private void report(HistoryReport checked, Duration healed, Path reports) {
    Report report =
        new Report(
            "A soak over " + (kind.equals("redis") ? "Redis" : "PostgreSQL"),
            "`mvn -ntp -DskipTests -pl examples/benchmarks -am package && java -jar examples/benchmarks/target/benchmarks.jar soak-%s %d`%n%nThree processes over one server, each behind a proxy. Every 0.5 to 3 s one of them is killed with `kill -9`, stopped with SIGSTOP for longer or shorter than its expiry of 3 s, or its connections are cut, once or for seconds. Meanwhile %,d orders come in: steps, a child each (every third in another partition), a timer, a signal, three branches; every seventh fails and undoes what it did."
                .formatted(kind, seconds, RUNS));
    List<String> told = new ArrayList<>();
    faults.forEach(
        (fault, count) ->
            told.add(count + " " + fault.name().toLowerCase(Locale.ROOT).replace('_', ' ')));
    report.head("measure", "value", "has to be");
    report.row("faults", String.join(", ", told), "");
    report.row("orders with the right outcome", right.get(), RUNS);
    report.row("orders with a wrong one", wrong.get(), 0);
    report.row("violations in the history", checked.violations().size(), 0);
    report.row(
        "from the last fault to the last end",
        Report.number(healed.toMillis() / 1000.0) + " s",
        "at most 180 s");
    report.line("");
    for (String line : Arrays.asList(checked.toMarkdown().split("\n", -1))) {
      report.line(line);
    }
    report.write(reports, "soak-" + kind + ".md");
    if (right.get() != RUNS || !checked.violations().isEmpty()) {
      System.out.println("histories are kept in " + folder);
      System.exit(1);
    }
  }
}
