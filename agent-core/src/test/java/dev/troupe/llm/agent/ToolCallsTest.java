package dev.troupe.llm.agent;

import static dev.troupe.llm.agent.Script.call;
import static dev.troupe.llm.agent.Script.calls;
import static dev.troupe.llm.agent.Script.request;
import static dev.troupe.llm.agent.Script.text;
import static dev.troupe.llm.agent.Stage.agent;
import static org.assertj.core.api.Assertions.assertThat;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.output.FinishReason;
import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.agent.UnknownOutcome;
import dev.troupe.resilience.Limit;
import dev.troupe.resilience.RateLimiter;
import dev.troupe.resilience.RetryPolicy;
import dev.troupe.resilience.StoreRateLimiter;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.MortalStore;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** When a tool is called, with what bounds, and what the model is told. Rows D13, D14 and E3. */
@Timeout(60)
class ToolCallsTest {
  private final Stage stage = new Stage();
  private final List<Integer> paid = new CopyOnWriteArrayList<>();

  @AfterEach
  void close() {
    stage.close();
  }

  record Payment(int amount) {}

  private AgentTool.Builder pay() {
    return AgentTool.of(
        "pay",
        "pays",
        Payment.class,
        call -> {
          paid.add(call.arguments(Payment.class).amount());
          return "paid";
        });
  }

  private static AgentTool.Builder failing(RuntimeException failure) {
    return AgentTool.of(
        "pay",
        "fails",
        Payment.class,
        call -> {
          throw failure;
        });
  }

  /** What the model is told when it answers so first. */
  private String toldOf(ChatResponse first, AgentTool tool) throws InterruptedException {
    Script script = Script.of(first, text("done"));
    assertThat(stage.run(agent(script).tools(tool))).isEqualTo("done");
    assertThat(script.results(1)).hasSize(1);
    return script.toldBefore(1).get(0);
  }

  @ParameterizedTest
  @EnumSource(
      value = FinishReason.class,
      names = {"LENGTH", "STOP", "OTHER"})
  void aCallIsNotMadeUnlessTheAnswerEndedWithIt(FinishReason finish) throws Exception {
    AiMessage cut = AiMessage.from(request("1", "pay", "{\"amount\":100}"));
    assertThat(toldOf(Script.answer(cut, finish), pay().build())).startsWith("not called");
    assertThat(paid).isEmpty();
  }

  @Test
  void argumentsThatEndTooEarlyAreNotTakenForWhole() throws Exception {
    assertThat(toldOf(call("pay", "{\"amount\":10"), pay().build())).contains("ends too early");
    assertThat(paid).isEmpty();
  }

  @Test
  void argumentsThatAreNoJsonAreShownToNoProviderAgain() throws Exception {
    Script script = Script.of(call("pay", "{\"amount\":10"), text("done"));
    stage.run(agent(script).tools(pay().build()));
    AiMessage shown = (AiMessage) script.requests.get(1).messages().get(1);
    assertThat(shown.toolExecutionRequests().get(0).arguments()).isEqualTo("{}");
  }

  @Test
  void argumentsThatDoNotFitTheSchemaAreSentBackAndMended() throws Exception {
    Script script =
        Script.of(
            call("pay", "{\"amount\":\"much\"}"),
            call("pay", "{\"amount\":1,\"to\":\"me\"}"),
            call("pay", "{}"),
            call("pay", "{\"amount\":5}"),
            text("done"));
    stage.run(agent(script).tools(pay().build()));
    assertThat(script.toldBefore(1).get(0)).contains("$.amount must be of type integer");
    assertThat(script.toldBefore(2).get(0)).contains("unknown property 'to'");
    assertThat(script.toldBefore(3).get(0)).contains("$.amount is required and missing");
    assertThat(script.toldBefore(4)).containsExactly("paid");
    assertThat(paid).containsExactly(5);
  }

  @Test
  void argumentsThatNeverFitFailTheRunAfterSoManyRepairs() {
    Script script = Script.of(call("pay", "{\"amount\":\"much\"}"));
    stage.failure(agent(script).tools(pay().build()).maxRepairs(2));
    assertThat(stage.kind(stage.start())).isEqualTo("OUTPUT_INVALID");
    assertThat(script.requests).hasSize(3);
    assertThat(paid).isEmpty();
  }

  @Test
  void argumentsBeyondTheBoundAreSentBack() throws Exception {
    String large = "{\"amount\":\"" + "x".repeat(210_000) + "\"}";
    assertThat(toldOf(call("pay", large), pay().build())).contains("200000 are allowed");
    assertThat(paid).isEmpty();
  }

  @Test
  void argumentsOfFiveMegabytesReachNoTool() {
    String huge = "{\"amount\":\"" + "x".repeat(5 << 20) + "\"}";
    // more than a row of the journal holds
    stage.failure(agent(Script.of(call("pay", huge))).tools(pay().build()));
    assertThat(stage.kind(stage.start())).isEqualTo("LIMIT_EXCEEDED");
    assertThat(paid).isEmpty();
  }

  @Test
  void aToolThatIsNotOnTheListIsRefusedAndTheModelIsTold() throws Exception {
    assertThat(toldOf(call("wipe\ndisk", "{}"), pay().build()))
        .isEqualTo("not called: there is no tool 'wipe?disk' for you; there are [pay]");
  }

  @Test
  void aTenantThatMayNotUseAToolIsRefusedByThePolicy() throws Exception {
    ToolPolicy gold =
        call ->
            call.tenant().equals("gold") ? Optional.empty() : Optional.of("only for tenant gold");
    Script script = Script.of(call("pay", "{\"amount\":1}"), text("done"));
    stage.run(agent(script).tools(pay().build()).policies(gold));
    assertThat(script.toldBefore(1).get(0)).contains("not called").contains("only for tenant gold");
    assertThat(paid).isEmpty();
  }

  @Test
  void moreCallsInOneAnswerThanAnybodyNeedsAreNotMade() throws Exception {
    ToolExecutionRequest[] many = new ToolExecutionRequest[ToolRound.MOST_CALLS + 3];
    for (int i = 0; i < many.length; i++) {
      many[i] = request("id" + i, "pay", "{\"amount\":" + i + "}");
    }
    Script script = Script.of(calls(many), text("done"));
    stage.run(agent(script).tools(pay().build()));
    assertThat(paid).hasSize(ToolRound.MOST_CALLS);
    assertThat(script.toldBefore(1).get(ToolRound.MOST_CALLS)).contains("at most 64 calls");
  }

  @Test
  void aFailureIsToldWithoutItsTraceAndTheRunGoesOn() throws Exception {
    String told =
        toldOf(
            call("pay", "{\"amount\":1}"), failing(new IllegalStateException("no funds")).build());
    assertThat(told).isEqualTo("the tool failed: IllegalStateException: no funds");
  }

  @Test
  void aFailureIsToldWithoutDetailsWhereTheHostWantsItSo() throws Exception {
    AgentTool quiet =
        failing(new IllegalStateException("key sk-123"))
            .onError(OnToolError.TELL_NO_DETAILS)
            .build();
    assertThat(toldOf(call("pay", "{\"amount\":1}"), quiet))
        .isEqualTo("the tool failed: IllegalStateException");
  }

  @Test
  void aFailureFailsTheRunWhereTheHostWantsItSo() {
    AgentTool strict =
        failing(new IllegalStateException("no funds")).onError(OnToolError.FAIL_RUN).build();
    Script script = Script.of(call("pay", "{\"amount\":1}"), text("done"));
    assertThat(stage.failure(agent(script).tools(strict))).hasMessageContaining("no funds");
  }

  @Test
  void aRetryHasTheSameKeyAndTwoCallsHaveTwo() throws Exception {
    List<String> keys = new CopyOnWriteArrayList<>();
    AgentTool flaky =
        AgentTool.of(
                "pay",
                "fails at first",
                Payment.class,
                call -> {
                  keys.add(call.idempotencyKey());
                  if (call.attempt() == 1) {
                    throw new IllegalStateException("not yet");
                  }
                  return "paid";
                })
            .retry(RetryPolicy.fixed(2, Duration.ofMillis(1)))
            .alone()
            .build();
    Script script =
        Script.of(
            calls(request("1", "pay", "{\"amount\":1}"), request("2", "pay", "{\"amount\":1}")),
            text("done"));
    stage.run(agent(script).tools(flaky));
    assertThat(script.toldBefore(1)).containsExactly("paid", "paid");
    assertThat(keys).hasSize(4);
    assertThat(keys.get(1)).isEqualTo(keys.get(0));
    assertThat(keys.get(3)).isEqualTo(keys.get(2)).isNotEqualTo(keys.get(0));
  }

  @Test
  void aToolThatTakesTooLongIsLeftBehindAndTheModelIsTold() throws Exception {
    CountDownLatch never = new CountDownLatch(1);
    AgentTool slow =
        AgentTool.of(
                "pay",
                "hangs",
                Payment.class,
                call -> {
                  never.await();
                  return "";
                })
            .timeLimit(Duration.ofMillis(30))
            .retry(RetryPolicy.none())
            .build();
    assertThat(toldOf(call("pay", "{\"amount\":1}"), slow)).startsWith("the tool failed: TIMEOUT");
  }

  @Test
  void aToolIsHeldToItsRateAndTheModelIsToldWhenThePolicyStops() throws Exception {
    try (MemoryStateStore limits = new MemoryStateStore();
        RateLimiter limiter = new StoreRateLimiter(limits)) {
      AgentTool limited =
          pay()
              .rate(limiter, Limit.rate(1, Duration.ofMinutes(10)))
              .retry(RetryPolicy.none())
              .alone()
              .build();
      Script script =
          Script.of(
              calls(request("1", "pay", "{\"amount\":1}"), request("2", "pay", "{\"amount\":2}")),
              text("done"));
      stage.run(agent(script).tools(limited));
      assertThat(script.toldBefore(1).get(0)).isEqualTo("paid");
      assertThat(script.toldBefore(1).get(1)).startsWith("the tool failed: RATE_LIMITED");
      assertThat(paid).containsExactly(1);
    }
  }

  @Test
  void aResultThatIsTooLongIsCutAndTheModelIsToldSo() throws Exception {
    AgentTool chatty =
        AgentTool.of("pay", "talks", Payment.class, call -> "x".repeat(500_000))
            .maxResult(1_000)
            .build();
    String told = toldOf(call("pay", "{\"amount\":1}"), chatty);
    assertThat(told).hasSizeLessThan(1_100).contains("the first 1000 of 500000 characters");
  }

  @Test
  void nothingIsToldAsNothing() throws Exception {
    AgentTool silent = AgentTool.of("pay", "is silent", Payment.class, call -> "").build();
    assertThat(toldOf(call("pay", "{\"amount\":1}"), silent)).isEqualTo("(nothing)");
  }

  @Test
  void theOutcomeThatNobodyKnowsIsToldAsUnknown() throws Exception {
    AgentTool once = pay().whenUnknown(UnknownOutcome.fail()).build();
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch never = new CountDownLatch(1);
    MortalStore mortal = new MortalStore(stage.store);
    AgentTool dying =
        AgentTool.of(
                "pay",
                "dies",
                Payment.class,
                call -> {
                  paid.add(1);
                  mortal.die();
                  begun.countDown();
                  never.await();
                  return "";
                })
            .whenUnknown(UnknownOutcome.fail())
            .build();
    Script script = Script.of(call("pay", "{\"amount\":1}"), text("done"));
    Stage.submit(
        stage.start(mortal, b -> b.agent(Stage.definition(agent(script).tools(dying).build()))),
        String.class);
    begun.await();
    stage.run(agent(script).tools(once));
    assertThat(script.toldBefore(1).get(0)).startsWith("nobody knows whether");
    assertThat(paid).hasSize(1);
  }

  @Test
  void aToolThatSpendsABudgetStopsTheRun() {
    AgentTool spent = failing(new AgentException(ErrorCode.BUDGET_EXCEEDED, "all spent")).build();
    Script script = Script.of(call("pay", "{\"amount\":1}"), text("done"));
    assertThat(stage.failure(agent(script).tools(spent)).code())
        .isEqualTo(ErrorCode.BUDGET_EXCEEDED);
  }

  @Test
  void everyCallOfARunHasItsOwnPlaceThoughNamesRepeat() throws Exception {
    Set<String> keys = new HashSet<>();
    AgentTool tool =
        AgentTool.of(
                "pay",
                "remembers keys",
                Payment.class,
                call -> keys.add(call.idempotencyKey()) ? "new" : "seen")
            .build();
    Script script =
        Script.of(call("pay", "{\"amount\":1}"), call("pay", "{\"amount\":2}"), text("done"));
    stage.run(agent(script).tools(tool));
    assertThat(keys).hasSize(2);
  }
}
