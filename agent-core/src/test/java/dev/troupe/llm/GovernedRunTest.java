package dev.troupe.llm;

import static dev.troupe.llm.PlayedProvider.ask;
import static dev.troupe.llm.PlayedProvider.breaksAfter;
import static dev.troupe.llm.PlayedProvider.fails;
import static dev.troupe.llm.PlayedProvider.says;
import static org.assertj.core.api.Assertions.assertThat;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.output.FinishReason;
import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.agent.Agent;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.resilience.BackoffRetryPolicy;
import dev.troupe.resilience.CircuitBreakers;
import dev.troupe.resilience.RetryPolicy;
import dev.troupe.runtime.AgentRuntime;
import dev.troupe.runtime.RunHandle;
import dev.troupe.runtime.RunView;
import dev.troupe.runtime.Submission;
import dev.troupe.state.MemoryStateStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A model bound to a run: every call is a step. */
@Timeout(60)
class GovernedRunTest {
  private static final Duration SOON = Duration.ofSeconds(20);

  private final MemoryStateStore store = new MemoryStateStore();
  private final CircuitBreakers breakers = CircuitBreakers.builder(new MemoryStateStore()).start();
  private final List<LlmResponse> answers = new CopyOnWriteArrayList<>();

  @AfterEach
  void close() {
    breakers.close();
  }

  private GovernedModelBuilder over(LlmProvider first) {
    return GovernedModel.builder(first)
        .breakers(breakers)
        .retry(RetryPolicy.none())
        .durableRetry(
            BackoffRetryPolicy.builder(3).delay(Duration.ofMillis(5)).multiplier(1).build());
  }

  private AgentRuntime start(Agent<String, String> agent) {
    return AgentRuntime.builder()
        .store(store)
        .hotWait(Duration.ZERO)
        .endGrace(Duration.ofMillis(300))
        .shutdownGrace(Duration.ofMillis(300))
        .pollInterval(Duration.ofMillis(20))
        .agent(AgentDefinition.of("asks", String.class, String.class, agent).build())
        .start();
  }

  private static Submission<String> submission(String id) {
    return Submission.of("asks", "in", String.class).id(id).build();
  }

  private static void awaitState(AgentRuntime runtime, String run, RunView.State state) {
    Awaitility.await()
        .atMost(SOON)
        .untilAsserted(() -> assertThat(runtime.run(run).map(RunView::state)).contains(state));
  }

  // D19

  @Test
  void anAnswerThatWasJournaledIsNeverAskedForAgain() throws Exception {
    ToolExecutionRequest tool =
        ToolExecutionRequest.builder().id("c1").name("look").arguments("{\"q\":1}").build();
    AiMessage message =
        AiMessage.builder().text("thinking it over").toolExecutionRequests(List.of(tool)).build();
    PlayedProvider provider =
        new PlayedProvider(
            "a",
            "m",
            fails(ErrorCode.MODEL_FAILED),
            (request, sink) -> PlayedProvider.response(message, FinishReason.TOOL_EXECUTION),
            says("done"));
    try (GovernedModel model = over(provider).retry(RetryPolicy.fixed(2, Duration.ZERO)).build()) {
      Agent<String, String> agent =
          (in, context) -> {
            GovernedModel mine = model.in(context);
            answers.add(mine.generate(ask("first")));
            context.awaitSignal("go", String.class);
            answers.add(mine.generate(ask("second")));
            return answers.get(answers.size() - 1).text();
          };
      AgentRuntime killed = start(agent);
      killed.submit(submission("r"));
      Awaitility.await().atMost(SOON).until(() -> answers.size() == 1);
      killed.close();
      assertThat(provider.calls()).isEqualTo(2);
      try (AgentRuntime next = start(agent)) {
        next.signal("r", "go", "s", "x");
        awaitState(next, "r", RunView.State.SUCCEEDED);
      }
      assertThat(provider.calls()).as("two attempts, then one").isEqualTo(3);
      LlmResponse first = answers.get(0);
      assertThat(answers.subList(0, answers.size() - 1)).hasSizeGreaterThan(1).containsOnly(first);
      assertThat(first.message()).isEqualTo(message);
      assertThat(first.response().tokenUsage().outputTokenCount()).isEqualTo(20);
      assertThat(first.failed())
          .extracting(LlmResponse.Tried::code)
          .containsExactly(ErrorCode.MODEL_FAILED);
    }
  }

  @Test
  void aFailureIsTheSameNowAndOnReplay() throws Exception {
    List<String> failures = new CopyOnWriteArrayList<>();
    PlayedProvider provider = new PlayedProvider("a", "m", fails(ErrorCode.ACCESS_DENIED));
    try (GovernedModel model = over(provider).build()) {
      Agent<String, String> agent =
          (in, context) -> {
            try {
              model.in(context).generate(ask("x"));
            } catch (LlmException e) {
              failures.add(e.code() + " " + e.provider() + " " + e.getMessage());
            }
            context.sleep(Duration.ofMillis(20));
            return "ok";
          };
      try (AgentRuntime runtime = start(agent)) {
        assertThat(runtime.submit(submission("r")).await(SOON)).isEqualTo("ok");
      }
      assertThat(failures)
          .hasSizeGreaterThan(1)
          .containsOnly("ACCESS_DENIED a played ACCESS_DENIED");
      assertThat(provider.calls()).isEqualTo(1);
    }
  }

  @Test
  void whatTheChainGaveUpIsTriedAgainWithoutAThreadAsLongAsThatMayHelp() throws Exception {
    PlayedProvider limited =
        new PlayedProvider(
            "a", "m", fails(ErrorCode.RATE_LIMITED, Duration.ofMillis(300)), says("at last"));
    PlayedProvider busy =
        new PlayedProvider(
            "b",
            "m",
            fails(ErrorCode.MODEL_OVERLOADED),
            fails(ErrorCode.MODEL_UNREACHABLE),
            says("at last"));
    for (PlayedProvider provider : List.of(limited, busy)) {
      try (GovernedModel model = over(provider).maxWait(Duration.ofMillis(100)).build()) {
        Agent<String, String> agent = (in, context) -> model.in(context).generate(ask("x")).text();
        try (AgentRuntime runtime = start(agent)) {
          long began = System.nanoTime();
          String run = provider.name();
          assertThat(runtime.submit(submission(run)).await(SOON)).isEqualTo("at last");
          long took = System.nanoTime() - began;
          assertThat(took).isGreaterThan(provider == limited ? 300_000_000 : 10_000_000);
        }
      }
    }
    assertThat(limited.calls()).isEqualTo(2);
    assertThat(busy.calls()).isEqualTo(3);
  }

  @Test
  void aWaitOfMoreThanADayOrPastTheRunsDeadlineIsNotBegun() throws Exception {
    for (Duration asked : List.of(Duration.ofDays(2), Duration.ofHours(3))) {
      PlayedProvider provider =
          new PlayedProvider("a" + asked, "m", fails(ErrorCode.RATE_LIMITED, asked));
      try (GovernedModel model = over(provider).build()) {
        Agent<String, String> agent = (in, context) -> model.in(context).generate(ask("x")).text();
        try (AgentRuntime runtime = start(agent)) {
          RunHandle<String> run =
              runtime.submit(
                  Submission.of("asks", "in", String.class)
                      .id("r" + asked.toHours())
                      .deadline(Duration.ofHours(2))
                      .build());
          AgentException failure =
              org.assertj.core.api.Assertions.catchThrowableOfType(
                  AgentException.class, () -> run.await(SOON));
          assertThat(failure).hasMessageContaining("RATE_LIMITED");
        }
      }
      assertThat(provider.calls()).isEqualTo(1);
    }
  }

  @Test
  void aRunWhoseBudgetIsSpentStopsAndGoesOnWhenItIsRaised() throws Exception {
    PlayedProvider provider = new PlayedProvider("a", "m", says("hello"));
    AtomicInteger spent = new AtomicInteger(1);
    List<String> charged = new CopyOnWriteArrayList<>();
    Gates gates =
        Gates.NONE.with(
            (Gates.Budget)
                (root, tenant, input, output, cost) -> {
                  charged.add(root + " " + tenant);
                  if (spent.get() == 1) {
                    throw new AgentException(ErrorCode.BUDGET_EXCEEDED, "budget is spent");
                  }
                  return new Budgets.Charge() {
                    @Override
                    public void used(long in, long out, java.math.@Nullable BigDecimal price) {}

                    @Override
                    public void unused() {}
                  };
                });
    try (GovernedModel model = over(provider).gates(gates).build()) {
      Agent<String, String> agent = (in, context) -> model.in(context).generate(ask("x")).text();
      try (AgentRuntime runtime = start(agent)) {
        runtime.submit(Submission.of("asks", "in", String.class).id("r").tenant("acme").build());
        awaitState(runtime, "r", RunView.State.STOPPED);
        assertThat(provider.calls()).isZero();
        spent.set(0);
        runtime.resume("r");
        awaitState(runtime, "r", RunView.State.SUCCEEDED);
        assertThat(provider.calls()).isEqualTo(1);
        assertThat(charged).containsOnly("r acme");
      }
    }
  }

  @Test
  void aStreamIsShownPartByPartAndOnReplayAsOnePart() throws Exception {
    List<String> parts = new CopyOnWriteArrayList<>();
    PlayedProvider provider = new PlayedProvider("a", "m", says("a b c"));
    try (GovernedModel model = over(provider).build()) {
      Agent<String, String> agent =
          (in, context) -> {
            model.in(context).stream(ask("x"), CallOptions.USUAL, parts::add);
            context.sleep(Duration.ofMillis(20));
            return "ok";
          };
      try (AgentRuntime runtime = start(agent)) {
        runtime.submit(submission("r")).await(SOON);
      }
    }
    assertThat(provider.calls()).isEqualTo(1);
    assertThat(parts.subList(0, 3)).containsExactly("a ", "b ", "c");
    assertThat(parts.subList(3, parts.size())).isNotEmpty().containsOnly("a b c");
  }

  @Test
  void aStreamThatBrokeAfterAPartIsNotMadeAgainUnlessTheCallerWantsARestart() throws Exception {
    for (Partial partial : List.of(Partial.FAIL, Partial.RESTART)) {
      List<String> parts = new CopyOnWriteArrayList<>();
      PlayedProvider provider =
          new PlayedProvider(partial.name(), "m", breaksAfter("half "), says("whole"));
      try (GovernedModel model = over(provider).build()) {
        CallOptions options = CallOptions.builder().partial(partial).build();
        Agent<String, String> agent =
            (in, context) -> {
              LlmSink sink =
                  new LlmSink() {
                    @Override
                    public void text(String part) {
                      parts.add(part);
                    }

                    @Override
                    public void restarted(String why) {
                      parts.add("void");
                    }
                  };
              try {
                return model.in(context).stream(ask("x"), options, sink).text();
              } catch (LlmException e) {
                return e.code().name();
              }
            };
        try (AgentRuntime runtime = start(agent)) {
          String result = runtime.submit(submission(partial.name())).await(SOON);
          if (partial == Partial.FAIL) {
            assertThat(result).isEqualTo("ANSWER_INCOMPLETE");
            assertThat(parts).containsExactly("half ");
          } else {
            assertThat(result).isEqualTo("whole");
            // the run left its stack to wait, so the end may be shown once more, as one part
            assertThat(parts.subList(0, 3)).containsExactly("half ", "void", "whole");
          }
        }
      }
    }
  }

  @Test
  void aCancelledRunInterruptsTheCall() throws Exception {
    CountDownLatch asked = new CountDownLatch(1);
    AtomicReference<Throwable> ended = new AtomicReference<>();
    PlayedProvider hangs =
        new PlayedProvider(
            "a",
            "m",
            (request, sink) -> {
              asked.countDown();
              try {
                new CountDownLatch(1).await();
              } catch (InterruptedException e) {
                ended.set(e);
                throw e;
              }
              throw new AssertionError();
            });
    try (GovernedModel model = over(hangs).build()) {
      Agent<String, String> agent = (in, context) -> model.in(context).generate(ask("x")).text();
      try (AgentRuntime runtime = start(agent)) {
        runtime.submit(submission("r"));
        asked.await();
        runtime.cancel("r", "test");
        awaitState(runtime, "r", RunView.State.CANCELLED);
        assertThat(ended.get()).isInstanceOf(InterruptedException.class);
        assertThat(hangs.calls()).isEqualTo(1);
      }
    }
  }

  @Test
  void anAnswerThatIsTooLargeForTheJournalSaysSo() throws Exception {
    PlayedProvider provider = new PlayedProvider("a", "m", says("x".repeat(300_000)));
    try (GovernedModel model = over(provider).build()) {
      Agent<String, String> agent =
          (in, context) -> {
            try {
              return model.in(context, "big").generate(ask("x")).text();
            } catch (LlmException e) {
              return e.code() + " " + e.getMessage();
            }
          };
      try (AgentRuntime runtime = start(agent)) {
        assertThat(runtime.submit(submission("r")).await(SOON))
            .startsWith("LIMIT_EXCEEDED the result of step 'big#1' has 3");
      }
    }
    assertThat(provider.calls()).isEqualTo(1);
  }

  record City(String name) {}

  @Test
  void recordsAndHandlersOfLangchain4jAreJournaledToo() throws Exception {
    List<String> ends = new CopyOnWriteArrayList<>();
    PlayedProvider provider =
        new PlayedProvider(
            "a", "m", says("{}"), says("{\"name\":\"Bonn\"}"), says("plain"), says("stream"));
    try (GovernedModel model = over(provider).build()) {
      Agent<String, String> agent =
          (in, context) -> {
            GovernedModel mine = model.in(context);
            List<String> seen = new ArrayList<>();
            seen.add(mine.generate(ask("x"), City.class).value().name());
            seen.add(mine.chat("y"));
            mine.chat(
                ask("z"),
                new StreamingChatResponseHandler() {
                  @Override
                  public void onCompleteResponse(ChatResponse response) {
                    seen.add(response.aiMessage().text());
                    ends.add("end");
                  }

                  @Override
                  public void onError(Throwable error) {
                    ends.add("error");
                  }
                });
            context.sleep(Duration.ofMillis(20));
            return String.join(" ", seen);
          };
      try (AgentRuntime runtime = start(agent)) {
        assertThat(runtime.submit(submission("r")).await(SOON)).isEqualTo("Bonn plain stream");
      }
    }
    assertThat(provider.calls()).isEqualTo(4);
    assertThat(ends).containsOnly("end");
  }
}
