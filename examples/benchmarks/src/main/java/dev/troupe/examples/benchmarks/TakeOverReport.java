package dev.troupe.examples.benchmarks;

import dev.troupe.examples.party.Stores;
import dev.troupe.runtime.AgentRuntime;
import dev.troupe.runtime.ProcessView;
import dev.troupe.runtime.Submission;
import dev.troupe.state.StateStore;
import dev.troupe.testkit.ChildProcess;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/** How long the runs of a killed process stand still. */
final class TakeOverReport {
  private static final int ROUNDS = 3;
  private static final int RUNS = 1_000;

  private TakeOverReport() {}

  static void write(Path folder) throws Exception {
    Report report =
        new Report(
            "Take-over after kill -9",
            "`mvn -ntp -DskipTests -pl examples/benchmarks -am package && java -jar examples/benchmarks/target/benchmarks.jar take-over`\n\nOne process executes %,d runs, each in the middle of a step; it is killed with `kill -9`. Another process with the same agents goes on. The expiry is 10 s, the default. Times are from the kill to the first and the last step begun in the other process; medians of %d rounds. A process says about every two seconds that it is alive, so a dead one has 8 to 10 s left."
                .formatted(RUNS, ROUNDS));
    report.head(
        "store", "first run", "aim", "all 1,000 runs", "aim", "steps begun in the other process");
    for (String kind : List.of("redis", "postgres")) {
      double[] first = new double[ROUNDS];
      double[] all = new double[ROUNDS];
      long effects = 0;
      for (int round = 0; round < ROUNDS; round++) {
        long[] times = once(kind);
        first[round] = times[0] / 1_000.0;
        all[round] = times[1] / 1_000.0;
        effects = Math.max(effects, times[2]);
      }
      report.row(
          kind,
          Report.number(Report.median(first)) + " s",
          "under 11 s",
          Report.number(Report.median(all)) + " s",
          "under 15 s",
          effects + " of 1,000 at most, in every round");
    }
    report.line("");
    report.write(folder, "take-over.md");
  }

  /** Milliseconds to the first and to the last step, and how many steps were begun. */
  private static long[] once(String kind) throws Exception {
    try (Servers server = Servers.start(kind);
        StateStore store = Stores.open(server.address());
        AgentRuntime client =
            AgentRuntime.builder()
                .store(store)
                .maxConcurrentRuns(0)
                .agent(FleetWorker.holder(() -> {}))
                .start();
        ChildProcess dying = worker(server, "hold")) {
      dying.awaitLine("ready .*", Duration.ofSeconds(30));
      for (int i = 0; i < RUNS; i++) {
        client.submit(Submission.of(FleetWorker.HOLDER, i, Integer.class).build());
      }
      dying.awaitLine("done " + RUNS + " .*", Duration.ofMinutes(2));
      try (ChildProcess other = worker(server, "go")) {
        other.awaitLine("ready .*", Duration.ofSeconds(30));
        // it may judge others only when it was there for a whole expiry itself
        LockSupport.parkNanos(Duration.ofSeconds(12).toNanos());
        long killed = System.currentTimeMillis();
        dying.kill();
        other.awaitLine("done \\d+ \\d+ " + RUNS + " .*", Duration.ofMinutes(2));
        String line = other.awaitLine("done " + RUNS + " .*", Duration.ofSeconds(1));
        String[] words = line.split(" ", -1);
        for (ProcessView process : client.processes()) {
          System.out.println(process);
        }
        other.send("end");
        return new long[] {
          Long.parseLong(words[2]) - killed,
          Long.parseLong(words[4]) - killed,
          Long.parseLong(words[1])
        };
      }
    }
  }

  private static ChildProcess worker(Servers server, String what) {
    return ChildProcess.of(FleetWorker.class).args(server.address(), RUNS, what).start();
  }
}
