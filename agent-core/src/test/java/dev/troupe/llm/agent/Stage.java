package dev.troupe.llm.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.troupe.AgentException;
import dev.troupe.Codec;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.llm.GovernedModel;
import dev.troupe.resilience.RetryPolicy;
import dev.troupe.runtime.AgentRuntime;
import dev.troupe.runtime.RunHandle;
import dev.troupe.runtime.RunView;
import dev.troupe.runtime.Submission;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.StateStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import org.awaitility.Awaitility;

/** What the tests of agents share: a store, a runtime on it, and runs of an agent. */
final class Stage implements AutoCloseable {
  static final Duration SOON = Duration.ofSeconds(30);
  static final String RUN = "run";

  final StateStore store = new MemoryStateStore();
  private final List<AgentRuntime> runtimes = new ArrayList<>();

  static <O> LlmAgent.Builder<String, O> agent(Script script, Class<O> output) {
    GovernedModel model =
        GovernedModel.builder(script)
            .retry(RetryPolicy.none())
            .durableRetry(RetryPolicy.none())
            .build();
    return LlmAgent.of(model, String.class, output);
  }

  static LlmAgent.Builder<String, String> agent(Script script) {
    return agent(script, String.class);
  }

  static <O> AgentDefinition<String, O> definition(LlmAgent<String, O> agent, Class<O> output) {
    return AgentDefinition.of("agent", String.class, output, agent)
        .retry(RetryPolicy.fixed(2, Duration.ofMillis(1)))
        .build();
  }

  static AgentDefinition<String, String> definition(LlmAgent<String, String> agent) {
    return definition(agent, String.class);
  }

  AgentRuntime start(StateStore on, Consumer<AgentRuntime.Builder> options) {
    AgentRuntime.Builder builder =
        AgentRuntime.builder()
            .store(on)
            .hotWait(Duration.ZERO)
            .pollInterval(Duration.ofMillis(5))
            .shutdownGrace(Duration.ZERO)
            .endGrace(Duration.ofMillis(300));
    options.accept(builder);
    AgentRuntime runtime = builder.start();
    runtimes.add(runtime);
    return runtime;
  }

  AgentRuntime start(AgentDefinition<?, ?>... agents) {
    return start(
        store,
        builder -> {
          for (AgentDefinition<?, ?> agent : agents) {
            builder.agent(agent);
          }
        });
  }

  static <O> RunHandle<O> submit(AgentRuntime runtime, Class<O> output) {
    return runtime.submit(Submission.of("agent", "hello", output).id(RUN).build());
  }

  /** Runs an agent to its end. */
  String run(LlmAgent.Builder<String, String> agent) throws InterruptedException {
    return run(agent, String.class);
  }

  <O> O run(LlmAgent.Builder<String, O> agent, Class<O> output) throws InterruptedException {
    return submit(start(definition(agent.build(), output)), output).await(SOON);
  }

  /** Runs an agent that fails, or is stopped. */
  AgentException failure(LlmAgent.Builder<String, ?> agent) {
    return failure(agent, String.class);
  }

  @SuppressWarnings("unchecked")
  <O> AgentException failure(LlmAgent.Builder<String, ?> agent, Class<O> output) {
    LlmAgent.Builder<String, O> typed = (LlmAgent.Builder<String, O>) agent;
    RunHandle<O> run = submit(start(definition(typed.build(), output)), output);
    return failure(run);
  }

  static AgentException failure(RunHandle<?> run) {
    AgentException failure = catchThrowableOfType(AgentException.class, () -> run.await(SOON));
    assertThat(failure).as("the run's failure").isNotNull();
    return failure;
  }

  /** How the run ended. */
  String kind(AgentRuntime runtime) {
    return runtime.run(RUN).orElseThrow().failure().orElseThrow().kind();
  }

  ApprovalDesk desk(AgentRuntime runtime) {
    return ApprovalDesk.of(runtime, store, Codec.json());
  }

  static void awaitState(AgentRuntime runtime, RunView.State state) {
    until(() -> runtime.run(RUN).map(RunView::state).filter(state::equals).isPresent());
  }

  static void until(Callable<Boolean> condition) {
    Awaitility.await()
        .atMost(SOON)
        .pollDelay(Duration.ZERO)
        .pollInterval(Duration.ofMillis(5))
        .until(condition);
  }

  @Override
  public void close() {
    runtimes.forEach(AgentRuntime::close);
    store.close();
  }
}
