package dev.troupe.docs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.troupe.ErrorCode;
import dev.troupe.agent.AgentContext;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.llm.CallLimits;
import dev.troupe.llm.LlmException;
import dev.troupe.llm.LlmProvider;
import dev.troupe.resilience.RetryPolicy;
import dev.troupe.runtime.AgentRuntime;
import dev.troupe.testkit.ModelRecorder;
import dev.troupe.testkit.ModelReplayer;
import dev.troupe.testkit.RawHttpAnswer;
import dev.troupe.testkit.RawHttpStub;
import dev.troupe.testkit.Redaction;
import dev.troupe.testkit.ScriptedAnswer;
import dev.troupe.testkit.ScriptedModel;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The code of docs/testing-models.md. */
@Timeout(60)
class TestingModelsSnippetsTest {
  private static ChatRequest request(String text) {
    return ChatRequest.builder().messages(UserMessage.from(text)).build();
  }

  private static String ask(LlmProvider model, String text) throws InterruptedException {
    return model.generate(request(text), CallLimits.USUAL).text();
  }

  /** The agent under test. */
  private static String advise(LlmProvider model, String item, AgentContext context) {
    return context.step("ask", String.class, attempt -> ask(model, "What does " + item + " cost?"));
  }

  @Test
  void scripts() throws Exception {
    // snippet: scripted-model
    ScriptedModel model =
        ScriptedModel.answering()
            .fails(ErrorCode.MODEL_OVERLOADED)
            .expectThat(ScriptedModel.mentions("tea"), "asks for tea")
            .text("Tea costs three.");
    AgentDefinition<String, String> adviser =
        AgentDefinition.of(
                "adviser",
                String.class,
                String.class,
                (item, context) -> advise(model, item, context))
            .retry(RetryPolicy.fixed(3, Duration.ofMillis(5)))
            .build();

    try (AgentRuntime runtime = AgentRuntime.builder().agent(adviser).start()) {
      String advice = runtime.submit("adviser", "tea", String.class).await();
      assertThat(advice).isEqualTo("Tea costs three.");
    }
    assertThat(model.calls()).isEqualTo(2); // it was asked again
    model.verifyDone();
    // end
  }

  @Test
  void branches() throws Exception {
    // snippet: scripted-branches
    ScriptedModel model =
        ScriptedModel.answering()
            .when(
                ScriptedModel.mentions("cake"),
                "asks for cake",
                ScriptedAnswer.failure(ErrorCode.RATE_LIMITED),
                ScriptedAnswer.text("Cake costs nine."))
            .otherwise(request -> ScriptedAnswer.text("Ask at the shop."));
    // end
    assertThat(ask(model, "tea?")).isEqualTo("Ask at the shop.");
    assertThatThrownBy(() -> ask(model, "cake?")).isInstanceOf(LlmException.class);
    assertThat(ask(model, "cake?")).isEqualTo("Cake costs nine.");
  }

  @Test
  void faults() throws Exception {
    // snippet: scripted-faults
    ScriptedModel model =
        ScriptedModel.answering()
            .then(ScriptedAnswer.text("Tea costs three.").cutAfter(2)) // a stream breaks
            .then(ScriptedAnswer.text("Tea costs three.").stallsAfter(1)) // or says no more
            .then(ScriptedAnswer.text("Tea costs three.").after(Duration.ofMillis(20)))
            .then(ScriptedAnswer.endless("tea "))
            .truncatedToolCall("pay", "{\"price\":") // ran into the limit of tokens
            .toolCall("pay", "no JSON");
    // end
    CallLimits limits = new CallLimits(Duration.ofSeconds(5), Duration.ofMillis(50), 1_000);
    List<String> seen = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      try {
        seen.add(
            model.stream(request("tea?"), limits, part -> {}).response().finishReason().name());
      } catch (LlmException e) {
        seen.add(e.code().name());
      }
    }
    assertThat(seen)
        .containsExactly(
            "ANSWER_INCOMPLETE", "TIMEOUT", "STOP", "LIMIT_EXCEEDED", "LENGTH", "TOOL_EXECUTION");
    model.verifyDone();
  }

  @Test
  void chance() throws Exception {
    // snippet: scripted-chance
    ScriptedModel model =
        ScriptedModel.answering()
            .failsAtRandom(0.2, 42) // a fifth of the calls, the same ones each time
            .otherwise(request -> ScriptedAnswer.text("Tea costs three."));
    // end
    int failures = 0;
    for (int i = 0; i < 100; i++) {
      try {
        ask(model, "question " + i);
      } catch (LlmException e) {
        failures++;
      }
    }
    assertThat(failures).isBetween(5, 40);
  }

  @Test
  void recordings(@TempDir Path folder) throws Exception {
    LlmProvider provider = ScriptedModel.answering().text("Tea costs three.");
    Path file = folder.resolve("tea.json");
    // snippet: recorder
    Redaction redaction = Redaction.ofKeys().words("Ada Lovelace");
    LlmProvider model = ModelRecorder.of(provider, file, redaction);
    // end
    assertThat(ask(model, "tea for Ada Lovelace?")).isEqualTo("Tea costs three.");
    // snippet: replayer
    ModelReplayer replayer = ModelReplayer.of(file, redaction);
    String advice = ask(replayer, "tea for Ada Lovelace?");
    // end
    assertThat(advice).isEqualTo("Tea costs three.");
    replayer.verifyDone();
    assertThatThrownBy(() -> ask(replayer, "coffee?"))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("tea for [redacted]?");
  }

  @Test
  void wires() throws Exception {
    // snippet: raw-http
    try (RawHttpStub stub = RawHttpStub.start()) {
      stub.answer(
          RawHttpAnswer.openAiError(429, "rate_limit_exceeded", "slow down")
              .header("retry-after", "1"),
          RawHttpAnswer.openAiStream("Tea ", "costs ", "three.").first(2).reset(), // breaks off
          RawHttpAnswer.openAiStream("Tea ", "costs ", "three.").first(2), // ends as if it were all
          RawHttpAnswer.status(200).header("content-type", "text/html").part("<html>A proxy"),
          RawHttpAnswer.openAiStream("Tea ", "costs ", "three."));

      int requests = askUntilItIsWhole(stub.uri("/v1/chat/completions"));

      assertThat(requests).isEqualTo(5);
      assertThat(stub.requests().get(4).body()).contains("tea?");
      stub.verifyDone();
    }
    // end
  }

  private static int askUntilItIsWhole(URI uri) throws InterruptedException {
    HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    HttpRequest request =
        HttpRequest.newBuilder(uri).POST(HttpRequest.BodyPublishers.ofString("tea?")).build();
    for (int requests = 1; requests < 10; requests++) {
      try {
        String body = client.send(request, HttpResponse.BodyHandlers.ofString()).body();
        if (body.endsWith("[DONE]\n\n")) {
          return requests;
        }
      } catch (IOException broken) {
        assertThat(requests).isEqualTo(2);
      }
    }
    throw new AssertionError("no whole answer");
  }
}
