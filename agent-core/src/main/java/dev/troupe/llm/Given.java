package dev.troupe.llm;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.data.message.AiMessage;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A sink, and what it was given. Used by the calling thread alone. */
final class Given implements LlmSink {
  private final LlmSink sink;
  private final StringBuilder text = new StringBuilder();
  private final Set<Integer> tools = new HashSet<>();
  private boolean thought;

  Given(LlmSink sink) {
    this.sink = sink;
  }

  @Override
  public void text(String part) {
    // before it is handed on: a sink that fails with it may have shown it
    text.append(part);
    sink.text(part);
  }

  @Override
  public void thinking(String part) {
    thought = true;
    sink.thinking(part);
  }

  @Override
  public void toolCall(int index, String name, String part) {
    tools.add(index);
    sink.toolCall(index, name, part);
  }

  /** Hands on what a whole answer has and its parts had not, as one part each. */
  void rest(AiMessage message) {
    if (!thought && has(message.thinking())) {
      thinking(message.thinking());
    }
    if (text.isEmpty() && has(message.text())) {
      text(message.text());
    }
    List<ToolExecutionRequest> calls = message.toolExecutionRequests();
    for (int i = 0; i < calls.size(); i++) {
      if (!tools.contains(i) && has(calls.get(i).arguments())) {
        toolCall(i, calls.get(i).name(), calls.get(i).arguments());
      }
    }
  }

  private static boolean has(@Nullable String text) {
    return text != null && !text.isEmpty();
  }

  String text() {
    return text.toString();
  }

  boolean nothing() {
    return text.isEmpty() && !thought && tools.isEmpty();
  }
}
