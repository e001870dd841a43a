package dev.troupe.runtime;

import static dev.troupe.runtime.Bench.SOON;
import static dev.troupe.runtime.Bench.agent;
import static dev.troupe.runtime.Bench.assertCode;
import static dev.troupe.runtime.Bench.awaitState;
import static dev.troupe.runtime.Bench.failure;
import static dev.troupe.runtime.Bench.named;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.agent.Call;
import dev.troupe.agent.Step;
import dev.troupe.agent.StepFailedException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** What a run does when a budget is spent, and to whose tree it belongs. */
final class SpentBudgetTest {
  private final Bench bench = new Bench();
  private final AtomicBoolean raised = new AtomicBoolean();

  private String spend() {
    if (!raised.get()) {
      bench.effect("refused");
      throw new AgentException(ErrorCode.BUDGET_EXCEEDED, "the budget of the tree is spent");
    }
    bench.effect("spent");
    return "done";
  }

  @Test
  void aRunWhoseBudgetIsSpentStopsAndGoesOnWhereItStood() throws Exception {
    AgentDefinition<String, String> spender =
        agent(
            "spender",
            String.class,
            (in, context) -> {
              String first =
                  context.step("first", String.class, a -> "first " + bench.effect("first"));
              return first + ", " + context.step("second", String.class, a -> spend());
            });
    try (AgentRuntime runtime = bench.start(spender)) {
      RunHandle<String> run = runtime.submit(named("spender", "r", String.class));
      assertCode(failure(run), ErrorCode.BUDGET_EXCEEDED);
      assertThat(runtime.run("r").orElseThrow().state()).isEqualTo(RunView.State.STOPPED);
      assertThat(bench.count("refused")).as("not tried again by itself").isEqualTo(1);
      raised.set(true);
      runtime.resume("r");
      assertThat(runtime.handle("r", String.class).await(SOON)).isEqualTo("first 1, done");
      assertThat(bench.count("first")).isEqualTo(1);
      assertThat(bench.count("spent")).isEqualTo(1);
    }
  }

  @Test
  void codeThatCatchesItDoesNotGoOn() throws Exception {
    AgentDefinition<String, String> stubborn =
        agent(
            "stubborn",
            String.class,
            (in, context) -> {
              try {
                return context.step(
                    Step.of("s", String.class).timeLimit(Duration.ofSeconds(5)).build(),
                    a -> spend());
              } catch (AgentException caught) {
                return context.step("instead", String.class, a -> "went on");
              }
            });
    try (AgentRuntime runtime = bench.start(stubborn)) {
      assertCode(
          failure(runtime.submit(named("stubborn", "r", String.class))), ErrorCode.BUDGET_EXCEEDED);
      awaitState(runtime, "r", RunView.State.STOPPED);
      raised.set(true);
      runtime.resume("r");
      assertThat(runtime.handle("r", String.class).await(SOON)).isEqualTo("done");
    }
  }

  @Test
  void aBranchThatSpendsTheRestStopsTheWholeRun() throws Exception {
    AgentDefinition<String, String> branching =
        agent(
            "branching",
            String.class,
            (in, context) ->
                String.join(
                    ",",
                    context.<String>all(
                        "both",
                        2,
                        List.of(
                            one -> one.step("cheap", String.class, a -> "c" + bench.effect("c")),
                            two -> two.step("dear", String.class, a -> spend())))));
    try (AgentRuntime runtime = bench.start(branching)) {
      assertCode(
          failure(runtime.submit(named("branching", "r", String.class))),
          ErrorCode.BUDGET_EXCEEDED);
      awaitState(runtime, "r", RunView.State.STOPPED);
      raised.set(true);
      runtime.resume("r");
      assertThat(runtime.handle("r", String.class).await(SOON)).endsWith(",done");
    }
  }

  /** Calls a child that spends, one in another partition that does, and spends nothing itself. */
  private AgentDefinition<String, String> caller() {
    return agent(
        "caller",
        String.class,
        (in, context) ->
            String.join(
                ",",
                context.<String>all(
                    "both",
                    2,
                    List.of(
                        one -> one.call("spender", in, String.class),
                        two ->
                            two.call(
                                Call.of("middle", in, String.class).key("elsewhere").build())))));
  }

  private AgentDefinition<String, String> middle() {
    return agent(
        "middle", String.class, (in, context) -> context.call("spender", in, String.class));
  }

  private AgentDefinition<String, String> spender() {
    return agent(
        "spender", String.class, (in, context) -> context.step("s", String.class, a -> spend()));
  }

  /** The ids of all runs of one agent that were stopped. */
  private List<String> awaitStopped(AgentRuntime runtime, int count) {
    Set<String> stopped = ConcurrentHashMap.newKeySet();
    Awaitility.await()
        .atMost(SOON)
        .until(
            () -> {
              bench.events.forEach(
                  event ->
                      runtime
                          .run(event.run())
                          .filter(view -> view.state() == RunView.State.STOPPED)
                          .ifPresent(view -> stopped.add(view.id())));
              return stopped.size() == count;
            });
    return List.copyOf(stopped);
  }

  @Test
  void aRootThatIsResumedTakesAlongWhatStoppedBelowItInAnyPartition() throws Exception {
    try (AgentRuntime runtime = bench.start(caller(), middle(), spender())) {
      RunHandle<String> run = runtime.submit(named("caller", "r", String.class));
      List<String> stopped = awaitStopped(runtime, 2);
      assertThat(stopped.stream().map(id -> bench.record(id).orElseThrow().id().partition()))
          .as("one lies elsewhere")
          .doesNotHaveDuplicates();
      assertThat(runtime.run("r").orElseThrow().state()).isNotEqualTo(RunView.State.STOPPED);
      raised.set(true);
      runtime.resume("r");
      assertThat(run.await(SOON)).isEqualTo("done,done");
      assertThat(bench.count("spent")).isEqualTo(2);
      assertThat(bench.count("refused")).isEqualTo(2);
      assertCode(
          catchThrowableOfType(AgentException.class, () -> runtime.resume("r")),
          ErrorCode.INVALID_INPUT);
    }
  }

  @Test
  void aRootThatStoppedItselfAndItsChildrenGoOnByOneCall() throws Exception {
    AgentDefinition<String, String> both =
        agent(
            "both",
            String.class,
            (in, context) ->
                String.join(
                    ",",
                    context.<String>all(
                        "both",
                        2,
                        List.of(
                            one -> one.call("spender", in, String.class),
                            two -> {
                              two.awaitSignal("go", String.class);
                              return two.step("own", String.class, a -> spend());
                            }))));
    try (AgentRuntime runtime = bench.start(both, spender())) {
      runtime.submit(named("both", "r", String.class));
      awaitStopped(runtime, 1);
      runtime.signal("r", "go", "1", "on");
      awaitStopped(runtime, 2);
      awaitState(runtime, "r", RunView.State.STOPPED);
      runtime.resume("r"); // nobody raised it: all stop again, and nothing is lost
      Awaitility.await().atMost(SOON).until(() -> bench.count("refused") == 4);
      awaitState(runtime, "r", RunView.State.STOPPED);
      awaitStopped(runtime, 2);
      raised.set(true);
      runtime.resume("r");
      assertThat(runtime.handle("r", String.class).await(SOON)).isEqualTo("done,done");
      assertThat(bench.count("spent")).isEqualTo(2);
    }
  }

  @Test
  void whatStoppedBelowARootForAnotherReasonWaitsForItsOwnMending() throws Exception {
    AgentDefinition<String, String> waits =
        agent("caller", String.class, (in, context) -> context.call("bad", in, String.class));
    AtomicBoolean mended = new AtomicBoolean();
    AgentDefinition<String, String> bad =
        agent(
            "bad",
            String.class,
            (in, context) -> {
              if (!mended.get()) {
                throw new AgentException(ErrorCode.UNDECODABLE, "what was written is not readable");
              }
              return context.step("s", String.class, a -> "mended");
            });
    try (AgentRuntime runtime = bench.start(waits, bad)) {
      RunHandle<String> run = runtime.submit(named("caller", "r", String.class));
      String child = awaitStopped(runtime, 1).get(0);
      AgentException nothing =
          catchThrowableOfType(AgentException.class, () -> runtime.resume("r"));
      assertCode(nothing, ErrorCode.INVALID_INPUT);
      assertThat(nothing).hasMessageContaining("run r").hasMessageContaining("nothing to resume");
      mended.set(true);
      runtime.resume(child);
      assertThat(run.await(SOON)).isEqualTo("mended");
    }
  }

  @Test
  void everyRunOfATreeKnowsItsRootAndItsTenant() throws Exception {
    AgentDefinition<String, String> leaf =
        agent("leaf", String.class, (in, context) -> context.rootId() + " " + context.tenant());
    AgentDefinition<String, String> middle =
        agent(
            "middle",
            String.class,
            (in, context) ->
                context.rootId()
                    + "|"
                    + context.call("leaf", in, String.class)
                    + "|"
                    + context.call(Call.of("leaf", in, String.class).key("k").build()));
    AgentDefinition<String, String> top =
        agent(
            "top",
            String.class,
            (in, context) ->
                context.rootId()
                    + "|"
                    + context.call(Call.of("middle", in, String.class).key("elsewhere").build()));
    try (AgentRuntime runtime = bench.start(leaf, middle, top)) {
      String said =
          runtime
              .submit(Submission.of("top", "in", String.class).id("r").tenant("acme").build())
              .await(SOON);
      assertThat(said).isEqualTo("r|r|r acme|r acme");
    }
  }

  @Test
  void aFailedStepKeepsItsOwnCode() throws Exception {
    AgentDefinition<String, String> failing =
        agent(
            "failing",
            String.class,
            (in, context) -> {
              try {
                return context.step(
                    "s",
                    String.class,
                    a -> {
                      throw new AgentException(ErrorCode.QUOTA_SPENT, "nothing left there");
                    });
              } catch (StepFailedException e) {
                return e.failure().kind();
              }
            });
    try (AgentRuntime runtime = bench.start(failing)) {
      assertThat(runtime.submit(named("failing", "r", String.class)).await(SOON))
          .isEqualTo("QUOTA_SPENT");
    }
  }
}
