package dev.troupe.llm;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.CompleteToolCall;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.PartialThinking;
import dev.langchain4j.model.chat.response.PartialThinkingContext;
import dev.langchain4j.model.chat.response.PartialToolCall;
import dev.langchain4j.model.chat.response.PartialToolCallContext;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.chat.response.StreamingHandle;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A stream for a langchain4j handler: its parts in order, then exactly one terminal event. */
final class StreamCall implements LlmSink, StreamingHandle {
  private static final Logger LOG = LoggerFactory.getLogger(GovernedModel.class);

  private final StreamingChatResponseHandler handler;
  private final ReentrantLock lock = new ReentrantLock();
  private @Nullable Thread asking;
  private volatile boolean cancelled;

  StreamCall(StreamingChatResponseHandler handler) {
    this.handler = handler;
  }

  /** What asks, and hands the parts to this. */
  @FunctionalInterface
  interface Source {
    LlmResponse stream(LlmSink sink) throws InterruptedException;
  }

  /**
   * Asks on this thread. An error by which a run leaves its stack passes, and no terminal event
   * comes: the run goes on elsewhere.
   */
  void run(Source source) {
    ChatResponse answer;
    try {
      begin();
      answer = source.stream(this).response();
      List<ToolExecutionRequest> calls = answer.aiMessage().toolExecutionRequests();
      for (int i = 0; i < calls.size(); i++) {
        check();
        handler.onCompleteToolCall(new CompleteToolCall(i, calls.get(i)));
      }
      end();
      check();
    } catch (InterruptedException stopped) {
      end();
      if (!cancelled) {
        Thread.currentThread().interrupt();
      }
      failed(new CancellationException("the stream was interrupted or cancelled"));
      return;
    } catch (RuntimeException failure) {
      end();
      failed(failure);
      return;
    } finally {
      end();
    }
    try {
      handler.onCompleteResponse(answer);
    } catch (RuntimeException ignored) {
      LOG.warn("a handler threw {} at the end of its stream", ignored.getClass().getName());
    }
  }

  private void failed(Throwable failure) {
    try {
      handler.onError(failure);
    } catch (RuntimeException ignored) {
      LOG.warn("a handler threw {} when told of a failure", ignored.getClass().getName());
    }
  }

  // the parts

  @Override
  public void text(String part) {
    check();
    handler.onPartialResponse(new PartialResponse(part), new PartialResponseContext(this));
    check();
  }

  @Override
  public void thinking(String part) {
    check();
    handler.onPartialThinking(new PartialThinking(part), new PartialThinkingContext(this));
    check();
  }

  @Override
  public void toolCall(int index, String name, String part) {
    check();
    PartialToolCall call =
        PartialToolCall.builder().index(index).name(name).partialArguments(part).build();
    handler.onPartialToolCall(call, new PartialToolCallContext(this));
    check();
  }

  // cancelling, by any thread

  @Override
  public void cancel() {
    cancelled = true;
    lock.lock();
    try {
      if (asking != null && asking != Thread.currentThread()) {
        asking.interrupt();
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public boolean isCancelled() {
    return cancelled;
  }

  private void check() {
    if (cancelled) {
      throw new CancellationException("the stream was cancelled by its handler");
    }
  }

  private void begin() {
    lock.lock();
    try {
      asking = Thread.currentThread();
    } finally {
      lock.unlock();
    }
  }

  /** From now on nobody interrupts this thread for the sake of this stream. */
  private void end() {
    lock.lock();
    try {
      if (asking != null && cancelled) {
        Thread.interrupted();
      }
      asking = null;
    } finally {
      lock.unlock();
    }
  }
}
