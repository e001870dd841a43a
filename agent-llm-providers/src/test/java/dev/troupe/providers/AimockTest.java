package dev.troupe.providers;

import static dev.troupe.providers.Asking.LIMITS;
import static dev.troupe.providers.Asking.request;
import static org.assertj.core.api.Assertions.assertThat;

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
import dev.troupe.llm.Answer;
import dev.troupe.llm.GovernedModel;
import dev.troupe.llm.LlmResponse;
import dev.troupe.llm.LlmSink;
import dev.troupe.providers.Asking.Mode;
import java.util.ArrayList;
import java.util.List;
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

  static Stream<Spoken> spoken() {
    return Asking.spoken();
  }

  static Stream<Arguments> spokenInBothModes() {
    return Asking.spokenInBothModes();
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
    try (Asking asking = new Asking(peer, spoken)) {
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
    try (Asking asking = new Asking(peer, spoken)) {
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
    try (Asking asking = new Asking(peer, spoken)) {
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
    try (Asking asking = new Asking(peer, spoken)) {
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
    try (Asking asking = new Asking(peer, spoken)) {
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
    try (Asking asking = new Asking(peer, spoken);
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
    try (Asking asking = new Asking(peer, spoken)) {
      LlmResponse answer = asking.ask(mode, "Tell me all of it.");
      assertThat(answer.response().finishReason()).isEqualTo(FinishReason.LENGTH);
      assertThat(answer.text()).isEqualTo("It began in a hedge and went on to");
    }
  }
}
