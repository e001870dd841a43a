package dev.troupe.llm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.agent.Agent;
import dev.troupe.agent.AgentContext;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.agent.Branch;
import dev.troupe.runtime.AgentRuntime;
import dev.troupe.runtime.RunHandle;
import dev.troupe.runtime.RunView;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.StateStore;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Runs whose steps are charged, as those are that call models. */
@Timeout(60)
class BudgetedRunTest {
  private static final Duration SOON = Duration.ofSeconds(20);

  private final StateStore store = new MemoryStateStore();
  private final AtomicInteger calls = new AtomicInteger();

  private AgentRuntime start(AgentDefinition<?, ?>... agents) {
    AgentRuntime.Builder builder =
        AgentRuntime.builder().store(store).pollInterval(Duration.ofMillis(20));
    List.of(agents).forEach(builder::agent);
    return builder.start();
  }

  private static AgentDefinition<String, Integer> agent(String name, Agent<String, Integer> code) {
    return AgentDefinition.of(name, String.class, Integer.class, code).build();
  }

  private int call(AgentContext context, Budgets budgets, int n) {
    return context.step(
        "call " + n,
        Integer.class,
        attempt -> {
          Budgets.Charge charge = budgets.charge(context.rootId(), context.tenant(), 100, 0, null);
          calls.incrementAndGet();
          charge.used(100, 0, null);
          return n;
        });
  }

  private static void awaitStopped(AgentRuntime runtime, String run) {
    Awaitility.await()
        .atMost(SOON)
        .until(
            () ->
                runtime.run(run).filter(view -> view.state() == RunView.State.STOPPED).isPresent());
  }

  @Test
  void aRunThatSpentItsBudgetStopsAndGoesOnWhereItStoodWhenTheBudgetWasRaised() throws Exception {
    try (Budgets budgets = Budgets.over(store).perRun(Budget.ofTokens(250)).build();
        AgentRuntime runtime =
            start(
                agent(
                    "caller",
                    (input, context) ->
                        IntStream.range(0, 5).map(n -> call(context, budgets, n)).sum()))) {
      RunHandle<Integer> run = runtime.submit("caller", "go", Integer.class);
      awaitStopped(runtime, run.id());
      assertThat(calls).hasValue(2);
      budgets.raise(run.id(), Budget.ofTokens(250));
      runtime.resume(run.id());
      assertThat(runtime.handle(run.id(), Integer.class).await(SOON)).isEqualTo(10);
      assertThat(calls).as("no call was made again").hasValue(5);
      assertThat(budgets.usage(run.id()))
          .isEqualTo(new Usage(5, 500, 0, java.math.BigDecimal.ZERO));
    }
  }

  @Test
  void fanOutDoesNotEscapeTheBudgetOfTheTree() {
    try (Budgets budgets = Budgets.over(store).perRun(Budget.ofTokens(350)).build();
        AgentRuntime runtime =
            start(
                agent("child", (input, context) -> call(context, budgets, 1)),
                agent(
                    "parent",
                    (input, context) ->
                        context
                            .all(
                                "many",
                                8,
                                IntStream.range(0, 8)
                                    .<Branch<Integer>>mapToObj(
                                        n -> branch -> branch.call("child", "" + n, Integer.class))
                                    .toList())
                            .size()))) {
      RunHandle<Integer> run = runtime.submit("parent", "go", Integer.class);
      Awaitility.await()
          .atMost(SOON)
          .untilAsserted(() -> assertThat(budgets.usage(run.id()).tokens()).isEqualTo(300));
      assertThat(calls).hasValue(3);
      run.cancel("seen");
    }
  }

  @Test
  void aStoppedTreeGoesOnWhenItIsAllowed() throws Exception {
    try (Budgets budgets = Budgets.over(store).build();
        AgentRuntime runtime =
            start(agent("caller", (input, context) -> call(context, budgets, 7)))) {
      budgets.stop(BudgetScope.fleet(), "ann", "too much");
      RunHandle<Integer> run = runtime.submit("caller", "go", Integer.class);
      awaitStopped(runtime, run.id());
      assertThat(calls).hasValue(0);
      budgets.allow(BudgetScope.fleet(), "ann", "enough seen");
      runtime.resume(run.id());
      assertThat(runtime.handle(run.id(), Integer.class).await(SOON)).isEqualTo(7);
    }
  }
}
