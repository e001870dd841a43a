package dev.troupe.providers;

import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.CompleteToolCall;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.PartialThinking;
import dev.langchain4j.model.chat.response.PartialThinkingContext;
import dev.langchain4j.model.chat.response.PartialToolCall;
import dev.langchain4j.model.chat.response.PartialToolCallContext;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.troupe.llm.LlmSink;
import java.util.HashSet;
import java.util.Set;
import java.util.function.BiPredicate;

/** Hands the parts of a stream on to the sink, within the limit, until the call failed. */
final class Parts implements StreamingChatResponseHandler {
  private final Call call;
  private final LlmSink sink;
  private final BiPredicate<Call, Throwable> said;
  private final long most;
  private final StringBuilder shown = new StringBuilder();
  private final Set<Integer> begunTools = new HashSet<>();
  private long characters;

  Parts(Call call, LlmSink sink, BiPredicate<Call, Throwable> said) {
    this.said = said;
    this.call = call;
    this.sink = sink;
    this.most = call.limits().maxCharacters();
  }

  /** The text that the sink was given. */
  String shown() {
    return shown.toString();
  }

  private void give(String part, Runnable giving) {
    if (call.failed() || part.isEmpty()) {
      return;
    }
    characters += part.length();
    if (characters > most) {
      throw call.tooLarge();
    }
    try {
      giving.run();
    } catch (Throwable thrown) {
      call.fail(thrown);
      throw thrown;
    }
  }

  @Override
  public void onPartialResponse(PartialResponse part, PartialResponseContext context) {
    give(
        part.text(),
        () -> {
          shown.append(part.text());
          sink.text(part.text());
        });
  }

  @Override
  public void onPartialThinking(PartialThinking part, PartialThinkingContext context) {
    give(part.text(), () -> sink.thinking(part.text()));
  }

  @Override
  public void onPartialToolCall(PartialToolCall part, PartialToolCallContext context) {
    begunTools.add(part.index());
    give(
        part.partialArguments(),
        () -> sink.toolCall(part.index(), part.name(), part.partialArguments()));
  }

  @Override
  public void onCompleteToolCall(CompleteToolCall whole) {
    String arguments = whole.toolExecutionRequest().arguments();
    if (begunTools.add(whole.index()) && arguments != null) {
      String name = whole.toolExecutionRequest().name();
      give(arguments, () -> sink.toolCall(whole.index(), name, arguments));
    }
  }

  @Override
  public void onCompleteResponse(ChatResponse whole) {
    call.answered(whole);
  }

  @Override
  public void onError(Throwable error) {
    if (!call.failed() && !said.test(call, error)) {
      call.damaged(error);
    }
  }
}
