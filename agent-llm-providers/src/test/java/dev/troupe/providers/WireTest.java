package dev.troupe.providers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.troupe.ErrorCode;
import dev.troupe.llm.CallLimits;
import dev.troupe.llm.LlmException;
import dev.troupe.llm.LlmProvider;
import dev.troupe.llm.LlmResponse;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.slf4j.LoggerFactory;

/** Connections, keys, headers and how calls are left, for every provider. */
@Timeout(60)
class WireTest {
  private static final ChatRequest REQUEST =
      ChatRequest.builder().messages(UserMessage.from("Which bird was it?")).build();
  private static final CallLimits LIMITS =
      new CallLimits(Duration.ofSeconds(20), Duration.ofSeconds(10), 100_000);
  private static final String CANARY = "sk-canary5f9a0b1c2d3e4f506172";

  private static void wholly(Spoken spoken, RawPeer.Request request, RawPeer.Reply reply)
      throws IOException {
    String[] headers = {"X-Request-Id: r-17", "X-RateLimit-Remaining-Requests: 41", "Server: s"};
    if (!request.stream()) {
      reply.whole(200, "application/json", spoken.whole("A wren.", "stop"), headers);
      return;
    }
    reply.begin(200, spoken.type(), headers);
    for (String event : spoken.stream(List.of("A ", "wren."), "stop")) {
      reply.part(spoken.bytes(event));
    }
    reply.end();
  }

  private static RawPeer whole(Spoken spoken) {
    return new RawPeer((request, reply) -> wholly(spoken, request, reply));
  }

  @ParameterizedTest
  @EnumSource(Spoken.class)
  void tenCallsUseOneConnectionInPlainHttp11(Spoken spoken) throws Exception {
    try (RawPeer peer = whole(spoken);
        LlmProvider provider = spoken.at(peer, "k-1")) {
      for (int i = 0; i < 5; i++) {
        assertThat(provider.generate(REQUEST, LIMITS).text()).isEqualTo("A wren.");
        assertThat(provider.stream(REQUEST, LIMITS, part -> {}).text()).isEqualTo("A wren.");
      }
      assertThat(peer.connections).hasValue(1);
      assertThat(peer.requests).hasSize(10);
      assertThat(peer.requests)
          .allSatisfy(
              request -> {
                assertThat(request.line()).endsWith(" HTTP/1.1");
                assertThat(request.headers()).doesNotContainKeys("upgrade", "http2-settings");
              });
    }
  }

  @ParameterizedTest
  @EnumSource(Spoken.class)
  void aKeyThatWasReplacedIsSentWithTheNextRequestOverTheSameConnection(Spoken spoken)
      throws Exception {
    AtomicReference<String> key = new AtomicReference<>("k-old");
    try (RawPeer peer = whole(spoken);
        LlmProvider provider = spoken.at(peer, key::get)) {
      provider.generate(REQUEST, LIMITS);
      key.set("k-new");
      provider.generate(REQUEST, LIMITS);
      provider.stream(REQUEST, LIMITS, part -> {});
      assertThat(peer.requests).extracting(spoken::key).containsExactly("k-old", "k-new", "k-new");
      assertThat(peer.requests.toString()).doesNotContain(Key.ELSEWHERE);
      assertThat(peer.connections).hasValue(1);
      key.set(" ");
      LlmException failure =
          (LlmException) catchThrowable(() -> provider.generate(REQUEST, LIMITS));
      assertThat(failure.code()).isEqualTo(ErrorCode.ACCESS_DENIED);
      assertThat(failure).hasMessageContaining("apiKey(...)");
    }
  }

  @ParameterizedTest
  @EnumSource(Spoken.class)
  void headersThatTellAreKept(Spoken spoken) throws Exception {
    try (RawPeer peer = whole(spoken);
        LlmProvider provider = spoken.at(peer, "k-1")) {
      LlmResponse answer = provider.stream(REQUEST, LIMITS, part -> {});
      assertThat(answer.headers())
          .containsEntry("x-request-id", "r-17")
          .containsEntry("x-ratelimit-remaining-requests", "41")
          .doesNotContainKey("server");
      if (spoken.hasUsageInStreams()) {
        assertThat(answer.response().tokenUsage().inputTokenCount()).isEqualTo(3);
      }
      assertThat(provider.generate(REQUEST, LIMITS).response().tokenUsage().outputTokenCount())
          .isEqualTo(5);
    }
    try (RawPeer peer =
            new RawPeer(
                (request, reply) ->
                    reply.whole(500, "application/json", "{}", "X-Request-Id: r-18"));
        LlmProvider provider = spoken.at(peer, "k-1")) {
      LlmException failure =
          (LlmException) catchThrowable(() -> provider.generate(REQUEST, LIMITS));
      assertThat(failure.requestId()).contains("r-18");
      assertThat(failure.status()).isEqualTo(500);
    }
  }

  @ParameterizedTest
  @EnumSource(Spoken.class)
  void aCallerThatIsInterruptedAtAnyPartClosesTheConnection(Spoken spoken) throws Exception {
    for (int last = 1; last <= 3; last++) {
      int parts = last;
      try (RawPeer peer =
              new RawPeer(
                  (request, reply) -> {
                    reply.begin(200, spoken.type());
                    for (String event : spoken.begin()) {
                      reply.part(spoken.bytes(event));
                    }
                    for (int i = 0; i < parts; i++) {
                      reply.part(spoken.bytes(spoken.part("part " + i)));
                    }
                    reply.silence();
                  });
          LlmProvider provider = spoken.at(peer, "k-1")) {
        List<String> seen = new ArrayList<>();
        assertThatThrownBy(
                () ->
                    provider.stream(
                        REQUEST,
                        LIMITS,
                        part -> {
                          seen.add(part);
                          if (seen.size() == parts) {
                            Thread.currentThread().interrupt();
                          }
                        }))
            .isInstanceOf(InterruptedException.class);
        assertThat(Thread.interrupted()).isFalse();
        assertThat(peer.leftWithin(1_000)).as("left after part " + parts).isTrue();
        assertThat(seen).hasSize(parts);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Spoken.class)
  void anAnswerWithoutEndIsLeftAtTheLimit(Spoken spoken) throws Exception {
    byte[] block = "x".repeat(64 * 1024).getBytes(java.nio.charset.StandardCharsets.US_ASCII);
    try (RawPeer peer =
            new RawPeer(
                (request, reply) -> {
                  reply.begin(200, "application/json");
                  reply.part("{\"id\":\"");
                  while (true) {
                    reply.part(block);
                  }
                });
        LlmProvider provider = spoken.at(peer, "k-1")) {
      LlmException failure =
          (LlmException) catchThrowable(() -> provider.generate(REQUEST, LIMITS));
      assertThat(failure.code()).isEqualTo(ErrorCode.LIMIT_EXCEEDED);
      assertThat(peer.leftWithin(2_000)).isTrue();
      assertThat(peer.sent.get()).isLessThan(32L << 20);
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Spoken.class,
      names = {"OPEN_AI", "AZURE", "ANTHROPIC", "GEMINI", "MISTRAL"})
  void commentsKeepAStreamAlive(Spoken spoken) throws Exception {
    CallLimits impatient = new CallLimits(Duration.ofSeconds(20), Duration.ofMillis(600), 1_000);
    try (RawPeer peer =
            new RawPeer(
                (request, reply) -> {
                  reply.begin(200, spoken.type());
                  for (int i = 0; i < 10; i++) {
                    reply.part(": still here\n\n");
                    TimeUnit.MILLISECONDS.sleep(100);
                  }
                  for (String event : spoken.stream(List.of("A ", "wren."), "stop")) {
                    reply.part(spoken.bytes(event));
                  }
                  reply.end();
                });
        LlmProvider provider = spoken.at(peer, "k-1")) {
      assertThat(provider.stream(REQUEST, impatient, part -> {}).text()).isEqualTo("A wren.");
    }
  }

  @ParameterizedTest
  @EnumSource(Spoken.class)
  void aKeyIsInNoMessageNoNameAndNoLog(Spoken spoken) throws Exception {
    Logger root = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    Level before = root.getLevel();
    ListAppender<ILoggingEvent> log = new ListAppender<>();
    log.start();
    root.addAppender(log);
    root.detachAppender("console");
    root.setLevel(Level.DEBUG);
    StringWriter all = new StringWriter();
    try (RawPeer peer =
            new RawPeer(
                (request, reply) ->
                    reply.whole(
                        401,
                        "application/json",
                        "{\"error\":{\"message\":\"no such key: " + CANARY + "\"}}"));
        LlmProvider provider = spoken.at(peer, CANARY)) {
      for (int i = 0; i < 2; i++) {
        boolean streamed = i == 1;
        catchThrowable(
                () -> {
                  if (streamed) {
                    provider.stream(REQUEST, LIMITS, part -> {});
                  } else {
                    provider.generate(REQUEST, LIMITS);
                  }
                })
            .printStackTrace(new PrintWriter(all, true));
      }
      all.append(provider.toString()).append(spoken.preset(peer.at("")).apiKey(CANARY).toString());
      log.list.forEach(event -> all.append(event.getFormattedMessage()).append('\n'));
    } finally {
      root.setLevel(before);
      root.detachAppender(log);
    }
    assertThat(all.toString()).contains(spoken.provider).doesNotContain(CANARY);
  }

  @Test
  void aHostMovesFromOneProviderToTheNextByOneLine() throws Exception {
    try (RawPeer openAi = whole(Spoken.OPEN_AI);
        RawPeer ollama = whole(Spoken.OLLAMA);
        RawPeer bedrock = whole(Spoken.BEDROCK)) {
      Preset[] lines = {
        OpenAi.model("gpt-4o-mini").endpoint(openAi.at("/v1")).apiKey("k-1"),
        Ollama.model("llama3.2").endpoint(ollama.at("")),
        Bedrock.model("amazon.nova-lite-v1:0", "eu-central-1")
            .endpoint(bedrock.at(""))
            .apiKey("k-2"),
      };
      for (Preset line : lines) {
        assertThat(host(line)).isEqualTo("A wren. A wren.");
      }
      assertThat(openAi.requests.get(0).body()).contains("gpt-4o-mini").contains("0.25");
      assertThat(ollama.requests.get(0).body()).contains("llama3.2").contains("0.25");
      assertThat(bedrock.requests.get(0).line()).contains("amazon.nova-lite-v1");
      assertThat(bedrock.requests.get(0).body()).contains("0.25");
    }
  }

  /** What a host does, whoever provides. */
  private static String host(Preset line) throws InterruptedException {
    try (LlmProvider provider =
        line.parameters(ChatRequestParameters.builder().temperature(0.25).build())
            .account("team-a")
            .build()) {
      StringBuilder parts = new StringBuilder();
      provider.stream(REQUEST, LIMITS, parts::append);
      return parts + " " + provider.generate(REQUEST, LIMITS).text();
    }
  }

  @Test
  void bedrockSignsWhereNoKeyIsGiven() throws Exception {
    try (RawPeer peer = whole(Spoken.BEDROCK);
        LlmProvider provider =
            Bedrock.model(
                    "m-1",
                    "eu-central-1",
                    software.amazon.awssdk.auth.credentials.StaticCredentialsProvider.create(
                        software.amazon.awssdk.auth.credentials.AwsBasicCredentials.create(
                            "AKIDEXAMPLE", "secret")))
                .endpoint(peer.at(""))
                .build()) {
      provider.stream(REQUEST, LIMITS, part -> {});
      assertThat(peer.requests.get(0).headers().get("authorization"))
          .startsWith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
          .contains("/eu-central-1/bedrock/");
    }
  }

  @Test
  void azuresOlderApisAreAskedByDeploymentAndVersion() throws Exception {
    try (RawPeer peer = whole(Spoken.AZURE);
        LlmProvider provider =
            AzureOpenAi.model("d-1", "2024-10-21").endpoint(peer.at("")).apiKey("k-1").build()) {
      provider.generate(REQUEST, LIMITS);
      assertThat(peer.requests.get(0).line())
          .startsWith("POST /openai/deployments/d-1/chat/completions?api-version=2024-10-21 ");
    }
  }

  @Test
  void aMissingKeyIsNamedByOptionAndVariable() {
    assertThatThrownBy(() -> Mistral.model("m-1").build())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("apiKey(...)")
        .hasMessageContaining("MISTRAL_API_KEY");
    assertThatThrownBy(() -> AzureOpenAi.model("d-1").apiKey("k").build())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("endpoint(...)");
    assertThatThrownBy(() -> OpenAi.model("m-1").header("Authorization", "Bearer x"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("apiKey(...)");
  }

  @Test
  void whoIsNotThereIsUnreachable() throws Exception {
    URI nobody;
    try (RawPeer peer = whole(Spoken.OLLAMA)) {
      nobody = peer.at("");
    }
    try (LlmProvider provider = Ollama.model("m-1").endpoint(nobody).build()) {
      LlmException failure =
          (LlmException) catchThrowable(() -> provider.generate(REQUEST, LIMITS));
      assertThat(failure.code()).isEqualTo(ErrorCode.MODEL_UNREACHABLE);
      assertThat(failure).hasMessageContaining(nobody.toString());
    }
  }
}
