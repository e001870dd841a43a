package dev.troupe.providers;

import static dev.troupe.providers.Asking.LIMITS;
import static dev.troupe.providers.Asking.request;
import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.troupe.ErrorCode;
import dev.troupe.llm.CallLimits;
import dev.troupe.llm.CallOptions;
import dev.troupe.llm.GovernedModel;
import dev.troupe.llm.LlmException;
import dev.troupe.llm.LlmResponse;
import dev.troupe.providers.Asking.Mode;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.slf4j.LoggerFactory;

/** What goes wrong at a peer that others wrote, and what comes of it. */
@Tag("matrix")
@Timeout(60)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class AimockFaultsTest {
  private Aimock peer;

  @BeforeAll
  @Timeout(300)
  void start() {
    peer = Aimock.start();
  }

  @AfterAll
  void stop() {
    if (peer != null) {
      peer.close();
    }
  }

  static Stream<Spoken> spoken() {
    return Asking.spoken();
  }

  static Stream<Arguments> spokenInBothModes() {
    return Asking.spokenInBothModes();
  }

  @ParameterizedTest
  @MethodSource("spoken")
  void aStreamThatIsCutIsNotTakenForWhole(Spoken spoken) throws Exception {
    String story =
        "Once upon a time there was a wren that sang in a hedge, and a cat that did not.";
    try (Asking asking = new Asking(peer, spoken)) {
      LlmException failure = asking.failing(Mode.STREAMED, "Tell me a long story.");

      assertThat(failure.code()).as(failure.getMessage()).isEqualTo(ErrorCode.ANSWER_INCOMPLETE);
      assertThat(failure.partial()).isNotEmpty().isEqualTo(String.join("", asking.parts));
      assertThat(story).startsWith(failure.partial()).isNotEqualTo(failure.partial());
      assertThat(asking.journal()).hasSize(1);
    }
  }

  @ParameterizedTest
  @MethodSource("spoken")
  void aStreamThatFallsSilentIsLeft(Spoken spoken) throws Exception {
    CallLimits impatient = new CallLimits(Duration.ofSeconds(20), Duration.ofMillis(700), 1_000);
    try (Asking asking = new Asking(peer, spoken)) {
      long began = System.nanoTime();
      LlmException failure = asking.failing(Mode.STREAMED, "Tell me slowly.", impatient);

      assertThat(failure.code()).as(failure.getMessage()).isEqualTo(ErrorCode.TIMEOUT);
      assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(15));
      assertThat(asking.journal()).hasSize(1);
    }
  }

  /** What the peer is asked to say, and what has to come of it. */
  enum Refusal {
    LIMITED("Again?", ErrorCode.RATE_LIMITED),
    OVERLOADED("Are you busy?", ErrorCode.MODEL_OVERLOADED),
    BROKEN("Are you well?", ErrorCode.MODEL_FAILED),
    TOO_LONG("Is this too much?", ErrorCode.CONTEXT_TOO_LONG),
    FORBIDDEN("May I?", ErrorCode.ACCESS_DENIED),
    UNKNOWN("Who knows what nobody wrote down?", ErrorCode.MODEL_REFUSED);

    final String question;
    final ErrorCode code;

    Refusal(String question, ErrorCode code) {
      this.question = question;
      this.code = code;
    }
  }

  static Stream<Arguments> refusals() {
    return Stream.of(Refusal.values())
        .flatMap(
            refusal ->
                spokenInBothModes().map(it -> Arguments.of(refusal, it.get()[0], it.get()[1])));
  }

  @ParameterizedTest
  @MethodSource("refusals")
  void aRefusalIsClassifiedAndNotRepeated(Refusal refusal, Spoken spoken, Mode mode)
      throws Exception {
    try (Asking asking = new Asking(peer, spoken)) {
      LlmException failure = asking.failing(mode, refusal.question);

      assertThat(failure.code()).as(failure.getMessage()).isEqualTo(refusal.code);
      assertThat(asking.journal()).hasSize(1);
      assertThat(failure.status())
          .isEqualTo(asking.journal().get(0).response().path("status").asInt());
      if (refusal == Refusal.LIMITED) {
        assertThat(failure.retryAfter()).contains(Duration.ofSeconds(7));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("spokenInBothModes")
  void aGovernedModelWaitsAsLongAsItIsToldAndAsksAgain(Spoken spoken, Mode mode) throws Exception {
    try (Asking asking = new Asking(peer, spoken);
        GovernedModel model = GovernedModel.builder(asking.provider).limits(LIMITS).build()) {
      long began = System.nanoTime();
      LlmResponse answer =
          mode == Mode.WHOLE
              ? model.generate(request("Once more?"))
              : model.stream(request("Once more?"), CallOptions.USUAL, asking.parts::add);

      assertThat(answer.text()).isEqualTo("Gladly.");
      assertThat(Duration.ofNanos(System.nanoTime() - began)).isGreaterThan(Duration.ofSeconds(1));
      assertThat(asking.journal())
          .extracting(asked -> asked.response().path("status").asInt())
          .containsExactly(429, 200);
    }
  }

  /** Faults that the peer makes of any answer, by a header. */
  enum Fault {
    DROP(ErrorCode.MODEL_FAILED),
    RATELIMIT(ErrorCode.RATE_LIMITED),
    MALFORMED(ErrorCode.ANSWER_INCOMPLETE),
    DISCONNECT(ErrorCode.MODEL_UNREACHABLE);

    final ErrorCode code;

    Fault(ErrorCode code) {
      this.code = code;
    }
  }

  static Stream<Arguments> faults() {
    return Stream.of(Fault.values())
        .flatMap(
            fault -> spokenInBothModes().map(it -> Arguments.of(fault, it.get()[0], it.get()[1])));
  }

  @ParameterizedTest
  @MethodSource("faults")
  void aFaultIsNeverTakenForAnAnswer(Fault fault, Spoken spoken, Mode mode) throws Exception {
    try (Asking asking =
        new Asking(
            peer,
            spoken,
            preset ->
                preset
                    .apiKey(Aimock.KEY)
                    .header("x-aimock-chaos-" + fault.name().toLowerCase(Locale.ROOT), "1"))) {
      LlmException failure = asking.failing(mode, "Which bird was it?");

      // A broken object where a stream was due is a page, not a part of an answer.
      assertThat(failure.code())
          .as(failure.getMessage())
          .isEqualTo(
              fault == Fault.MALFORMED && mode == Mode.STREAMED
                  ? ErrorCode.MODEL_UNREACHABLE
                  : fault.code);
      assertThat(asking.journal()).hasSize(1);
      assertThat(asking.parts).isEmpty();
    }
  }

  @ParameterizedTest
  @MethodSource("spoken")
  void aKeyIsInNoLogWhetherItIsAcceptedOrNot(Spoken spoken) throws Exception {
    String wrong = "sk-wrong0a1b2c3d4e5f60718293";
    Logger root = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    Level before = root.getLevel();
    var console = root.getAppender("console");
    ListAppender<ILoggingEvent> log = new ListAppender<>();
    log.start();
    root.addAppender(log);
    root.detachAppender("console");
    root.setLevel(Level.TRACE);
    StringWriter all = new StringWriter();
    try (Asking right = new Asking(peer, spoken);
        Asking other = new Asking(peer, spoken, wrong)) {
      for (Mode mode : Mode.values()) {
        right.ask(mode, "Which bird was it?");
        LlmException failure = other.failing(mode, "Which bird was it?");
        assertThat(failure.code()).isEqualTo(ErrorCode.ACCESS_DENIED);
        assertThat(failure.status()).isEqualTo(401);
        failure.printStackTrace(new PrintWriter(all, true));
      }
    } finally {
      root.setLevel(before);
      root.detachAppender(log);
      if (console != null) {
        root.addAppender(console);
      }
    }
    for (ILoggingEvent event : log.list) {
      all.append(event.getFormattedMessage()).append(Arrays.toString(event.getArgumentArray()));
    }
    assertThat(all.toString()).isNotEmpty().doesNotContain(Aimock.KEY, wrong);
  }
}
