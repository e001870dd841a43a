package dev.troupe.testkit;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.output.FinishReason;
import dev.langchain4j.model.output.TokenUsage;
import dev.troupe.ErrorCode;
import dev.troupe.llm.CallLimits;
import dev.troupe.llm.LlmException;
import dev.troupe.llm.LlmProvider;
import dev.troupe.llm.LlmResponse;
import dev.troupe.llm.LlmSink;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Plays one answer within its limits, on the thread that asked. */
final class ScriptedCall {
  private static final long FOR_EVER = Long.MAX_VALUE / 4;

  private final LlmProvider provider;
  private final ChatRequest request;
  private final CallLimits limits;
  private final @Nullable LlmSink sink;
  private final long start = System.nanoTime();
  private final StringBuilder partial = new StringBuilder();
  private long lastPart = start;
  private long characters;

  /** For a null sink the answer is wanted as a whole. */
  ScriptedCall(
      LlmProvider provider, ChatRequest request, CallLimits limits, @Nullable LlmSink sink) {
    this.provider = provider;
    this.request = request;
    this.limits = limits;
    this.sink = sink;
  }

  LlmResponse play(ScriptedAnswer answer) throws InterruptedException {
    silence(answer.delay().toNanos());
    AiMessage message = named(answer.said());
    List<ScriptedAnswer.Part> parts = answer.parts();
    int given = 0;
    do {
      for (ScriptedAnswer.Part part : parts) {
        if (given == answer.whole()) {
          throw end(answer);
        }
        give(part, message, given == 0 ? Duration.ZERO : answer.pause());
        given++;
      }
    } while (answer.endless());
    if (answer.whole() >= 0) {
      throw end(answer);
    }
    silence(0);
    if (answer.reason() == FinishReason.CONTENT_FILTER) {
      throw ScriptedFailures.after(
          ScriptedFailures.of(ErrorCode.CONTENT_REFUSED, provider.name()), partial.toString());
    }
    return new LlmResponse(
        response(answer, message),
        provider.name(),
        true,
        Duration.ofNanos(System.nanoTime() - start),
        null,
        answer.header(),
        List.of());
  }

  /** Too early. */
  private LlmException end(ScriptedAnswer answer) throws InterruptedException {
    LlmException failure = answer.failure(provider.name());
    if (failure == null) {
      silence(FOR_EVER);
      throw new AssertionError("silence without end has ended");
    }
    return ScriptedFailures.after(failure, partial.toString());
  }

  private void give(ScriptedAnswer.Part part, AiMessage message, Duration pause)
      throws InterruptedException {
    silence(sink == null ? 0 : pause.toNanos());
    characters += part.text().length();
    if (characters > limits.maxCharacters()) {
      throw failed(
          ErrorCode.LIMIT_EXCEEDED,
          "the answer has more than " + limits.maxCharacters() + " characters");
    }
    if (sink == null) {
      return;
    }
    switch (part.kind()) {
      case TEXT -> {
        partial.append(part.text());
        sink.text(part.text());
      }
      case THINKING -> sink.thinking(part.text());
      case TOOL_CALL ->
          sink.toolCall(
              part.call(), message.toolExecutionRequests().get(part.call()).name(), part.text());
    }
    lastPart = System.nanoTime(); // however long the sink took, that was not the model's silence
  }

  private void silence(long nanos) throws InterruptedException {
    if (Thread.interrupted()) {
      throw new InterruptedException("interrupted while a scripted model answered");
    }
    long now = System.nanoTime();
    long left = limits.timeLimit().toNanos() - (now - start);
    long idle = sink == null ? FOR_EVER : limits.idleLimit().toNanos() - (now - lastPart);
    TimeUnit.NANOSECONDS.sleep(Math.min(nanos, Math.min(left, idle)));
    if (left <= nanos && left <= idle) {
      throw failed(ErrorCode.TIMEOUT, "no answer within " + limits.timeLimit());
    }
    if (idle <= nanos) {
      throw failed(ErrorCode.TIMEOUT, "the stream was silent for " + limits.idleLimit());
    }
  }

  private LlmException failed(ErrorCode code, String message) {
    return LlmException.of(code, provider.name(), message).partial(partial.toString()).build();
  }

  /** Ids that depend on the request alone, so that a call that is made again gets them again. */
  private AiMessage named(AiMessage message) {
    if (message.toolExecutionRequests().stream().allMatch(call -> call.id() != null)) {
      return message;
    }
    String fingerprint = fingerprint();
    List<ToolExecutionRequest> calls = new ArrayList<>();
    for (ToolExecutionRequest call : message.toolExecutionRequests()) {
      String id = "call_" + fingerprint + "_" + calls.size();
      calls.add(call.id() == null ? call.toBuilder().id(id).build() : call);
    }
    return message.toBuilder().toolExecutionRequests(calls).build();
  }

  private ChatResponse response(ScriptedAnswer answer, AiMessage message) {
    TokenUsage usage = answer.tokens();
    if (usage == null) {
      usage = new TokenUsage(RequestJson.inputTokens(request), RequestJson.tokens(characters));
    }
    String asked = request.modelName() == null ? provider.model() : request.modelName();
    return ChatResponse.builder()
        .aiMessage(message)
        .id(answer.id() == null ? "scripted-" + fingerprint() : answer.id())
        .modelName(answer.model() == null ? asked : answer.model())
        .tokenUsage(usage)
        .finishReason(answer.reason())
        .build();
  }

  private String fingerprint() {
    return RequestJson.fingerprint(RequestJson.document(request));
  }
}
