package dev.troupe.examples.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.examples.party.Stores;
import dev.troupe.runtime.AgentRuntime;
import dev.troupe.runtime.RunHandle;
import dev.troupe.runtime.Submission;
import dev.troupe.state.StateStore;
import dev.troupe.testkit.ChildProcess;
import java.time.Duration;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A fleet that comes back after a long absence finds very much to do. */
@Tag("chaos")
@Timeout(600)
class BacklogTest {
  private static final int BACKLOG = 100_000;

  @ParameterizedTest
  @ValueSource(strings = {"redis", "postgres"})
  void aSmallProcessWorksOffAHundredThousandRunsAndTakesUrgentOnesFirst(String kind)
      throws Exception {
    try (Servers server = Servers.start(kind);
        StateStore store = Stores.open(server.address());
        AgentRuntime client =
            AgentRuntime.builder()
                .store(store)
                .maxConcurrentRuns(0)
                .agent(FleetWorker.holder(() -> {}))
                .start()) {
      IntStream.range(0, BACKLOG)
          .parallel()
          .forEach(i -> client.submit(Submission.of(FleetWorker.HOLDER, i, Integer.class).build()));
      try (ChildProcess worker =
          ChildProcess.of(FleetWorker.class)
              .jvm("-Xmx64m", "-XX:+ExitOnOutOfMemoryError")
              .args(server.address(), 16, "go")
              .start()) {
        worker.awaitLine("done [1-9]\\d* .*", Duration.ofSeconds(60));
        RunHandle<Integer> urgent =
            client.submit(Submission.of(FleetWorker.HOLDER, -1, Integer.class).priority(2).build());
        assertThat(urgent.await(Duration.ofSeconds(10))).isEqualTo(-1);
        assertThat(ParkedReport.told(worker)[0]).as("ended before it").isLessThan(BACKLOG);

        worker.awaitLine("done \\d+ \\d+ " + (BACKLOG + 1) + " .*", Duration.ofMinutes(8));
        worker.send("end");
        assertThat(worker.awaitExit(Duration.ofSeconds(30))).isZero();
      }
    }
  }
}
