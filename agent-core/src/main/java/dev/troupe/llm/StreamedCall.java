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
import dev.troupe.ErrorCode;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One streamed call: a model calls back on its threads, and the calling thread takes the parts. At
 * most {@link #ROOM} of them lie between; a model that is faster waits, until the call's end at the
 * latest. The first end counts, whoever brings it about; what comes later is dropped.
 */
final class StreamedCall implements StreamingChatResponseHandler {
  private static final int ROOM = 64;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition filled = lock.newCondition();
  private final Condition emptied = lock.newCondition();
  private final ArrayDeque<Consumer<LlmSink>> parts = new ArrayDeque<>();
  private final Set<Integer> tools = new HashSet<>();
  private final String provider;
  private final CallLimits limits;
  private final long deadline;
  private final long idle;
  private volatile @Nullable StreamingHandle handle;
  private long heard;
  private long characters;
  private @Nullable ChatResponse answer;
  private @Nullable Throwable failure;
  private boolean ended;

  StreamedCall(String provider, CallLimits limits, long began) {
    this.provider = provider;
    this.limits = limits;
    this.deadline = began + nanos(limits.timeLimit());
    this.idle = nanos(limits.idleLimit());
    this.heard = began;
  }

  /** Far less than what overflows a sum with the clock. */
  static long nanos(Duration duration) {
    return TimeUnit.SECONDS.toNanos(Math.min(duration.toSeconds(), 3_000_000_000L))
        + duration.toNanosPart();
  }

  /**
   * The next part, for the calling thread.
   *
   * @return null when the answer is whole
   * @throws StreamEnd when the call failed; what the model failed with comes after all its parts
   */
  @Nullable Consumer<LlmSink> next() throws InterruptedException, StreamEnd {
    lock.lockInterruptibly();
    try {
      for (; ; ) {
        long now = System.nanoTime();
        if (!ended && deadline - now <= 0) {
          throw new StreamEnd(late("timeLimit, " + limits.timeLimit()));
        }
        Consumer<LlmSink> part = parts.poll();
        if (part != null) {
          emptied.signal();
          return part;
        }
        if (failure != null) {
          throw new StreamEnd(failure);
        }
        if (ended) {
          return null;
        }
        if (heard + idle - now <= 0) {
          throw new StreamEnd(late("idleLimit, " + limits.idleLimit()));
        }
        filled.awaitNanos(Math.min(deadline - now, heard + idle - now));
      }
    } finally {
      lock.unlock();
    }
  }

  /** What the model gave as the whole, after {@link #next} gave null. */
  @Nullable ChatResponse answer() {
    lock.lock();
    try {
      return answer;
    } finally {
      lock.unlock();
    }
  }

  /** The calling thread goes: nothing more is taken, and the model is told. */
  void leave() {
    lock.lock();
    try {
      ended = true;
      parts.clear();
      emptied.signalAll();
    } finally {
      lock.unlock();
    }
    cancel();
  }

  private LlmException late(String which) {
    return WholeAnswer.failure(ErrorCode.TIMEOUT, provider, which);
  }

  private void add(int length, @Nullable StreamingHandle from, Consumer<LlmSink> part) {
    if (from != null) {
      handle = from;
    }
    lock.lock();
    try {
      heard = System.nanoTime();
      characters += length;
      if (characters > limits.maxCharacters()) {
        end(null, WholeAnswer.tooLarge(provider, limits));
      }
      awaitRoom();
      heard = System.nanoTime();
      if (!ended) {
        parts.add(part);
        filled.signal();
        return;
      }
    } finally {
      lock.unlock();
    }
    cancel();
  }

  private void awaitRoom() {
    while (!ended && parts.size() >= ROOM) {
      long left = deadline - System.nanoTime();
      if (left <= 0) {
        end(null, late("timeLimit, " + limits.timeLimit()));
        return;
      }
      try {
        emptied.awaitNanos(left);
      } catch (InterruptedException e) {
        // the part is lost, and with it the answer
        Thread.currentThread().interrupt();
        end(null, e);
      }
    }
  }

  private void end(@Nullable ChatResponse answer, @Nullable Throwable failure) {
    lock.lock();
    try {
      if (!ended) {
        ended = true;
        this.answer = answer;
        this.failure = failure;
        filled.signal();
        emptied.signalAll();
      }
    } finally {
      lock.unlock();
    }
  }

  private void cancel() {
    StreamingHandle known = handle;
    if (known != null && !known.isCancelled()) {
      try {
        known.cancel();
      } catch (RuntimeException unable) {
        // some models can't; their thread is interrupted as well
      }
    }
  }

  private void text(@Nullable String text, @Nullable StreamingHandle from) {
    if (text != null && !text.isEmpty()) {
      add(text.length(), from, sink -> sink.text(text));
    }
  }

  private void thinking(@Nullable String text, @Nullable StreamingHandle from) {
    if (text != null && !text.isEmpty()) {
      add(text.length(), from, sink -> sink.thinking(text));
    }
  }

  private void tool(PartialToolCall call, @Nullable StreamingHandle from) {
    String part = call.partialArguments();
    lock.lock();
    try {
      tools.add(call.index());
    } finally {
      lock.unlock();
    }
    add(part.length(), from, sink -> sink.toolCall(call.index(), call.name(), part));
  }

  @Override
  public void onPartialResponse(String part) {
    text(part, null);
  }

  @Override
  public void onPartialResponse(PartialResponse part, PartialResponseContext context) {
    text(part.text(), context.streamingHandle());
  }

  @Override
  public void onPartialThinking(PartialThinking part) {
    thinking(part.text(), null);
  }

  @Override
  public void onPartialThinking(PartialThinking part, PartialThinkingContext context) {
    thinking(part.text(), context.streamingHandle());
  }

  @Override
  public void onPartialToolCall(PartialToolCall part) {
    tool(part, null);
  }

  @Override
  public void onPartialToolCall(PartialToolCall part, PartialToolCallContext context) {
    tool(part, context.streamingHandle());
  }

  /** For models that stream no pieces of arguments. */
  @Override
  public void onCompleteToolCall(CompleteToolCall call) {
    ToolExecutionRequest request = call.toolExecutionRequest();
    String arguments = request.arguments();
    boolean inPieces;
    lock.lock();
    try {
      inPieces = !tools.add(call.index());
    } finally {
      lock.unlock();
    }
    if (!inPieces && arguments != null && !arguments.isEmpty()) {
      add(arguments.length(), null, sink -> sink.toolCall(call.index(), request.name(), arguments));
    }
  }

  @Override
  public void onCompleteResponse(ChatResponse response) {
    end(response, null);
  }

  @Override
  public void onError(Throwable error) {
    end(null, error);
  }

  /** Carries what ended the call, so that nothing that a sink throws is taken for it. */
  static final class StreamEnd extends Exception {
    private static final long serialVersionUID = 1L;

    StreamEnd(Throwable why) {
      super(null, why, false, false);
    }
  }
}
