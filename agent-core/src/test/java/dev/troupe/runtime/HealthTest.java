package dev.troupe.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.agent.Agent;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.agent.Step;
import dev.troupe.event.EventBus;
import dev.troupe.resilience.RetryPolicy;
import dev.troupe.state.Claim;
import dev.troupe.state.Grant;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.StateStore;
import dev.troupe.state.Stored;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a runtime tells of itself, and agents that give no sign of life. */
@Timeout(60)
class HealthTest {
  private static final Duration SOON = Duration.ofSeconds(20);

  private final MemoryStateStore memory = new MemoryStateStore();
  private final AtomicBoolean away = new AtomicBoolean();
  private final MeterRegistry meters = new SimpleMeterRegistry();
  private final CountDownLatch release = new CountDownLatch(1);

  /** The store, which can be away. */
  private StateStore store() {
    return (StateStore)
        Proxy.newProxyInstance(
            StateStore.class.getClassLoader(),
            new Class<?>[] {StateStore.class},
            (proxy, method, args) -> {
              if (away.get() && !method.getName().equals("info")) {
                throw new AgentException(ErrorCode.STORE_UNAVAILABLE, "away, on purpose");
              }
              try {
                return method.invoke(memory, args);
              } catch (InvocationTargetException e) {
                throw e.getTargetException();
              }
            });
  }

  private AgentRuntime start(AgentDefinition<?, ?> agent) {
    return AgentRuntime.builder()
        .store(store())
        .meterRegistry(meters)
        .agent(agent)
        .endGrace(Duration.ofMillis(300))
        .shutdownGrace(Duration.ofMillis(100))
        .pollInterval(Duration.ofMillis(20))
        .maxTakeOvers(2)
        .start();
  }

  private static AgentDefinition.Builder<String, String> agent(Agent<String, String> code) {
    return AgentDefinition.of("a", String.class, String.class, code).retry(RetryPolicy.none());
  }

  private double counted(String name, String... tags) {
    var counter = meters.find(name).tags(tags).counter();
    return counter == null ? 0 : counter.count();
  }

  private void ignoreInterruptions() {
    while (release.getCount() > 0) {
      try {
        release.await();
      } catch (InterruptedException ignoredOnPurpose) {
        continue;
      }
    }
  }

  @Test
  void aRuntimeIsUpUntilItIsClosed() {
    AgentRuntime runtime = start(agent((in, context) -> in).build());
    assertThat(runtime.health()).isEqualTo(new RuntimeHealth(RuntimeHealth.State.UP, List.of()));
    assertThat(meters.get("troupe.health").gauge().value()).isEqualTo(2);
    assertThat(meters.get("troupe.runs.capacity").gauge().value()).isEqualTo(64);
    runtime.close();
    assertThat(runtime.health().state()).isEqualTo(RuntimeHealth.State.DOWN);
    assertThat(runtime.health().problems()).containsExactly("the runtime was closed");
    assertThat(meters.find("troupe.health").gauge()).isNull();
  }

  @Test
  void aStoreThatIsAwayIsNoReasonToRestart() {
    try (AgentRuntime runtime = start(agent((in, context) -> in).build())) {
      away.set(true);
      Awaitility.await()
          .atMost(SOON)
          .until(() -> runtime.health().state() == RuntimeHealth.State.DEGRADED);
      assertThat(runtime.health().problems())
          .containsExactly("no runs can be taken from the store");
      away.set(false);
      Awaitility.await()
          .atMost(SOON)
          .until(() -> runtime.health().state() == RuntimeHealth.State.UP);
    }
  }

  @Test
  void aBusThatHasAProblemShows() {
    StateStore store = store();
    try (EventBus bus = EventBus.over(store);
        AgentRuntime runtime = AgentRuntime.builder().store(store).events(bus).start()) {
      bus.subscribe("t", "g").start((event, context) -> {});
      away.set(true);
      Awaitility.await()
          .atMost(SOON)
          .until(
              () ->
                  runtime.health().problems().stream()
                      .anyMatch(problem -> problem.startsWith("group g gets no events")));
      assertThat(runtime.health().state()).isEqualTo(RuntimeHealth.State.DEGRADED);
      away.set(false);
      Awaitility.await()
          .atMost(SOON)
          .until(() -> runtime.health().state() == RuntimeHealth.State.UP);
    }
  }

  @Test
  void anAgentWithoutMemoryFailsItsStepAndMakesTheProcessUnhealthy() throws Exception {
    try (AgentRuntime runtime =
        start(
            agent(
                    (in, context) ->
                        context.step(
                            "greedy",
                            String.class,
                            attempt -> {
                              throw new OutOfMemoryError("on purpose");
                            }))
                .build())) {
      RunHandle<String> run = runtime.submit("a", "", String.class);
      assertThatThrownBy(() -> run.await(SOON))
          .isInstanceOfSatisfying(
              AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.RUN_FAILED));
      assertThat(runtime.health().state()).isEqualTo(RuntimeHealth.State.DOWN);
      assertThat(runtime.health().problems())
          .containsExactly("the JVM is short of something it needs: OutOfMemoryError");
    }
  }

  @Test
  void whatHappensIsCounted() throws Exception {
    AtomicInteger tries = new AtomicInteger();
    try (AgentRuntime runtime =
        start(
            agent(
                    (in, context) ->
                        context.step(
                            Step.of("twice", String.class)
                                .retry(RetryPolicy.fixed(2, Duration.ofMillis(5)))
                                .build(),
                            attempt -> {
                              if (tries.incrementAndGet() == 1) {
                                throw new IllegalStateException("on purpose");
                              }
                              return in;
                            }))
                .build())) {
      runtime.submit("a", "x", String.class).await(SOON);
      Awaitility.await()
          .atMost(SOON)
          .until(() -> counted("troupe.runs.ended", "agent", "a", "state", "succeeded") == 1);
      assertThat(counted("troupe.runs.started", "agent", "a", "again", "false")).isEqualTo(1);
      assertThat(counted("troupe.steps.failed", "agent", "a", "last", "false")).isEqualTo(1);
      assertThat(meters.get("troupe.steps").tag("agent", "a").timer().count()).isEqualTo(1);
    }
  }

  @Test
  void aRefusedWriteIsCountedAndTheRunLetGo() throws Exception {
    CountDownLatch inside = new CountDownLatch(1);
    try (AgentRuntime runtime =
        start(
            agent(
                    (in, context) ->
                        context.step(
                            "slow",
                            String.class,
                            attempt -> {
                              inside.countDown();
                              release.await();
                              return in;
                            }))
                .build())) {
      RunHandle<String> run = runtime.submit("a", "x", String.class);
      assertThat(inside.await(20, TimeUnit.SECONDS)).isTrue();
      String holder = heldBy(run.id());
      Claim.From from = new Claim.From.HeldBy(holder, Set.of());
      Grant thief = new Grant("another", 1);
      List<Stored> stolen =
          memory.claim(new Claim(thief, from, memory.info().all(), 9, Integer.MAX_VALUE));
      assertThat(stolen).extracting(r -> r.id().key()).contains(run.id());
      release.countDown();
      Awaitility.await()
          .atMost(SOON)
          .until(() -> counted("troupe.runs.let.go", "agent", "a", "reason", "fenced") == 1);
      assertThat(runtime.run(run.id()).orElseThrow().state()).isEqualTo(RunView.State.RUNNING);
    }
  }

  private String heldBy(String run) {
    var id = dev.troupe.state.RecordId.of(run, memory.info().partitions());
    Stored record = memory.scan(dev.troupe.state.Scan.whole(id)).items().get(0);
    return ((dev.troupe.state.Place.Held) record.place()).grant().holder();
  }

  @Test
  @Tag("guarantee-11")
  void anAgentThatHangsIsBegunAgainAndItsOldThreadChangesNothing() throws Exception {
    AtomicInteger executions = new AtomicInteger();
    AtomicInteger second = new AtomicInteger();
    try (AgentRuntime runtime =
        start(
            agent(
                    (in, context) -> {
                      String first = context.step("first", String.class, attempt -> "1");
                      int execution = executions.incrementAndGet();
                      String text =
                          context.step(
                              "second",
                              String.class,
                              attempt -> {
                                second.incrementAndGet();
                                if (execution == 1) {
                                  ignoreInterruptions();
                                  return "late";
                                }
                                return "in time";
                              });
                      return first + text;
                    })
                .stuckAfter(Duration.ofMillis(300))
                .build())) {
      RunHandle<String> run = runtime.submit("a", "x", String.class);
      assertThat(run.await(SOON)).isEqualTo("1in time");
      assertThat(counted("troupe.runs.let.go", "agent", "a", "reason", "stuck")).isEqualTo(1);
      assertThat(runtime.health().state()).isEqualTo(RuntimeHealth.State.DEGRADED);
      assertThat(runtime.health().problems())
          .containsExactly("run " + run.id() + " gave no sign of life and was begun again");
      release.countDown();
      assertThat(second).hasValue(2);
      assertThat(runtime.run(run.id()).orElseThrow().state()).isEqualTo(RunView.State.SUCCEEDED);
    } finally {
      release.countDown();
    }
  }

  @Test
  @Tag("guarantee-11")
  void anAgentThatHangsEachTimeFails() throws Exception {
    AtomicInteger executions = new AtomicInteger();
    try (AgentRuntime runtime =
        start(
            agent(
                    (in, context) -> {
                      executions.incrementAndGet();
                      ignoreInterruptions(); // without a step: nothing of the library is called
                      return "late";
                    })
                .stuckAfter(Duration.ofMillis(200))
                .build())) {
      RunHandle<String> run = runtime.submit("a", "x", String.class);
      assertThatThrownBy(() -> run.await(SOON))
          .isInstanceOfSatisfying(
              AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.POISONED));
      assertThat(executions).hasValue(4); // three, and one to undo what they did
    } finally {
      release.countDown();
    }
  }

  @Test
  @Tag("guarantee-11")
  void whoWaitsIsNotStuck() throws Exception {
    try (AgentRuntime runtime =
        start(
            agent(
                    (in, context) -> {
                      context.sleep(Duration.ofMillis(900));
                      return in;
                    })
                .stuckAfter(Duration.ofMillis(200))
                .build())) {
      assertThat(runtime.submit("a", "x", String.class).await(SOON)).isEqualTo("x");
      assertThat(counted("troupe.runs.let.go", "agent", "a", "reason", "stuck")).isZero();
    }
  }
}
