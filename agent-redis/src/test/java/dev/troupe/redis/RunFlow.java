package dev.troupe.redis;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.AgentException;
import dev.troupe.Codec;
import dev.troupe.agent.AgentContext;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.agent.StepAttempt;
import dev.troupe.runtime.AgentRuntime;
import dev.troupe.runtime.RunView;
import dev.troupe.runtime.Submission;
import dev.troupe.state.StateStore;
import dev.troupe.testkit.History;
import dev.troupe.testkit.HistoryReport;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/** Runs of some steps that two processes execute, each with a store of its own, all noted. */
final class RunFlow implements AutoCloseable {
  /** How many runs are executed at a time. */
  static final int TOGETHER = 40;

  private static final int STEPS = 8;
  private static final Duration LONG = Duration.ofSeconds(120);

  private final Path folder;
  private final StateStore store;
  private final History.Writer first;
  private final History.Writer second;
  private final AgentRuntime one;
  private final AgentRuntime two;
  private final List<String> ids = new ArrayList<>();
  private final AtomicInteger made = new AtomicInteger();
  private volatile boolean held;

  RunFlow(Path folder, StateStore store, StateStore other) {
    this.folder = folder;
    this.store = store;
    first = History.Writer.open(folder, "one");
    second = History.Writer.open(folder, "two");
    one = runtime(store, first);
    two = runtime(other, second);
  }

  private AgentRuntime runtime(StateStore store, History.Writer history) {
    return AgentRuntime.builder()
        .store(store)
        .maxConcurrentRuns(TOGETHER / 2)
        .listener(history.listener())
        .agent(
            AgentDefinition.of(
                    "steps", Integer.class, Integer.class, (n, context) -> sum(n, context, history))
                .build())
        .start();
  }

  private int sum(int number, AgentContext context, History.Writer history) {
    int sum = 0;
    for (int i = 1; i <= STEPS; i++) {
      String path = "step#" + i;
      sum +=
          context.step(
              "step", Integer.class, attempt -> effect(number, context, history, path, attempt));
    }
    return sum;
  }

  private int effect(
      int number, AgentContext context, History.Writer history, String path, StepAttempt attempt)
      throws InterruptedException {
    history.begin(context.runId(), path, attempt.number());
    do {
      TimeUnit.MILLISECONDS.sleep(20);
    } while (held);
    history.end(context.runId(), path, attempt.number());
    made.incrementAndGet();
    return number;
  }

  /** Submits so many more, each until it was accepted; steps begin to end when all are. */
  void submit(int more) {
    held = true;
    for (int i = 0; i < more; i++) {
      int number = ids.size();
      String id = "run-" + number;
      ids.add(id);
      first.submitting(id, null);
      Submission<Integer> run = Submission.of("steps", number, Integer.class).id(id).build();
      while (!submitted(run)) {
        LockSupport.parkNanos(5_000_000);
      }
      first.submitted(id);
    }
    held = false;
  }

  private boolean submitted(Submission<Integer> run) {
    try {
      one.submit(run);
      return true;
    } catch (AgentException e) {
      if (!e.retryable()) {
        throw e;
      }
      return false;
    }
  }

  /** Waits until so many more steps were made. */
  void goOn(int steps) {
    int before = made.get();
    RedisFixture.patiently().atMost(LONG).until(() -> made.get() >= before + steps);
  }

  /** Whether there is more to do. */
  boolean busy() {
    return made.get() < ids.size() * STEPS;
  }

  /** Waits for all results, looks into the store, and checks what was noted. */
  HistoryReport finish() throws InterruptedException {
    for (int i = 0; i < ids.size(); i++) {
      assertThat(two.handle(ids.get(i), Integer.class).await(LONG)).isEqualTo(STEPS * i);
    }
    close();
    for (String id : ids) {
      RunView view = RunView.read(store, Codec.json(), id).orElseThrow();
      assertThat(view.state()).isEqualTo(RunView.State.SUCCEEDED);
      first.outcome(id, view.state(), null);
    }
    first.close();
    second.close();
    return History.check(History.files(folder));
  }

  @Override
  public void close() {
    one.close();
    two.close();
  }
}
