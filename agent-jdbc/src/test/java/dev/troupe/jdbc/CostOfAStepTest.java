package dev.troupe.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.agent.AgentDefinition;
import dev.troupe.runtime.AgentRuntime;
import dev.troupe.runtime.RunHandle;
import dev.troupe.state.Change;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.Outcome;
import dev.troupe.state.Page;
import dev.troupe.state.Scan;
import dev.troupe.state.StateStore;
import dev.troupe.state.Stored;
import dev.troupe.testkit.ForwardingStore;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a step costs, counted: exact on any machine. */
@Timeout(120)
class CostOfAStepTest {
  private static final int STEPS = 200;

  @TempDir Path folder;

  /** Counts what reaches the store. */
  private static final class Counting extends ForwardingStore {
    final AtomicLong writes = new AtomicLong();
    final AtomicLong reads = new AtomicLong();

    Counting(StateStore store) {
      super(store);
    }

    @Override
    public List<Outcome> apply(List<Change> changes) {
      writes.incrementAndGet();
      return super.apply(changes);
    }

    @Override
    public Page<Stored> scan(Scan scan) {
      reads.incrementAndGet();
      return super.scan(scan);
    }
  }

  private static void run(StateStore store, int runs) throws InterruptedException {
    try (AgentRuntime runtime =
        AgentRuntime.builder()
            .store(store)
            .maxConcurrentRuns(64)
            .retention(null)
            .pollInterval(Duration.ofSeconds(5))
            .agent(
                AgentDefinition.of(
                        "steps",
                        Integer.class,
                        Integer.class,
                        (in, context) -> {
                          for (int i = 0; i < STEPS; i++) {
                            context.step("step", Integer.class, attempt -> 1);
                          }
                          return in;
                        })
                    .build())
            .start()) {
      List<RunHandle<Integer>> handles = new ArrayList<>();
      for (int i = 0; i < runs; i++) {
        handles.add(runtime.submit("steps", i, Integer.class));
      }
      for (RunHandle<Integer> handle : handles) {
        handle.await();
      }
    }
  }

  @Test
  void aStepOfALoneRunIsOneCallOfTheStoreAndNoRead() throws Exception {
    Counting store = new Counting(new MemoryStateStore());
    run(store, 1);
    // announcing the process, submitting, ending, leaving: once each
    assertThat(store.writes.get()).isEqualTo(STEPS + 4);
    assertThat(store.reads.get()).as("handles look once when made").isLessThanOrEqualTo(2);
  }

  @Test
  void sixtyFourRunsShareTheirSyncs() throws Exception {
    try (SqliteStateStore sqlite = SqliteStateStore.open(folder.resolve("runs.db"))) {
      Counting store = new Counting(sqlite);
      run(store, 64);
      // with synchronous=FULL a commit syncs the log once, and a list of changes is one commit
      double syncs = (double) store.writes.get() / (64 * STEPS);
      System.out.printf("64 runs on SQLite: %.3f commits a step%n", syncs);
      assertThat(syncs).isLessThanOrEqualTo(0.1);
    }
  }
}
