package dev.troupe.llm.agent;

import static dev.troupe.llm.agent.Script.call;
import static dev.troupe.llm.agent.Script.calls;
import static dev.troupe.llm.agent.Script.request;
import static dev.troupe.llm.agent.Script.text;
import static dev.troupe.llm.agent.Stage.agent;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.troupe.agent.AgentDefinition;
import dev.troupe.llm.guard.Origin;
import dev.troupe.llm.guard.Provenance;
import dev.troupe.runtime.AgentRuntime;
import dev.troupe.runtime.RunEvent;
import dev.troupe.runtime.RunHandle;
import dev.troupe.runtime.RunView;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Calls that somebody has to approve. Row E4. */
@Timeout(60)
class ApprovalsTest {
  private static final Duration LONG = Duration.ofHours(1);

  private final Stage stage = new Stage();
  private final List<Integer> paid = new CopyOnWriteArrayList<>();
  private final List<ApprovalRequest> told = new CopyOnWriteArrayList<>();
  private final Script script = Script.of(call("pay", "{\"amount\":5}"), text("done"));

  @AfterEach
  void close() {
    stage.close();
  }

  record Payment(int amount) {}

  private AgentTool pay() {
    return AgentTool.of(
            "pay",
            "pays",
            Payment.class,
            call -> {
              paid.add(call.arguments(Payment.class).amount());
              return "paid";
            })
        .approval()
        .build();
  }

  private AgentDefinition<String, String> payer(Duration expiry) {
    return Stage.definition(
        agent(script).tools(pay()).approvals(Approvals.within(expiry).telling(told::add)).build());
  }

  private ApprovalRequest pending(AgentRuntime runtime) {
    Stage.awaitState(runtime, RunView.State.WAITING);
    List<ApprovalRequest> pending = stage.desk(runtime).pending(Stage.RUN);
    assertThat(pending).hasSize(1);
    return pending.get(0);
  }

  @Test
  void aCallWaitsUntilItIsApprovedAndIsMadeOnce() throws Exception {
    AgentRuntime runtime = stage.start(payer(LONG));
    RunHandle<String> run = Stage.submit(runtime, String.class);
    ApprovalRequest request = pending(runtime);
    assertThat(request.tool()).isEqualTo("pay");
    assertThat(request.shown()).isEqualTo("{\"amount\":5}");
    assertThat(told).containsExactly(request);
    assertThat(paid).isEmpty();
    assertThat(stage.desk(runtime).approve(Stage.RUN, request.call(), "ada", "fine")).isTrue();
    assertThat(run.await(Stage.SOON)).isEqualTo("done");
    assertThat(paid).containsExactly(5);
    assertThat(stage.desk(runtime).pending(Stage.RUN)).isEmpty();
  }

  @Test
  void aCallThatIsDeniedIsNotMadeAndTheModelIsToldWhy() throws Exception {
    AgentRuntime runtime = stage.start(payer(LONG));
    RunHandle<String> run = Stage.submit(runtime, String.class);
    String call = pending(runtime).call();
    assertThat(stage.desk(runtime).deny(Stage.RUN, call, "ada", "too much")).isTrue();
    assertThat(run.await(Stage.SOON)).isEqualTo("done");
    assertThat(paid).isEmpty();
    assertThat(script.toldBefore(1)).containsExactly("not called: it was denied: too much");
  }

  @Test
  void noDecisionInTimeIsADenialAndALaterOneDoesNotCount() throws Exception {
    AgentRuntime runtime = stage.start(payer(Duration.ofMillis(50)));
    RunHandle<String> run = Stage.submit(runtime, String.class);
    assertThat(run.await(Stage.SOON)).isEqualTo("done");
    assertThat(paid).isEmpty();
    assertThat(script.toldBefore(1)).containsExactly("not called: nobody approved it in time");
    String call = told.get(0).call();
    assertThat(stage.desk(runtime).approve(Stage.RUN, call, "ada", "late")).isFalse();
  }

  @Test
  void aDecisionAfterTheExpiryDoesNotCountThoughTheRunGoesOn() throws Exception {
    CountDownLatch go = new CountDownLatch(1);
    AgentTool gate =
        AgentTool.of(
                "gate",
                "holds",
                Payment.class,
                call -> {
                  go.await();
                  return "open";
                })
            .build();
    Script longer =
        Script.of(call("pay", "{\"amount\":5}"), call("gate", "{\"amount\":1}"), text("done"));
    AgentRuntime runtime =
        stage.start(
            Stage.definition(
                agent(longer)
                    .tools(pay(), gate)
                    .approvals(Approvals.within(Duration.ofMillis(50)).telling(told::add))
                    .build()));
    RunHandle<String> run = Stage.submit(runtime, String.class);
    Stage.until(() -> longer.requests.size() == 2);
    assertThat(stage.desk(runtime).approve(Stage.RUN, told.get(0).call(), "ada", "late")).isFalse();
    go.countDown();
    assertThat(run.await(Stage.SOON)).isEqualTo("done");
    assertThat(paid).isEmpty();
  }

  @Test
  void ofTwoDecisionsTheFirstCountsAndTheSecondIsToldSo() throws Exception {
    AgentRuntime runtime = stage.start(payer(LONG));
    RunHandle<String> run = Stage.submit(runtime, String.class);
    String call = pending(runtime).call();
    // nobody executes the run meanwhile, so both decisions lie in the store before it looks
    runtime.close();
    AgentRuntime desk = stage.start(stage.store, b -> b.maxConcurrentRuns(0));
    assertThat(stage.desk(desk).deny(Stage.RUN, call, "ada", "no")).isTrue();
    assertThat(stage.desk(desk).approve(Stage.RUN, call, "bob", "yes")).isFalse();
    // whoever lost the answer and decides the same again is told the same
    assertThat(stage.desk(desk).deny(Stage.RUN, call, "ada", "no")).isTrue();
    desk.close();
    AgentRuntime next = stage.start(payer(LONG));
    assertThat(next.handle(Stage.RUN, String.class).await(Stage.SOON)).isEqualTo("done");
    assertThat(paid).isEmpty();
    assertThat(run).isNotNull();
  }

  @Test
  void aCallIsApprovedAfterARestartAndNothingIsAskedTwice() throws Exception {
    AgentRuntime first = stage.start(payer(LONG));
    Stage.submit(first, String.class);
    String call = pending(first).call();
    first.close();
    AgentRuntime second = stage.start(payer(LONG));
    assertThat(stage.desk(second).approve(Stage.RUN, call, "ada", "fine")).isTrue();
    assertThat(second.handle(Stage.RUN, String.class).await(Stage.SOON)).isEqualTo("done");
    assertThat(paid).containsExactly(5);
    assertThat(told).hasSize(1);
    assertThat(script.requests).hasSize(2);
  }

  @Test
  void callsOfOneAnswerAreDecidedEachForItself() throws Exception {
    Script two =
        Script.of(
            calls(request("1", "pay", "{\"amount\":1}"), request("2", "pay", "{\"amount\":2}")),
            text("done"));
    AgentRuntime runtime =
        stage.start(
            Stage.definition(agent(two).tools(pay()).approvals(Approvals.within(LONG)).build()));
    RunHandle<String> run = Stage.submit(runtime, String.class);
    Stage.until(() -> stage.desk(runtime).pending(Stage.RUN).size() == 2);
    for (ApprovalRequest request : stage.desk(runtime).pending(Stage.RUN)) {
      boolean small = request.shown().contains("1");
      boolean counted =
          small
              ? stage.desk(runtime).approve(Stage.RUN, request.call(), "ada", "small")
              : stage.desk(runtime).deny(Stage.RUN, request.call(), "ada", "large");
      assertThat(counted).isTrue();
    }
    assertThat(run.await(Stage.SOON)).isEqualTo("done");
    assertThat(paid).containsExactly(1);
    assertThat(two.toldBefore(1)).containsExactly("paid", "not called: it was denied: large");
  }

  @Test
  void theHostChoosesWhatIsShownAndListenersAreTold() throws Exception {
    List<Object> progress = new CopyOnWriteArrayList<>();
    AgentDefinition<String, String> agent =
        Stage.definition(
            agent(script)
                .tools(pay())
                .approvals(Approvals.within(LONG).showing(call -> "an amount"))
                .build());
    AgentRuntime runtime =
        stage.start(
            stage.store,
            b ->
                b.agent(agent)
                    .listener(
                        event -> {
                          if (event instanceof RunEvent.Progress told) {
                            progress.add(told.progress());
                          }
                        }));
    Stage.submit(runtime, String.class);
    ApprovalRequest request = pending(runtime);
    assertThat(request.shown()).isEqualTo("an amount");
    assertThat(progress).isNotEmpty().allMatch(request::equals);
  }

  @Test
  void approvalMayDependOnTheCallAndOnWhereItsContentComesFrom() throws Exception {
    AgentDefinition<String, String> agent =
        Stage.definition(
            agent(script)
                .tools(pay().toBuilder().approvalWhen(call -> false).build())
                .approvalWhen(call -> call.saw(Origin.RETRIEVED))
                .approvals(Approvals.within(LONG))
                .build());
    AgentRuntime runtime = stage.start(agent);
    assertThat(Stage.submit(runtime, String.class).await(Stage.SOON)).isEqualTo("done");
    assertThat(paid).containsExactly(5);
    try (Stage other = new Stage()) {
      AgentRuntime tainted =
          other.start(
              Stage.definition(
                  agent(script)
                      .input(in -> List.of(Provenance.retrieved(in)))
                      .tools(pay().toBuilder().approvalWhen(call -> false).build())
                      .approvalWhen(call -> call.saw(Origin.RETRIEVED))
                      .build()));
      Stage.submit(tainted, String.class);
      Stage.awaitState(tainted, RunView.State.WAITING);
      assertThat(other.desk(tainted).pending(Stage.RUN)).hasSize(1);
    }
    assertThat(paid).containsExactly(5);
  }

  @Test
  void nobodyIsAskedForWhatAPolicyForbids() throws Exception {
    String answer =
        stage.run(
            agent(script)
                .tools(pay())
                .approvals(Approvals.within(LONG).telling(told::add))
                .policies(call -> Optional.of("never")));
    assertThat(answer).isEqualTo("done");
    assertThat(told).isEmpty();
    assertThat(script.toldBefore(1).get(0)).contains("never");
  }

  @Test
  void aDecisionOnWhatNobodyAskedIsAnError() throws Exception {
    AgentRuntime runtime = stage.start(payer(LONG));
    Stage.submit(runtime, String.class);
    ApprovalRequest request = pending(runtime);
    ApprovalDesk desk = stage.desk(runtime);
    assertThatThrownBy(() -> desk.approve(Stage.RUN, request.call() + "1", "ada", "typo"))
        .hasMessageContaining("did not ask");
    assertThatThrownBy(() -> desk.approve("nobody", request.call(), "ada", "typo"))
        .hasMessageContaining("no run nobody");
  }

  @Test
  void aRunThatEndedHasNothingPending() throws Exception {
    AgentRuntime runtime = stage.start(payer(LONG));
    Stage.submit(runtime, String.class);
    ApprovalRequest request = pending(runtime);
    runtime.cancel(Stage.RUN, "enough");
    Stage.awaitState(runtime, RunView.State.CANCELLED);
    assertThat(stage.desk(runtime).pending(Stage.RUN)).isEmpty();
    assertThat(stage.desk(runtime).approve(Stage.RUN, request.call(), "ada", "late")).isFalse();
  }
}
