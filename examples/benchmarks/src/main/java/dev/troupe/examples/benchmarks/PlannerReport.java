package dev.troupe.examples.benchmarks;

import dev.troupe.examples.party.PlannerAgents;
import dev.troupe.examples.party.agents.PartyPlanner;
import dev.troupe.examples.party.catalogue.DataFiles;
import dev.troupe.examples.party.plan.PartyPlan;
import dev.troupe.examples.party.plan.Recommenders;
import dev.troupe.examples.party.request.Options;
import dev.troupe.examples.party.request.PartyRequest;
import dev.troupe.runtime.AgentRuntime;
import dev.troupe.state.MemoryStateStore;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** A hundred plans a second for a minute, over memory, each compared with what it has to be. */
final class PlannerReport {
  private static final int RATE = 100;
  private static final int WARM_UP_SECONDS = 20;
  private static final int SECONDS = 60;

  private static final List<String> REQUESTS =
      List.of(
          "a dinosaur party for 12 kids on 6 June in Lisbon, 600 euros, one is allergic to nuts",
          "pirate birthday for 15 children in Madrid on 3 May, 700 euros",
          "a retirement dinner for 40 people in Vienna, 4500 euros, two are vegan",
          "graduation party for 60 guests in Berlin on 12 July, 3000 euros",
          "Halloween party for 25 teens in Dublin, 900 euros",
          "a jazz evening for 30 adults in Copenhagen, 2500 euros");

  /** One strategy for all; otherwise the run's id would choose, and each plan could be either. */
  private static final Options OPTIONS =
      new Options(
          Recommenders.standard().names().get(0),
          List.of(),
          List.of(),
          Duration.ZERO,
          Duration.ofSeconds(10),
          null,
          null);

  private PlannerReport() {}

  static void write(Path folder) throws Exception {
    Report report =
        new Report(
            "A hundred plans a second",
            "`mvn -ntp -DskipTests -pl examples/benchmarks -am package && java -jar examples/benchmarks/target/benchmarks.jar planner`\n\n"
                + "The party planner over the memory store, requests sent at "
                + RATE
                + " a second whatever comes back, for "
                + SECONDS
                + " s after "
                + WARM_UP_SECONDS
                + " s for warming up. A plan is six runs or more: the planner, the analyzer, theme, venue, cake, budget and the final planner. Times count from when a request was due to be sent to when its plan was there. Ended runs are kept for one second.");
    AgentRuntime.Builder builder =
        AgentRuntime.builder()
            .store(new MemoryStateStore())
            .retention(Duration.ofSeconds(1))
            .maxConcurrentRuns(256);
    PlannerAgents.load(DataFiles.bundled(), Recommenders.standard())
        .definitions()
        .forEach(builder::agent);
    try (AgentRuntime runtime = builder.start()) {
      List<PartyPlan> expected = new ArrayList<>();
      for (String request : REQUESTS) {
        expected.add(submit(runtime, request).toCompletableFuture().get(30, TimeUnit.SECONDS));
      }
      load(runtime, expected, WARM_UP_SECONDS, null);
      Load load = new Load(SECONDS * RATE);
      load(runtime, expected, SECONDS, load);
      load.tell(report);
    }
    report.write(folder, "planner.md");
  }

  private static CompletionStage<PartyPlan> submit(AgentRuntime runtime, String request) {
    return runtime
        .submit(PartyPlanner.NAME, new PartyRequest(request, OPTIONS), PartyPlan.class)
        .completion();
  }

  private static void load(
      AgentRuntime runtime, List<PartyPlan> expected, int seconds, @Nullable Load load)
      throws InterruptedException {
    int count = seconds * RATE;
    CountDownLatch left = new CountDownLatch(count);
    long began = System.nanoTime();
    for (int i = 0; i < count; i++) {
      long due = began + i * (TimeUnit.SECONDS.toNanos(1) / RATE);
      while (System.nanoTime() - due < 0) {
        LockSupport.parkNanos(due - System.nanoTime());
      }
      int which = i % REQUESTS.size();
      int index = i;
      var unused =
          submit(runtime, REQUESTS.get(which))
              .whenComplete(
                  (plan, failure) -> {
                    if (load != null) {
                      load.ended(
                          index,
                          System.nanoTime() - due,
                          failure == null && expected.get(which).sheets().equals(plan.sheets()));
                    }
                    left.countDown();
                  });
      if (load != null && i % (10 * RATE) == 0) {
        load.memory();
      }
    }
    if (!left.await(120, TimeUnit.SECONDS)) {
      throw new IllegalStateException(left.getCount() + " plans are missing after two minutes");
    }
    if (load != null) {
      load.memory();
    }
  }

  /** What was measured. */
  private static final class Load {
    private final double[] millis;
    private final AtomicInteger wrong = new AtomicInteger();
    private final List<Long> heap = new ArrayList<>();

    Load(int count) {
      this.millis = new double[count];
    }

    void ended(int index, long nanos, boolean right) {
      millis[index] = nanos / 1e6;
      if (!right) {
        wrong.incrementAndGet();
      }
    }

    /** The heap after a collection. */
    void memory() {
      System.gc();
      Runtime jvm = Runtime.getRuntime();
      heap.add((jvm.totalMemory() - jvm.freeMemory()) >> 20);
    }

    void tell(Report report) {
      double[] sorted = millis.clone();
      Arrays.sort(sorted);
      report.head("measure", "value", "aim");
      report.row("plans", sorted.length, RATE * SECONDS);
      report.row("plans that were not right", wrong.get(), 0);
      report.row("p50", Report.number(sorted[sorted.length / 2]) + " ms", "under 100 ms");
      report.row(
          "p99", Report.number(sorted[(int) (sorted.length * 0.99)]) + " ms", "under 500 ms");
      report.row("longest", Report.number(sorted[sorted.length - 1]) + " ms", "");
      report.row("heap after a collection, every 10 s", heap + " MiB", "flat");
      report.line("");
    }
  }
}
