package dev.troupe.llm.agent;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.output.FinishReason;
import dev.troupe.llm.CallLimits;
import dev.troupe.llm.LlmProvider;
import dev.troupe.llm.LlmResponse;
import dev.troupe.llm.LlmSink;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BiFunction;

/** A provider that answers by the number of answers that are in the conversation already. */
final class Script implements LlmProvider {
  final List<ChatRequest> requests = new CopyOnWriteArrayList<>();
  private final BiFunction<Integer, ChatRequest, ChatResponse> answers;

  Script(BiFunction<Integer, ChatRequest, ChatResponse> answers) {
    this.answers = answers;
  }

  /** These answers, of which the last is given again and again. */
  static Script of(ChatResponse... answers) {
    return new Script((n, request) -> answers[Math.min(n, answers.length - 1)]);
  }

  static ChatResponse text(String text) {
    return answer(AiMessage.from(text), FinishReason.STOP);
  }

  static ChatResponse calls(ToolExecutionRequest... calls) {
    return answer(AiMessage.from(Arrays.asList(calls)), FinishReason.TOOL_EXECUTION);
  }

  /** An answer that calls one tool. */
  static ChatResponse call(String tool, String arguments) {
    return calls(request("id-" + tool + "-" + arguments.hashCode(), tool, arguments));
  }

  static ToolExecutionRequest request(String id, String tool, String arguments) {
    return ToolExecutionRequest.builder().id(id).name(tool).arguments(arguments).build();
  }

  static ChatResponse answer(AiMessage message, FinishReason finish) {
    return ChatResponse.builder()
        .aiMessage(message)
        .finishReason(finish)
        .modelName("scripted")
        .id("answer")
        .build();
  }

  /** What the model was told about its calls, before its answer of this number, from 0. */
  List<String> toldBefore(int answer) {
    return results(answer).stream().map(ToolExecutionResultMessage::text).toList();
  }

  List<ToolExecutionResultMessage> results(int answer) {
    List<ChatMessage> messages = requests.get(answer).messages();
    int from = messages.size();
    while (from > 0 && messages.get(from - 1) instanceof ToolExecutionResultMessage) {
      from--;
    }
    return messages.subList(from, messages.size()).stream()
        .map(ToolExecutionResultMessage.class::cast)
        .toList();
  }

  @Override
  public String name() {
    return "script";
  }

  @Override
  public String model() {
    return "scripted";
  }

  @Override
  public LlmResponse generate(ChatRequest request, CallLimits limits) {
    requests.add(request);
    int given =
        (int) request.messages().stream().filter(message -> message instanceof AiMessage).count();
    return new LlmResponse(
        answers.apply(given, request), name(), true, Duration.ZERO, null, Map.of(), List.of());
  }

  @Override
  public LlmResponse stream(ChatRequest request, CallLimits limits, LlmSink sink) {
    LlmResponse response = generate(request, limits);
    if (!response.text().isEmpty()) {
      sink.text(response.text());
    }
    return response;
  }
}
