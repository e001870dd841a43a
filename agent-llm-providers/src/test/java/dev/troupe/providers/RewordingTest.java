package dev.troupe.providers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.output.FinishReason;
import dev.troupe.ErrorCode;
import dev.troupe.llm.CallLimits;
import dev.troupe.llm.LlmException;
import dev.troupe.llm.LlmProvider;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What providers say and LangChain4j reads wrongly, or not at all. */
@Timeout(60)
class RewordingTest {
  private static final ChatRequest REQUEST =
      ChatRequest.builder().messages(UserMessage.from("How is the weather?")).build();
  private static final CallLimits LIMITS =
      new CallLimits(Duration.ofSeconds(20), Duration.ofSeconds(5), 100_000);

  private static RawPeer saying(Spoken spoken, String... lines) {
    return new RawPeer(
        (request, reply) -> {
          if (request.stream()) {
            stream(spoken, reply, lines);
          } else {
            reply.whole(200, "application/json", lines[0]);
          }
        });
  }

  private static void stream(Spoken spoken, RawPeer.Reply reply, String[] lines)
      throws IOException {
    reply.begin(200, spoken.type());
    for (String line : lines) {
      reply.part(spoken == Spoken.OLLAMA ? line + "\n" : spoken.data(line));
    }
    reply.end();
  }

  private static ChatResponse ask(LlmProvider provider, boolean streamed)
      throws InterruptedException {
    return streamed
        ? provider.stream(REQUEST, LIMITS, part -> {}).response()
        : provider.generate(REQUEST, LIMITS).response();
  }

  private static String gemini(String part, String reason) {
    return "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":["
        + part
        + "]},\"finishReason\":\""
        + reason
        + "\"}],\"usageMetadata\":{\"promptTokenCount\":3,\"candidatesTokenCount\":5,"
        + "\"totalTokenCount\":8},\"modelVersion\":\"m-1\"}";
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void geminisAnswerThatEndedWithACallOfAToolIsRead(boolean streamed) throws Exception {
    String call = "{\"functionCall\":{\"name\":\"weather\",\"args\":{\"city\":\"Oslo\"}}}";
    try (RawPeer peer = saying(Spoken.GEMINI, gemini(call, "FUNCTION_CALL"));
        LlmProvider provider = Spoken.GEMINI.at(peer, "k-1")) {
      ChatResponse answer = ask(provider, streamed);
      assertThat(answer.finishReason()).isEqualTo(FinishReason.TOOL_EXECUTION);
      assertThat(answer.aiMessage().toolExecutionRequests())
          .extracting(ToolExecutionRequest::name)
          .containsExactly("weather");
    }
  }

  @ParameterizedTest
  @CsvSource({
    "true, MADE_UP_LATER, reason that is not known (MADE_UP_LATER)",
    "false, MADE_UP_LATER, reason that is not known (MADE_UP_LATER)",
    "true, how is the weather, reason that is not known",
    "true, TOO_MANY_TOOL_CALLS, broke off (too_many_tool_calls)",
    "false, MISSING_THOUGHT_SIGNATURE, broke off (missing_thought_signature)",
  })
  void aReasonOfGeminiThatNobodyKnowsIsNotTakenForAnEnd(
      boolean streamed, String reason, String message) {
    try (RawPeer peer = saying(Spoken.GEMINI, gemini("{\"text\":\"Snow.\"}", reason));
        LlmProvider provider = Spoken.GEMINI.at(peer, "k-1")) {
      LlmException failure =
          catchThrowableOfType(LlmException.class, () -> ask(provider, streamed));
      assertThat(failure.code()).isEqualTo(ErrorCode.ANSWER_INCOMPLETE);
      assertThat(failure).hasMessageContaining(message);
      assertThat(failure.getMessage()).doesNotContain("weather");
    }
  }

  private static String tool(String city, String index) {
    return "{\"function\":{\"name\":\"weather\","
        + index
        + "\"arguments\":{\"city\":\""
        + city
        + "\"}}}";
  }

  private static String ollama(String tools) {
    return "{\"model\":\"m-1\",\"message\":{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":["
        + tools
        + "]},\"done\":false}";
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "\"index\":0,"})
  void ollamasCallsOfToolsStayApartWhateverTheirNumber(String index) throws Exception {
    String end =
        "{\"model\":\"m-1\",\"message\":{\"role\":\"assistant\",\"content\":\"\"},"
            + "\"done\":true,\"done_reason\":\"stop\"}";
    try (RawPeer peer =
            saying(
                Spoken.OLLAMA,
                ollama(tool("Oslo", index) + "," + tool("Rome", index)),
                ollama(tool("Bern", index)),
                end);
        LlmProvider provider = Spoken.OLLAMA.at(peer, "k-1")) {
      ChatResponse answer = ask(provider, true);
      assertThat(answer.finishReason()).isEqualTo(FinishReason.TOOL_EXECUTION);
      List<ToolExecutionRequest> asked = answer.aiMessage().toolExecutionRequests();
      assertThat(asked)
          .extracting(ToolExecutionRequest::arguments)
          .containsExactly("{\"city\":\"Oslo\"}", "{\"city\":\"Rome\"}", "{\"city\":\"Bern\"}");
    }
  }
}
