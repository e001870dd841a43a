package dev.troupe.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.agent.Agent;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.resilience.RetryPolicy;
import dev.troupe.run.Runs;
import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.Outcome;
import dev.troupe.state.RecordId;
import dev.troupe.state.Scan;
import dev.troupe.state.StateStore;
import dev.troupe.state.Stored;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.awaitility.Awaitility;

/** What tests of the runtime share: a store, impatient options, and a count of effects. */
final class Bench {
  static final Duration SOON = Duration.ofSeconds(20);
  static final RetryPolicy QUICK = RetryPolicy.fixed(3, Duration.ofMillis(5));

  final StateStore store;
  final List<RunEvent> events = new CopyOnWriteArrayList<>();
  private final Map<String, AtomicInteger> effects = new ConcurrentHashMap<>();
  private final AtomicInteger changes = new AtomicInteger();

  Bench() {
    this(new MemoryStateStore());
  }

  Bench(StateStore store) {
    this.store = store;
  }

  int effect(String name) {
    return effects.computeIfAbsent(name, n -> new AtomicInteger()).incrementAndGet();
  }

  int count(String name) {
    AtomicInteger count = effects.get(name);
    return count == null ? 0 : count.get();
  }

  Map<String, AtomicInteger> effects() {
    return effects;
  }

  AgentRuntime start(AgentDefinition<?, ?>... agents) {
    return start(b -> {}, agents);
  }

  AgentRuntime start(Consumer<AgentRuntime.Builder> options, AgentDefinition<?, ?>... agents) {
    return startOn(store, options, agents);
  }

  AgentRuntime startOn(
      StateStore on, Consumer<AgentRuntime.Builder> options, AgentDefinition<?, ?>... agents) {
    AgentRuntime.Builder builder =
        AgentRuntime.builder()
            .store(on)
            .listener(events::add)
            .endGrace(Duration.ofMillis(300))
            .shutdownGrace(Duration.ofMillis(300))
            .pollInterval(Duration.ofMillis(20));
    for (AgentDefinition<?, ?> agent : agents) {
      builder.agent(agent);
    }
    options.accept(builder);
    return builder.start();
  }

  static <O> AgentDefinition<String, O> agent(String name, Class<O> output, Agent<String, O> code) {
    return AgentDefinition.of(name, String.class, output, code).retry(QUICK).build();
  }

  /** An agent without effects. */
  static AgentDefinition<String, String> echo() {
    return agent("echo", String.class, (in, context) -> in);
  }

  /** An agent that waits for the signal 'go' and gives back what came with it. */
  static AgentDefinition<String, String> waiter() {
    return agent("waiter", String.class, (in, context) -> context.awaitSignal("go", String.class));
  }

  static <O> Submission<O> named(String agent, String id, Class<O> output) {
    return Submission.of(agent, "in", output).id(id).build();
  }

  static AgentException failure(RunHandle<?> run) {
    return failure(run, SOON);
  }

  static AgentException failure(RunHandle<?> run, Duration within) {
    AgentException failure = catchThrowableOfType(AgentException.class, () -> run.await(within));
    assertThat(failure).as("run %s", run.id()).isNotNull();
    return failure;
  }

  static void assertCode(AgentException failure, ErrorCode code) {
    assertThat(failure.code()).as("%s", failure).isEqualTo(code);
  }

  static void awaitState(AgentRuntime runtime, String run, RunView.State state) {
    Awaitility.await()
        .atMost(SOON)
        .pollDelay(Duration.ZERO)
        .pollInterval(Duration.ofMillis(5))
        .untilAsserted(
            () ->
                assertThat(runtime.run(run).map(RunView::state)).as("run %s", run).contains(state));
  }

  /** As {@link #awaitState}, for many runs: {@code %d} in the pattern counts from 0. */
  static void awaitStates(AgentRuntime runtime, String pattern, int count, RunView.State state) {
    AtomicInteger reached = new AtomicInteger();
    Awaitility.await()
        .atMost(SOON)
        .pollDelay(Duration.ZERO)
        .pollInterval(Duration.ofMillis(5))
        .until(
            () -> {
              for (int i = reached.get(); i < count; i++) {
                if (runtime.run(pattern.formatted(i)).filter(v -> v.state() == state).isEmpty()) {
                  return false;
                }
                reached.set(i);
              }
              return true;
            });
  }

  /** Waits as long as it takes, whoever interrupts. */
  static void hang(CountDownLatch latch) {
    while (true) {
      try {
        latch.await();
        return;
      } catch (InterruptedException ignoredOnPurpose) {
        // that is what hanging means here
      }
    }
  }

  /** Writes past the runtime, as another process or a fault would. */
  Outcome tamper(String key, Edit... edits) {
    RecordId id = RecordId.of(key, store.info().partitions());
    return store
        .apply(
            List.of(
                new Change("tamper-" + changes.incrementAndGet(), id.partition(), List.of(edits))))
        .get(0);
  }

  void damageRow(String run, String row, String content) {
    assertThat(tamper(run, new Edit.Row(run, row, content.getBytes(StandardCharsets.UTF_8))))
        .isInstanceOf(Outcome.Done.class);
  }

  void damageHeader(String run) {
    Stored before = record(run).orElseThrow();
    byte[] broken = "{broken".getBytes(StandardCharsets.UTF_8);
    assertThat(tamper(run, new Edit.Put(run, broken, before.tags(), null)))
        .isInstanceOf(Outcome.Done.class);
  }

  /** Sends a signal that no process here is told of. */
  void signalPast(String run, String name, String id) {
    RecordId record = RecordId.of(run, store.info().partitions());
    byte[] payload = "\"past\"".getBytes(StandardCharsets.UTF_8);
    assertThat(
            store.apply(
                List.of(
                    Runs.signal("past-" + changes.incrementAndGet(), record, name, id, payload))))
        .hasSize(1);
  }

  java.util.Optional<Stored> record(String key) {
    return store.scan(Scan.whole(RecordId.of(key, store.info().partitions()))).items().stream()
        .findFirst();
  }
}
