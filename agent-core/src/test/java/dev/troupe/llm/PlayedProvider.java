package dev.troupe.llm;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.output.FinishReason;
import dev.langchain4j.model.output.TokenUsage;
import dev.troupe.ErrorCode;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CopyOnWriteArrayList;

/** A provider that plays one act after another, and the last one for ever. */
final class PlayedProvider implements LlmProvider {
  final List<ChatRequest> asked = new CopyOnWriteArrayList<>();
  final List<CallLimits> limits = new CopyOnWriteArrayList<>();
  private final String name;
  private final String model;
  private final Queue<Act> acts = new ArrayDeque<>();
  boolean takesJsonSchema;

  /** What it does when asked. */
  @FunctionalInterface
  interface Act {
    LlmResponse play(ChatRequest request, LlmSink sink) throws InterruptedException;
  }

  PlayedProvider(String name, String model, Act... acts) {
    this.name = name;
    this.model = model;
    this.acts.addAll(List.of(acts));
  }

  static Act says(String text) {
    return (request, sink) -> {
      for (String word : text.split("(?<= )")) {
        sink.text(word);
      }
      return response(AiMessage.from(text), FinishReason.STOP);
    };
  }

  static Act fails(ErrorCode code) {
    return fails(code, null);
  }

  static Act fails(ErrorCode code, Duration retryAfter) {
    return (request, sink) -> {
      throw LlmException.of(code, "played", "played " + code)
          .retryAfter(retryAfter)
          .status(503)
          .build();
    };
  }

  static Act breaksAfter(String part) {
    return (request, sink) -> {
      sink.text(part);
      throw LlmException.of(ErrorCode.ANSWER_INCOMPLETE, "played", "cut off").partial(part).build();
    };
  }

  static LlmResponse response(AiMessage message, FinishReason reason) {
    ChatResponse response =
        ChatResponse.builder()
            .aiMessage(message)
            .id("id-1")
            .modelName("served-1")
            .tokenUsage(new TokenUsage(10, 20))
            .finishReason(reason)
            .build();
    return new LlmResponse(
        response,
        "played",
        true,
        Duration.ofNanos(1_234_567),
        null,
        Map.of("x-request-id", "r-1"),
        List.of());
  }

  static ChatRequest ask(String text) {
    return ChatRequest.builder().messages(UserMessage.from(text)).build();
  }

  private LlmResponse play(ChatRequest request, LlmSink sink) throws InterruptedException {
    asked.add(request);
    Act act = acts.size() > 1 ? acts.poll() : acts.peek();
    return act.play(request, sink);
  }

  int calls() {
    return asked.size();
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public String model() {
    return model;
  }

  @Override
  public boolean takesJsonSchema() {
    return takesJsonSchema;
  }

  @Override
  public LlmResponse generate(ChatRequest request, CallLimits limits) throws InterruptedException {
    this.limits.add(limits);
    return play(request, part -> {});
  }

  @Override
  public LlmResponse stream(ChatRequest request, CallLimits limits, LlmSink sink)
      throws InterruptedException {
    this.limits.add(limits);
    return play(request, sink);
  }
}
