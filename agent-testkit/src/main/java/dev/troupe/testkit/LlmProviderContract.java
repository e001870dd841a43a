package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.json.JsonObjectSchema;
import dev.langchain4j.model.output.FinishReason;
import dev.troupe.ErrorCode;
import dev.troupe.llm.CallLimits;
import dev.troupe.llm.LlmException;
import dev.troupe.llm.LlmProvider;
import dev.troupe.llm.LlmResponse;
import dev.troupe.llm.LlmSink;
import dev.troupe.testkit.LlmPeer.Script;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;

/**
 * What every {@link LlmProvider} keeps: a test for each numbered guarantee. Extend it, and say how
 * a provider comes to a peer that does what a {@link LlmPeer.Script} says.
 */
@Timeout(60)
public abstract class LlmProviderContract {
  private static final CallLimits PATIENT =
      new CallLimits(Duration.ofSeconds(30), Duration.ofSeconds(20), 1_000_000);

  private final List<LlmPeer> opened = new ArrayList<>();

  /** For subclasses. */
  protected LlmProviderContract() {}

  /**
   * Opens a peer and a provider that comes to it.
   *
   * @param script what it does with each request
   * @return the peer, closed after the test
   */
  protected abstract LlmPeer peer(Script script);

  @AfterEach
  void closeAll() {
    opened.forEach(LlmPeer::close);
  }

  private LlmPeer opened(Script script) {
    LlmPeer peer = peer(script);
    opened.add(peer);
    return peer;
  }

  private static ChatRequest request() {
    return ChatRequest.builder()
        .messages(UserMessage.from(LlmPeer.PROMPT))
        .toolSpecifications(
            ToolSpecification.builder()
                .name(LlmPeer.TOOL)
                .description("The weather in a city.")
                .parameters(JsonObjectSchema.builder().addStringProperty("city").build())
                .build())
        .build();
  }

  private static CallLimits limits(int timeMillis, int idleMillis, long characters) {
    return new CallLimits(Duration.ofMillis(timeMillis), Duration.ofMillis(idleMillis), characters);
  }

  /** What a call came to. */
  private static final class Outcome {
    private final List<String> parts = new ArrayList<>();
    private final StringBuilder arguments = new StringBuilder();
    private @Nullable LlmResponse response;
    private @Nullable Throwable thrown;
    private Duration took = Duration.ZERO;

    String text() {
      return String.join("", parts);
    }

    LlmResponse answer() {
      assertThat(thrown).isNull();
      return response;
    }

    LlmException failure() {
      assertThat(response).as("an answer in place of a failure").isNull();
      assertThat(thrown).isInstanceOf(LlmException.class);
      return (LlmException) thrown;
    }

    void fails(ErrorCode code) {
      assertThat(failure().code()).as(thrown.getMessage()).isEqualTo(code);
    }
  }

  @FunctionalInterface
  private interface Call {
    LlmResponse made() throws InterruptedException;
  }

  private static Outcome made(Outcome outcome, Call call) {
    long began = System.nanoTime();
    try {
      outcome.response = call.made();
    } catch (Throwable thrown) {
      outcome.thrown = thrown;
    }
    outcome.took = Duration.ofNanos(System.nanoTime() - began);
    return outcome;
  }

  private static Outcome generated(LlmPeer peer, CallLimits limits) {
    return made(new Outcome(), () -> peer.provider().generate(request(), limits));
  }

  private static Outcome streamed(LlmPeer peer, CallLimits limits) {
    return streamed(peer, limits, new Outcome(), () -> {});
  }

  private static Outcome streamed(
      LlmPeer peer, CallLimits limits, Outcome outcome, Runnable onPart) {
    LlmSink sink =
        new LlmSink() {
          @Override
          public void text(String part) {
            outcome.parts.add(part);
            onPart.run();
          }

          @Override
          public void toolCall(int index, String name, String part) {
            outcome.arguments.append(part);
          }
        };
    return made(outcome, () -> peer.provider().stream(request(), limits, sink));
  }

  private static void eventually(String what, Duration within, BooleanSupplier condition) {
    long began = System.nanoTime();
    while (!condition.getAsBoolean()) {
      assertThat(Duration.ofNanos(System.nanoTime() - began)).as(what).isLessThan(within);
      pause(10);
    }
  }

  private static void pause(int millis) {
    try {
      TimeUnit.MILLISECONDS.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted while it waited", e);
    }
  }

  @Guarantee(1)
  void g01_anAnswerIsWhole() {
    LlmPeer peer = opened(Script.WHOLE);
    isWhole(peer, generated(peer, PATIENT).answer());
  }

  @Guarantee(1)
  void g01_aStreamedAnswerIsWhole() {
    LlmPeer peer = opened(Script.WHOLE);
    isWhole(peer, streamed(peer, PATIENT).answer());
  }

  private static void isWhole(LlmPeer peer, LlmResponse answer) {
    assertThat(answer.text()).isEqualTo(String.join("", LlmPeer.PARTS));
    assertThat(answer.response().finishReason()).isEqualTo(FinishReason.STOP);
    assertThat(answer.complete()).isTrue();
    assertThat(answer.provider()).isEqualTo(peer.provider().name());
    assertThat(answer.model()).isNotBlank();
    assertThat(answer.latency()).isPositive();
    assertThat(answer.failed()).isEmpty();
  }

  @Guarantee(1)
  void g01_aToolCallComesWhole() {
    LlmPeer peer = opened(Script.TOOL);
    Outcome streamed = streamed(peer, PATIENT);
    for (LlmResponse answer : List.of(generated(peer, PATIENT).answer(), streamed.answer())) {
      assertThat(answer.message().toolExecutionRequests()).hasSize(1);
      ToolExecutionRequest call = answer.message().toolExecutionRequests().get(0);
      assertThat(call.name()).isEqualTo(LlmPeer.TOOL);
      assertThat(call.arguments()).isEqualToIgnoringWhitespace(LlmPeer.ARGUMENTS);
    }
    assertThat(streamed.arguments.toString()).isEqualToIgnoringWhitespace(LlmPeer.ARGUMENTS);
  }

  @Guarantee(1)
  void g01_anAnswerWithoutAFinishReasonFails() {
    generated(opened(Script.NO_REASON), PATIENT).fails(ErrorCode.ANSWER_INCOMPLETE);
  }

  @Guarantee(1)
  void g01_aStreamWithoutAFinishReasonFails() {
    streamed(opened(Script.NO_REASON), PATIENT).fails(ErrorCode.ANSWER_INCOMPLETE);
  }

  @Guarantee(1)
  void g01_aStreamThatBreaksFails() {
    streamed(opened(Script.CUT), PATIENT).fails(ErrorCode.ANSWER_INCOMPLETE);
  }

  @Guarantee(2)
  void g02_failuresAreClassified() {
    Map<Script, ErrorCode> expected = new EnumMap<>(Script.class);
    expected.put(Script.LIMITED, ErrorCode.RATE_LIMITED);
    expected.put(Script.SPENT, ErrorCode.QUOTA_SPENT);
    expected.put(Script.OVERLOADED, ErrorCode.MODEL_OVERLOADED);
    expected.put(Script.FAILED, ErrorCode.MODEL_FAILED);
    expected.put(Script.DENIED, ErrorCode.ACCESS_DENIED);
    expected.put(Script.TOO_LONG, ErrorCode.CONTEXT_TOO_LONG);
    expected.put(Script.FILTERED, ErrorCode.CONTENT_REFUSED);
    expected.put(Script.REFUSED, ErrorCode.MODEL_REFUSED);
    Map<Script, ErrorCode> generated = new EnumMap<>(Script.class);
    Map<Script, ErrorCode> streamed = new EnumMap<>(Script.class);
    for (Script script : expected.keySet()) {
      LlmPeer peer = opened(script);
      LlmException failure = generated(peer, PATIENT).failure();
      assertThat(failure.provider()).isEqualTo(peer.provider().name());
      assertThat(failure.retryable()).isEqualTo(failure.code().retryable());
      generated.put(script, failure.code());
      streamed.put(script, streamed(peer, PATIENT).failure().code());
    }
    assertThat(generated).isEqualTo(expected);
    assertThat(streamed).isEqualTo(expected);
  }

  @Guarantee(2)
  void g02_theWaitThatWasAskedForIsTold() {
    LlmPeer peer = opened(Script.LIMITED);
    for (Outcome outcome : List.of(generated(peer, PATIENT), streamed(peer, PATIENT))) {
      assertThat(outcome.failure().retryAfter()).contains(Duration.ofSeconds(7));
    }
  }

  @Guarantee(3)
  void g03_oneCallIsOneRequest() {
    for (Script script : List.of(Script.WHOLE, Script.LIMITED, Script.OVERLOADED, Script.FAILED)) {
      LlmPeer peer = opened(script);
      generated(peer, PATIENT);
      assertThat(peer.requests()).as("requests of a call, " + script).isEqualTo(1);
      streamed(peer, PATIENT);
      assertThat(peer.requests()).as("requests with a stream, " + script).isEqualTo(2);
    }
  }

  @Guarantee(3)
  void g03_aStreamThatBreaksIsNotAskedForAgain() {
    LlmPeer peer = opened(Script.CUT);
    streamed(peer, PATIENT);
    assertThat(peer.requests()).isEqualTo(1);
  }

  @Guarantee(4)
  void g04_aCallThatIsNotAnsweredEndsAtItsTimeLimit() {
    Outcome outcome = generated(opened(Script.SILENT), limits(400, 20_000, 1_000));
    outcome.fails(ErrorCode.TIMEOUT);
    assertThat(outcome.took).isBetween(Duration.ofMillis(350), Duration.ofSeconds(3));
  }

  @Guarantee(4)
  void g04_aStreamThatDoesNotBeginFailsAtTheIdleLimit() {
    Outcome outcome = streamed(opened(Script.SILENT), limits(30_000, 400, 1_000));
    outcome.fails(ErrorCode.TIMEOUT);
    assertThat(outcome.took).isBetween(Duration.ofMillis(350), Duration.ofSeconds(3));
  }

  @Guarantee(4)
  void g04_aStreamThatStallsFailsAtTheIdleLimit() {
    Outcome outcome = streamed(opened(Script.STALLS), limits(30_000, 700, 1_000));
    outcome.fails(ErrorCode.TIMEOUT);
    assertThat(outcome.took).isLessThan(Duration.ofSeconds(5));
    assertThat(outcome.parts).hasSize(1);
  }

  @Guarantee(4)
  void g04_aStreamThatGoesOnEndsAtItsTimeLimitAndNotBefore() {
    Outcome outcome = streamed(opened(Script.DRIPS), limits(2_500, 1_500, 1_000_000));
    outcome.fails(ErrorCode.TIMEOUT);
    assertThat(outcome.took).isBetween(Duration.ofMillis(2_400), Duration.ofSeconds(6));
  }

  @Guarantee(5)
  void g05_anAnswerThatIsTooLongFails() {
    CallLimits limits = limits(30_000, 20_000, 99_999);
    generated(opened(Script.LARGE), limits).fails(ErrorCode.LIMIT_EXCEEDED);
    Outcome streamed = streamed(opened(Script.LARGE), limits);
    streamed.fails(ErrorCode.LIMIT_EXCEEDED);
    assertThat(streamed.text().length()).isLessThanOrEqualTo(99_999);
    assertThat(generated(opened(Script.LARGE), PATIENT).answer().text()).hasSize(100_000);
  }

  @Guarantee(5)
  void g05_aStreamWithoutEndIsLeftAtTheLimit() {
    LlmPeer peer = opened(Script.ENDLESS);
    Outcome outcome = streamed(peer, limits(30_000, 20_000, 20_000));
    outcome.fails(ErrorCode.LIMIT_EXCEEDED);
    assertThat(outcome.text().length()).isLessThanOrEqualTo(20_000);
    eventually("the peer is left", Duration.ofSeconds(2), peer::left);
  }

  @Guarantee(6)
  void g06_anInterruptedCallEndsAndLeaves() {
    LlmPeer peer = opened(Script.SILENT);
    interrupted(peer, () -> generated(peer, PATIENT), () -> peer.requests() == 1);
  }

  @Guarantee(6)
  void g06_anInterruptedStreamEndsAndLeavesBeforeItBegan() {
    LlmPeer peer = opened(Script.SILENT);
    interrupted(peer, () -> streamed(peer, PATIENT), () -> peer.requests() == 1);
  }

  @Guarantee(6)
  void g06_anInterruptedStreamEndsAndLeavesInItsMidst() {
    LlmPeer peer = opened(Script.STALLS);
    CompletableFuture<Void> began = new CompletableFuture<>();
    interrupted(
        peer,
        () -> streamed(peer, PATIENT, new Outcome(), () -> began.complete(null)),
        began::isDone);
  }

  private static void interrupted(LlmPeer peer, Supplier<Outcome> call, BooleanSupplier begun) {
    CompletableFuture<Outcome> outcome = new CompletableFuture<>();
    Thread caller = new Thread(() -> outcome.complete(call.get()), "interrupted caller");
    caller.setDaemon(true);
    caller.start();
    eventually("the call is under way", Duration.ofSeconds(10), begun);
    caller.interrupt();
    eventually("the call ends", Duration.ofSeconds(1), outcome::isDone);
    assertThat(outcome.join().thrown).isInstanceOf(InterruptedException.class);
    eventually("the peer is left", Duration.ofSeconds(1), peer::left);
  }

  @Guarantee(7)
  void g07_partsComeInTheirOrderByTheCallingThread() {
    LlmPeer peer = opened(Script.WHOLE);
    List<Thread> threads = new ArrayList<>();
    Outcome outcome =
        streamed(peer, PATIENT, new Outcome(), () -> threads.add(Thread.currentThread()));
    assertThat(outcome.parts).isEqualTo(LlmPeer.PARTS);
    assertThat(threads).containsOnly(Thread.currentThread());
  }

  @Guarantee(7)
  void g07_whatTheSinkThrowsEndsTheCallAndNothingComesAfterIt() {
    LlmPeer peer = opened(Script.ENDLESS);
    IllegalStateException enough = new IllegalStateException("enough");
    Outcome seen = new Outcome();
    Outcome outcome =
        streamed(
            peer,
            limits(30_000, 20_000, Long.MAX_VALUE),
            seen,
            () -> {
              if (seen.parts.size() == 3) {
                throw enough;
              }
            });
    assertThat(outcome.thrown).isSameAs(enough);
    eventually("the peer is left", Duration.ofSeconds(2), peer::left);
    pause(200);
    assertThat(seen.parts).hasSize(3);
  }

  @Guarantee(7)
  void g07_nothingComesAfterAFailure() {
    Outcome outcome =
        streamed(opened(Script.ENDLESS), limits(30_000, 20_000, 50_000), new Outcome(), () -> {});
    outcome.failure();
    int parts = outcome.parts.size();
    pause(300);
    assertThat(outcome.parts).hasSize(parts);
  }

  @Guarantee(7)
  void g07_aSlowSinkSlowsTheProvider() {
    LlmPeer peer = opened(Script.ENDLESS);
    IllegalStateException enough = new IllegalStateException("enough");
    Outcome outcome =
        streamed(
            peer,
            limits(55_000, 50_000, Long.MAX_VALUE),
            new Outcome(),
            () -> {
              comesToRest(peer::sent);
              throw enough;
            });
    assertThat(outcome.thrown).isSameAs(enough);
  }

  /** Fails when more went out than buffers on the way may hold. */
  private static void comesToRest(LongSupplier sent) {
    long before = sent.getAsLong();
    // a peer that is only short of a processor is not at rest
    for (int still = 0; still < 5; ) {
      pause(300);
      long now = sent.getAsLong();
      assertThat(now).as("characters sent to a sink that takes none").isLessThan(32L << 20);
      still = now == before ? still + 1 : 0;
      before = now;
    }
  }

  @Guarantee(8)
  void g08_aFailureKeepsWhatTheSinkWasGiven() {
    for (Script script : List.of(Script.STALLS, Script.CUT, Script.ENDLESS, Script.NO_REASON)) {
      Outcome outcome = streamed(opened(script), limits(30_000, 700, 20_000));
      assertThat(outcome.failure().partial()).as("of " + script).isEqualTo(outcome.text());
      assertThat(outcome.text()).as("given before " + script).isNotEmpty();
    }
  }

  @Guarantee(9)
  void g09_noMessageHoldsKeyPromptOrAnswer() {
    for (Script script :
        List.of(
            Script.DENIED, Script.REFUSED, Script.FILTERED, Script.NO_REASON, Script.TOO_LONG)) {
      keepsSecrets(script, generated(opened(script), PATIENT));
    }
    for (Script script : Script.values()) {
      keepsSecrets(script, streamed(opened(script), limits(1_000, 700, 20_000)));
    }
  }

  private static void keepsSecrets(Script script, Outcome outcome) {
    if (outcome.thrown != null) {
      StringWriter all = new StringWriter();
      outcome.thrown.printStackTrace(new PrintWriter(all));
      assertThat(all.toString())
          .as("what is logged after " + script)
          .doesNotContain(
              LlmPeer.KEY, LlmPeer.PROMPT, LlmPeer.PARTS.get(0).strip(), LlmPeer.PARTS.get(2));
    }
  }
}
