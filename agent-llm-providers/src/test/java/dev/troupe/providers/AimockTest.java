package dev.troupe.providers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.json.JsonObjectSchema;
import dev.langchain4j.model.output.FinishReason;
import dev.langchain4j.model.output.TokenUsage;
import dev.troupe.ErrorCode;
import dev.troupe.llm.Answer;
import dev.troupe.llm.CallLimits;
import dev.troupe.llm.CallOptions;
import dev.troupe.llm.GovernedModel;
import dev.troupe.llm.LlmException;
import dev.troupe.llm.LlmProvider;
import dev.troupe.llm.LlmResponse;
import dev.troupe.llm.LlmSink;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import java.util.function.UnaryOperator;
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

/**
 * The presets against a peer that others wrote from the providers' documents, so that a mistake of
 * ours about a protocol does not hide behind the same mistake in our own peers.
 */
@Tag("matrix")
@Timeout(60)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class AimockTest {
  private static final String TEXT =
      "It was a wren, «Troglodytes», 鷦鷯 🐦. It sang in the hedge all morning.";
  private static final CallLimits LIMITS =
      new CallLimits(Duration.ofSeconds(20), Duration.ofSeconds(5), 100_000);
  private static final ToolSpecification WEATHER =
      ToolSpecification.builder()
          .name("weather")
          .description("Says how the weather will be.")
          .parameters(
              JsonObjectSchema.builder()
                  .addStringProperty("city")
                  .addIntegerProperty("days", "how many days from now")
                  .required("city")
                  .build())
          .build();

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

  /** Whole, or as it comes. */
  enum Mode {
    WHOLE,
    STREAMED
  }

  /** The peer does not know how Mistral's streams differ from OpenAI's. */
  static Stream<Spoken> spoken() {
    return Stream.of(Spoken.values()).filter(it -> it != Spoken.MISTRAL);
  }

  static Stream<Arguments> spokenInBothModes() {
    return spoken().flatMap(it -> Stream.of(Mode.values()).map(mode -> Arguments.of(it, mode)));
  }

  /** What one test asks the peer, under a name that its journal knows. */
  private final class Asking implements AutoCloseable {
    final String test = UUID.randomUUID().toString();
    final Spoken spoken;
    final LlmProvider provider;
    final List<String> parts = new ArrayList<>();

    Asking(Spoken spoken, String key) {
      this(spoken, preset -> preset.apiKey(key));
    }

    Asking(Spoken spoken) {
      this(spoken, Aimock.KEY);
    }

    Asking(Spoken spoken, UnaryOperator<Preset> options) {
      this.spoken = spoken;
      Preset preset = spoken.preset(peer.at(spoken.path)).header("x-test-id", test);
      this.provider = options.apply(preset).build();
    }

    LlmResponse ask(Mode mode, ChatRequest request, CallLimits limits) throws InterruptedException {
      parts.clear();
      return mode == Mode.WHOLE
          ? provider.generate(request, limits)
          : provider.stream(request, limits, parts::add);
    }

    LlmResponse ask(Mode mode, String question) throws InterruptedException {
      return ask(mode, request(question), LIMITS);
    }

    LlmException failing(Mode mode, String question, CallLimits limits) {
      LlmException failure =
          catchThrowableOfType(LlmException.class, () -> ask(mode, request(question), limits));
      assertThat(failure).as("a failure, not %s", parts).isNotNull();
      assertThat(failure).hasMessageContaining(spoken.provider);
      assertThat(failure.toString()).doesNotContain(question, Aimock.KEY);
      return failure;
    }

    LlmException failing(Mode mode, String question) {
      return failing(mode, question, LIMITS);
    }

    List<Aimock.Asked> journal() throws Exception {
      return peer.asked(test);
    }

    @Override
    public void close() {
      provider.close();
    }
  }

  private static ChatRequest request(String question) {
    return ChatRequest.builder().messages(UserMessage.from(question)).build();
  }

  private static ChatRequest withWeather(ChatMessage... messages) {
    return ChatRequest.builder().messages(messages).toolSpecifications(WEATHER).build();
  }

  /** Where a request of the provider's has to go. */
  private static String path(Spoken spoken, Mode mode) {
    boolean whole = mode == Mode.WHOLE;
    return switch (spoken) {
      case OPEN_AI, MISTRAL -> "/v1/chat/completions";
      case AZURE -> "/openai/v1/chat/completions";
      case ANTHROPIC -> "/v1/messages";
      case GEMINI ->
          "/v1beta/models/m-1:" + (whole ? "generateContent" : "streamGenerateContent?alt=sse");
      case BEDROCK -> "/model/m-1/" + (whole ? "converse" : "converse-stream");
      case OLLAMA -> "/api/chat";
    };
  }

  @ParameterizedTest
  @MethodSource("spokenInBothModes")
  void anAnswerIsReadAndWhatWasSentIsWhatWasMeant(Spoken spoken, Mode mode) throws Exception {
    ChatRequest request =
        ChatRequest.builder()
            .messages(SystemMessage.from("You know birds."), UserMessage.from("Which bird was it?"))
            .temperature(0.25)
            .maxOutputTokens(77)
            .build();
    try (Asking asking = new Asking(spoken)) {
      LlmResponse answer = asking.ask(mode, request, LIMITS);

      assertThat(answer.text()).isEqualTo(TEXT);
      assertThat(answer.response().finishReason()).isEqualTo(FinishReason.STOP);
      assertThat(answer.model()).isEqualTo("m-1");
      assertThat(answer.headers()).containsKey("x-request-id");
      if (spoken != Spoken.OLLAMA) { // the peer says 0 for it, whatever was written down
        TokenUsage usage = answer.response().tokenUsage();
        assertThat(usage.inputTokenCount()).isEqualTo(11);
        assertThat(usage.outputTokenCount()).isEqualTo(13);
      }
      if (mode == Mode.STREAMED) {
        assertThat(asking.parts).hasSizeGreaterThan(5);
        assertThat(String.join("", asking.parts)).isEqualTo(TEXT);
      }
      assertThat(asking.journal()).hasSize(1);
      Aimock.Asked asked = asking.journal().get(0);
      assertThat(asked.method()).isEqualTo("POST");
      assertThat(asked.path()).isEqualTo(path(spoken, mode));
      assertThat(asked.body().path("model").asText()).isEqualTo("m-1");
      assertThat(asked.body().path("stream").asBoolean()).isEqualTo(mode == Mode.STREAMED);
      assertThat(asked.body().path("temperature").asDouble()).isEqualTo(0.25);
      assertThat(asked.body().path("messages").findValuesAsText("role"))
          .containsExactly("system", "user");
      assertThat(asked.body().path("messages").findValuesAsText("content"))
          .containsExactly("You know birds.", "Which bird was it?");
      assertThat(asked.body().findValuesAsText("max_tokens")).containsExactly("77");
    }
  }

  @ParameterizedTest
  @MethodSource("spokenInBothModes")
  void aRequestCarriesOneKeyAndAsksForNoOtherProtocol(Spoken spoken, Mode mode) throws Exception {
    List<String> keys =
        List.of("authorization", "x-api-key", "api-key", "x-goog-api-key", "xi-api-key");
    try (Asking asking = new Asking(spoken)) {
      asking.ask(mode, "Which bird was it?");

      JsonNode headers = asking.journal().get(0).headers();
      assertThat(keys.stream().filter(headers::has)).containsExactly(spoken.keyName());
      assertThat(headers.has("upgrade")).isFalse();
      assertThat(headers.has("http2-settings")).isFalse();
      assertThat(headers.path("connection").asText().toLowerCase(Locale.ROOT))
          .doesNotContain("upgrade");
      assertThat(headers.path("content-type").asText()).startsWith("application/json");
    }
  }

  @ParameterizedTest
  @MethodSource("spokenInBothModes")
  void aToolIsAskedForAndItsResultIsUnderstood(Spoken spoken, Mode mode) throws Exception {
    UserMessage question = UserMessage.from("How is the weather?");
    try (Asking asking = new Asking(spoken)) {
      LlmResponse answer = asking.ask(mode, withWeather(question), LIMITS);

      assertThat(answer.response().finishReason()).isEqualTo(FinishReason.TOOL_EXECUTION);
      ToolExecutionRequest asked = answer.message().toolExecutionRequests().get(0);
      assertThat(answer.message().toolExecutionRequests()).hasSize(1);
      assertThat(asked.name()).isEqualTo("weather");
      assertThat(json(asked.arguments()))
          .isEqualTo(json("{\"city\":\"Oslo\",\"days\":2,\"note\":\"\\\"ski\\\" & ø\"}"));

      LlmResponse end =
          asking.ask(
              mode,
              withWeather(
                  question,
                  answer.message(),
                  ToolExecutionResultMessage.from(asked, "{\"snow\":true}")),
              LIMITS);

      assertThat(end.text()).isEqualTo("Snow in Oslo, for two days.");
      assertThat(end.response().finishReason()).isEqualTo(FinishReason.STOP);
      List<Aimock.Asked> journal = asking.journal();
      assertThat(journal).hasSize(2);
      JsonNode function = journal.get(0).body().path("tools").path(0).path("function");
      assertThat(function.path("name").asText()).isEqualTo("weather");
      assertThat(function.path("description").asText()).isEqualTo("Says how the weather will be.");
      JsonNode parameters = function.path("parameters");
      assertThat(parameters.path("properties").path("days").path("description").asText())
          .isEqualTo("how many days from now");
      assertThat(parameters.path("required").toString()).isEqualTo("[\"city\"]");
      JsonNode sent = journal.get(1).body().path("messages");
      assertThat(sent.findValuesAsText("role")).containsExactly("user", "assistant", "tool");
      JsonNode call = sent.path(1).path("tool_calls").path(0).path("function");
      assertThat(call.path("name").asText()).isEqualTo("weather");
      assertThat(json(call.path("arguments").asText())).isEqualTo(json(asked.arguments()));
      assertThat(sent.path(2).path("content").toString()).contains("snow");
    }
  }

  @ParameterizedTest
  @MethodSource("spokenInBothModes")
  void twoToolsAreAskedForBesideAText(Spoken spoken, Mode mode) throws Exception {
    try (Asking asking = new Asking(spoken)) {
      LlmResponse answer =
          asking.ask(
              mode, withWeather(UserMessage.from("How is the weather here and there?")), LIMITS);

      assertThat(answer.text()).isEqualTo("Both, then.");
      assertThat(answer.response().finishReason()).isEqualTo(FinishReason.TOOL_EXECUTION);
      List<ToolExecutionRequest> asked = answer.message().toolExecutionRequests();
      assertThat(asked)
          .extracting(ToolExecutionRequest::name)
          .containsExactly("weather", "weather");
      assertThat(json(asked.get(0).arguments())).isEqualTo(json("{\"city\":\"Oslo\",\"days\":1}"));
      assertThat(json(asked.get(1).arguments())).isEqualTo(json("{\"city\":\"Rome\",\"days\":3}"));
    }
  }

  private static JsonNode json(String text) throws Exception {
    return new ObjectMapper().readTree(text);
  }

  @ParameterizedTest
  @MethodSource("spokenInBothModes")
  void whatAModelThinksIsNoPartOfItsAnswer(Spoken spoken, Mode mode) throws Exception {
    List<String> thoughts = new ArrayList<>();
    try (Asking asking = new Asking(spoken)) {
      ChatRequest request = request("Think: which bird was it?");
      LlmResponse answer =
          mode == Mode.WHOLE
              ? asking.provider.generate(request, LIMITS)
              : asking.provider.stream(
                  request,
                  LIMITS,
                  new LlmSink() {
                    @Override
                    public void text(String part) {
                      asking.parts.add(part);
                    }

                    @Override
                    public void thinking(String part) {
                      thoughts.add(part);
                    }
                  });

      assertThat(answer.text()).isEqualTo("A wren, I think.");
      assertThat(answer.response().finishReason()).isEqualTo(FinishReason.STOP);
      if (spoken != Spoken.OLLAMA) { // the peer calls it by a name that Ollama does not use
        assertThat(answer.message().thinking()).isEqualTo("Small, brown, and loud.");
      }
      if (mode == Mode.STREAMED) {
        assertThat(String.join("", asking.parts)).isEqualTo("A wren, I think.");
        assertThat(String.join("", thoughts))
            .isEqualTo(spoken == Spoken.OLLAMA ? "" : "Small, brown, and loud.");
      }
    }
  }

  /** What an answer is read into. */
  record Sighting(String bird, int count) {}

  @ParameterizedTest
  @MethodSource("spoken")
  void anAnswerIsReadIntoARecordWithoutARepair(Spoken spoken) throws Exception {
    try (Asking asking = new Asking(spoken);
        GovernedModel model = GovernedModel.builder(asking.provider).limits(LIMITS).build()) {
      Answer<Sighting> answer = model.generate(request("Which bird, as a record?"), Sighting.class);

      assertThat(answer.value()).isEqualTo(new Sighting("wren", 2));
      assertThat(answer.repairs()).isZero();
      assertThat(asking.journal()).hasSize(1);
    }
  }

  /** For Ollama the peer always says that an answer is whole. */
  static Stream<Arguments> spokenWithReasons() {
    return spokenInBothModes().filter(it -> it.get()[0] != Spoken.OLLAMA);
  }

  @ParameterizedTest
  @MethodSource("spokenWithReasons")
  void anAnswerThatTheLimitOfTokensCutSaysSo(Spoken spoken, Mode mode) throws Exception {
    try (Asking asking = new Asking(spoken)) {
      LlmResponse answer = asking.ask(mode, "Tell me all of it.");
      assertThat(answer.response().finishReason()).isEqualTo(FinishReason.LENGTH);
      assertThat(answer.text()).isEqualTo("It began in a hedge and went on to");
    }
  }

  @ParameterizedTest
  @MethodSource("spoken")
  void aStreamThatIsCutIsNotTakenForWhole(Spoken spoken) throws Exception {
    String story =
        "Once upon a time there was a wren that sang in a hedge, and a cat that did not.";
    try (Asking asking = new Asking(spoken)) {
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
    try (Asking asking = new Asking(spoken)) {
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
    try (Asking asking = new Asking(spoken)) {
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
    try (Asking asking = new Asking(spoken);
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
    try (Asking right = new Asking(spoken);
        Asking other = new Asking(spoken, wrong)) {
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
