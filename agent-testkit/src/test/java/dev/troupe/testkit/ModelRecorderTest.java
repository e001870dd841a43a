package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.request.ResponseFormatType;
import dev.langchain4j.model.chat.request.json.JsonObjectSchema;
import dev.langchain4j.model.chat.request.json.JsonSchema;
import dev.troupe.ErrorCode;
import dev.troupe.llm.CallLimits;
import dev.troupe.llm.LlmException;
import dev.troupe.llm.LlmProvider;
import dev.troupe.llm.LlmResponse;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(60)
class ModelRecorderTest {
  private static final CallLimits USUAL = CallLimits.USUAL;

  @TempDir private Path folder;

  private Path file() {
    return folder.resolve("recordings").resolve("tea.json");
  }

  private static ChatRequest ask(String text) {
    return ScriptedModelTest.ask(text);
  }

  private static ChatRequest full(double temperature) {
    return ChatRequest.builder()
        .messages(
            SystemMessage.from("You sell tea."),
            UserMessage.from("tea?"),
            AiMessage.from(
                ToolExecutionRequest.builder().id("1").name("search").arguments("{}").build()),
            ToolExecutionResultMessage.from("1", "search", "three"))
        .toolSpecifications(
            ToolSpecification.builder()
                .name("search")
                .parameters(JsonObjectSchema.builder().addStringProperty("q").build())
                .build())
        .responseFormat(
            ResponseFormat.builder()
                .type(ResponseFormatType.JSON)
                .jsonSchema(
                    JsonSchema.builder()
                        .name("Price")
                        .rootElement(JsonObjectSchema.builder().addNumberProperty("price").build())
                        .build())
                .build())
        .temperature(temperature)
        .maxOutputTokens(100)
        .build();
  }

  private static void failing(LlmProvider provider, ChatRequest request, ErrorCode code) {
    assertThatThrownBy(() -> provider.generate(request, USUAL))
        .isInstanceOfSatisfying(
            LlmException.class, failure -> assertThat(failure.code()).isEqualTo(code));
  }

  @Test
  void whatWasRecordedIsAnsweredAgain() throws Exception {
    ScriptedModel provider =
        ScriptedModel.answering("openai", "gpt")
            .then(
                ScriptedAnswer.text("Tea costs three.")
                    .thinking("hm")
                    .andToolCall("pay", "{\"price\":3}")
                    .usage(11, 22)
                    .headers(Map.of("x-request-id", "r1")))
            .text("a b c")
            .truncated("half");
    LlmProvider recorder = ModelRecorder.of(provider, file());
    List<LlmResponse> recorded = new ArrayList<>();
    recorded.add(recorder.generate(full(0.5), USUAL));
    recorded.add(recorder.stream(ask("stream"), USUAL, new ScriptedModelTest.Heard()));
    recorded.add(recorder.generate(ask("long"), USUAL));

    ModelReplayer replayer = ModelReplayer.of(file());
    assertThat(replayer.name()).isEqualTo("openai");
    assertThat(replayer.model()).isEqualTo("gpt");
    ScriptedModelTest.Heard heard = new ScriptedModelTest.Heard();
    List<LlmResponse> replayed = new ArrayList<>();
    LlmResponse last = replayer.generate(ask("long"), USUAL); // in another order
    replayed.add(replayer.generate(full(0.5), USUAL));
    replayed.add(replayer.stream(ask("stream"), USUAL, heard));
    replayed.add(last);
    for (int i = 0; i < 3; i++) {
      assertThat(replayed.get(i).response()).isEqualTo(recorded.get(i).response());
      assertThat(replayed.get(i).headers()).isEqualTo(recorded.get(i).headers());
    }
    assertThat(heard.all).containsExactly("a ", "b ", "c");
    replayer.verifyDone();
  }

  @Test
  void failuresAreAnsweredAgainToo() throws Exception {
    LlmException busy =
        LlmException.of(ErrorCode.RATE_LIMITED, "openai", "slow down")
            .retryAfter(Duration.ofMillis(7_500))
            .status(429)
            .requestId("r1")
            .build();
    ScriptedModel provider =
        ScriptedModel.answering("openai", "gpt")
            .fails(busy)
            .text("now")
            .then(ScriptedAnswer.text("a b c").cutAfter(2));
    LlmProvider recorder = ModelRecorder.of(provider, file());
    failing(recorder, ask("tea?"), ErrorCode.RATE_LIMITED);
    assertThat(recorder.generate(ask("tea?"), USUAL).text()).isEqualTo("now");
    assertThatThrownBy(() -> recorder.stream(ask("cut"), USUAL, part -> {}))
        .isInstanceOf(LlmException.class);

    ModelReplayer replayer = ModelReplayer.of(file());
    assertThatThrownBy(() -> replayer.generate(ask("tea?"), USUAL))
        .isInstanceOfSatisfying(
            LlmException.class,
            failure -> {
              assertThat(failure).hasMessage("slow down");
              assertThat(failure.code()).isEqualTo(ErrorCode.RATE_LIMITED);
              assertThat(failure.provider()).isEqualTo("openai");
              assertThat(failure.retryAfter()).contains(Duration.ofMillis(7_500));
              assertThat(failure.status()).isEqualTo(429);
              assertThat(failure.requestId()).contains("r1");
            });
    for (int i = 0; i < 3; i++) { // the last one from then on
      assertThat(replayer.generate(ask("tea?"), USUAL).text()).isEqualTo("now");
    }
    ScriptedModelTest.Heard heard = new ScriptedModelTest.Heard();
    assertThatThrownBy(() -> replayer.stream(ask("cut"), USUAL, heard))
        .isInstanceOfSatisfying(
            LlmException.class,
            failure -> {
              assertThat(failure.code()).isEqualTo(ErrorCode.ANSWER_INCOMPLETE);
              assertThat(failure.partial()).isEqualTo("a b ");
            });
    assertThat(heard.all).containsExactly("a ", "b ");
  }

  @Test
  void aMissShowsTheNearestRequestAndWhatDiffers() throws Exception {
    ScriptedModel provider = ScriptedModel.answering().text("1").text("2").text("3");
    LlmProvider recorder = ModelRecorder.of(provider, file());
    recorder.generate(ask("something else altogether"), USUAL);
    recorder.generate(full(0.5), USUAL);
    recorder.generate(ask("how much is the tea at the shop?"), USUAL);
    ModelReplayer replayer = ModelReplayer.of(file());
    assertThatThrownBy(() -> replayer.generate(ask("how much is the tea in the shop?"), USUAL))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("tea.json has no such request. The nearest is exchange 3 of 3")
        .hasMessageContaining("/messages/0/contents/0/text")
        .hasMessageContaining("recorded: …how much is the tea at the shop?\"")
        .hasMessageContaining("asked:    …how much is the tea in the shop?\"");
    assertThatThrownBy(() -> replayer.stream(full(0.7), USUAL, part -> {}))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("exchange 2 of 3")
        .hasMessageContaining("/parameters/temperature\n      recorded: 0.5\n      asked:    0.7")
        .hasMessageNotContaining("/messages");
    assertThatThrownBy(replayer::verifyDone)
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("asked:    0.7")
        .hasMessageContaining("exchange 1 was not asked for")
        .hasMessageContaining("something else altogether");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\0',
      value = {
        "sk-proj-abcDEF123456789012345 | abcDEF123456789012345",
        "sk-ant-api03-abcdefghijkl_MNO | abcdefghijkl_MNO",
        "AKIAIOSFODNN7EXAMPLE | IOSFODNN7EXAMPLE",
        "AIzaSyA1234567890abcdefghijklmnopqrstuvw | SyA1234567890",
        "ghp_abcdefghijklmnopqrstuvwxyz0123456789 | abcdefghijkl",
        "xoxb-123456789012-abcdefghijkl | abcdefghijkl",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N | dozjgNryP4J3",
        "password=hunter22 | hunter22",
        "\"api_key\": \"abcdef123456\" | abcdef123456",
        "Authorization: Bearer abcdef123456 | abcdef123456",
        "redis://user:hunter22@host | hunter22",
        "-----BEGIN RSA PRIVATE KEY-----MIIabcdef-----END RSA PRIVATE KEY----- | MIIabcdef"
      })
  void whatLooksLikeAKeyIsNotWritten(String key, String secret) throws Exception {
    ScriptedModel provider =
        ScriptedModel.answering()
            .then(
                ScriptedAnswer.text("you said " + key)
                    .andToolCall("store", new ObjectMapper().writeValueAsString(Map.of("k", key)))
                    .headers(Map.of("x-echo", key)))
            .fails(LlmException.of(ErrorCode.ACCESS_DENIED, "openai", "wrong: " + key).build());
    LlmProvider recorder = ModelRecorder.of(provider, file());
    assertThat(recorder.generate(ask("use " + key), USUAL).text()).contains(key);
    failing(recorder, ask("again " + key), ErrorCode.ACCESS_DENIED);
    String written = Files.readString(file());
    assertThat(written)
        .contains("use ", "you said ", "wrong: ", "[redacted]")
        .doesNotContain(secret);
    // the replayer leaves it out as well, so another key is the same request
    assertThat(ModelReplayer.of(file()).generate(ask("use " + key), USUAL).text())
        .contains("[redacted]");
  }

  @Test
  void ordinaryTextIsLeftAlone() {
    String text =
        "The task-management token costs 3: risk-averse, max_tokens: 100, password: ***"
            + " http://a/b:c";
    assertThat(Redaction.ofKeys().apply(text)).isEqualTo(text);
  }

  @Test
  void whatElseIsLeftOutIsUpToTheUser() throws Exception {
    Redaction mine =
        Redaction.ofKeys()
            .words("Ada", "c++")
            .pattern(Pattern.compile("\\d{16}"))
            .text(text -> text.replace("Lovelace", "L."));
    String secrets = "ADA Lovelace pays c++ with 1234567812345678, key sk-abcdefghijklmnop";
    ModelRecorder.of(ScriptedModel.answering().text(secrets), file(), mine)
        .generate(ask(secrets), USUAL);
    assertThat(ModelReplayer.of(file(), mine).generate(ask(secrets), USUAL).text())
        .isEqualTo("[redacted] L. pays [redacted] with [redacted], key [redacted]");
    assertThatThrownBy(() -> ModelReplayer.of(file()).generate(ask(secrets), USUAL))
        .isInstanceOf(AssertionError.class);
    ModelRecorder.of(ScriptedModel.answering().text(secrets), file(), Redaction.none())
        .generate(ask(secrets), USUAL);
    assertThat(Files.readString(file())).contains(secrets);
    assertThatThrownBy(() -> mine.words("")).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void theFileIsADocumentToBeReadInADiff() throws Exception {
    for (int i = 0; i < 2; i++) {
      ScriptedModel provider = ScriptedModel.answering("openai", "gpt").text("three").text("four");
      LlmProvider recorder = ModelRecorder.of(provider, file());
      recorder.generate(full(0.5), USUAL);
      recorder.generate(ask("x"), USUAL);
      if (i == 0) {
        Files.move(file(), folder.resolve("before.json"));
      }
    }
    String text = Files.readString(file());
    assertThat(file()).hasSameTextualContentAs(folder.resolve("before.json"));
    assertThat(text.lines().count()).isGreaterThan(40);
    assertThat(text).startsWith("{\n  \"format\" : 1,\n").endsWith("}\n").doesNotContain("\r");
    JsonNode root = new ObjectMapper().readTree(text);
    assertThat(root.at("/exchanges/0/request/parameters/responseFormat/schema/properties/price"))
        .isNotEmpty();
    assertThat(root.at("/exchanges/0/request/tools/0/name").asText()).isEqualTo("search");
    assertThat(root.at("/exchanges/1/answer/message/text").asText()).isEqualTo("four");
    try (Stream<Path> all = Files.list(file().getParent())) {
      assertThat(all).containsExactly(file());
    }
  }

  @Test
  void severalThreadsRecordOneFile() throws Exception {
    LlmProvider recorder =
        ModelRecorder.of(
            ScriptedModel.answering()
                .otherwise(request -> ScriptedAnswer.text(RequestJson.brief(request))),
            file());
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try {
      List<Future<LlmResponse>> all = new ArrayList<>();
      for (int i = 0; i < 40; i++) {
        ChatRequest request = ask("question " + i);
        all.add(threads.submit(() -> recorder.generate(request, USUAL)));
      }
      for (Future<LlmResponse> one : all) {
        one.get();
      }
    } finally {
      threads.shutdownNow();
    }
    ModelReplayer replayer = ModelReplayer.of(file());
    for (int i = 0; i < 40; i++) {
      assertThat(replayer.generate(ask("question " + i), USUAL).text())
          .contains("\"question " + i + "\"");
    }
    replayer.verifyDone();
  }

  @Test
  void anEditedRequestIsFoundByWhatItSaysNow() throws Exception {
    ModelRecorder.of(ScriptedModel.answering().text("three"), file()).generate(ask("tea?"), USUAL);
    Files.writeString(file(), Files.readString(file()).replace("tea?", "coffee?"));
    assertThat(ModelReplayer.of(file()).generate(ask("coffee?"), USUAL).text()).isEqualTo("three");
  }

  @Test
  void whatIsNoRecordingIsRefused() throws IOException {
    Path other = folder.resolve("other.json");
    assertThatThrownBy(() -> ModelReplayer.of(other))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("other.json; write it with a ModelRecorder first");
    Files.writeString(other, "{\"format\":2}");
    assertThatThrownBy(() -> ModelReplayer.of(other))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("not a recording of format 1 but of 2");
    Files.writeString(other, "{\"format\":1,");
    assertThatThrownBy(() -> ModelReplayer.of(other))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("is not JSON");
    Files.writeString(other, "{\"format\":1,\"exchanges\":[{\"request\":{}}]}");
    assertThatThrownBy(() -> ModelReplayer.of(other))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("exchange 1 has not a request and either an answer or a failure");
  }

  @Test
  void recorderAndReplayerPassLimitsAndNamesOn() {
    LlmProvider recorder =
        ModelRecorder.of(ScriptedModel.answering("openai", "gpt").text("too long"), file());
    assertThat(recorder.name()).isEqualTo("openai");
    assertThat(recorder.model()).isEqualTo("gpt");
    assertThat(recorder.account()).isEqualTo("default");
    CallLimits small = new CallLimits(Duration.ofMinutes(1), Duration.ofMinutes(1), 3);
    assertThatThrownBy(() -> recorder.generate(ask("a"), small)).isInstanceOf(LlmException.class);
    failing(ModelReplayer.of(file()), ask("a"), ErrorCode.LIMIT_EXCEEDED);
  }
}
