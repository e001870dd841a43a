package dev.troupe.llm;

import dev.langchain4j.model.chat.Capability;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.troupe.ErrorCode;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A langchain4j model as a provider.
 *
 * <p>The model is called on a thread of its own, which is interrupted when the call ends before the
 * model does: a model that honours interruption closes its connection then, and one that does not
 * holds a thread but not the caller. Context that hangs on the calling thread (a logger's, a
 * tracer's) is not there. Where there is only a blocking model, a stream is silent until its one
 * part comes, so that both limits bound it.
 */
final class LangChainProvider implements LlmProvider {
  private final CallThreads threads = new CallThreads();
  private final String name;
  private final String model;
  private final @Nullable ChatModel chat;
  private final @Nullable StreamingChatModel streaming;

  LangChainProvider(
      String name, String model, @Nullable ChatModel chat, @Nullable StreamingChatModel streaming) {
    this.name = Objects.requireNonNull(name, "name");
    this.model = Objects.requireNonNull(model, "model");
    if (chat == null && streaming == null) {
      throw new IllegalArgumentException("one of chat and streaming must be given for " + name);
    }
    this.chat = chat;
    this.streaming = streaming;
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
    return (chat == null || takesJsonSchema(chat.supportedCapabilities()))
        && (streaming == null || takesJsonSchema(streaming.supportedCapabilities()));
  }

  private static boolean takesJsonSchema(Set<Capability> capabilities) {
    return capabilities.contains(Capability.RESPONSE_FORMAT_JSON_SCHEMA);
  }

  @Override
  public LlmResponse generate(ChatRequest request, CallLimits limits) throws InterruptedException {
    long began = System.nanoTime();
    ChatModel blocking = chat;
    if (blocking == null) {
      return stream(request, limits, part -> {});
    }
    ChatResponse response = whole(blocking, request, limits, limits.timeLimit());
    return answer(request, response, began);
  }

  @Override
  public LlmResponse stream(ChatRequest request, CallLimits limits, LlmSink sink)
      throws InterruptedException {
    long began = System.nanoTime();
    Given given = new Given(sink);
    StreamingChatModel inParts = streaming;
    ChatResponse response;
    if (inParts != null) {
      response = streamed(inParts, request, limits, given);
    } else {
      Duration shorter =
          limits.idleLimit().compareTo(limits.timeLimit()) < 0
              ? limits.idleLimit()
              : limits.timeLimit();
      response = whole(Objects.requireNonNull(chat), request, limits, shorter);
    }
    given.rest(response.aiMessage());
    return answer(request, response, began);
  }

  private ChatResponse whole(
      ChatModel blocking, ChatRequest request, CallLimits limits, Duration within)
      throws InterruptedException {
    if (Thread.interrupted()) {
      throw new InterruptedException(name + ": interrupted before the model was asked");
    }
    Future<ChatResponse> asked = threads.start(name, () -> blocking.chat(request));
    try {
      ChatResponse response = asked.get(StreamedCall.nanos(within), TimeUnit.NANOSECONDS);
      return WholeAnswer.of(name, response, limits, false);
    } catch (TimeoutException late) {
      throw WholeAnswer.failure(ErrorCode.TIMEOUT, name, "no answer within " + within);
    } catch (ExecutionException failed) {
      throw failure(failed, request, new Given(part -> {}));
    } finally {
      asked.cancel(true);
    }
  }

  private ChatResponse streamed(
      StreamingChatModel inParts, ChatRequest request, CallLimits limits, Given given)
      throws InterruptedException {
    if (Thread.interrupted()) {
      throw new InterruptedException(name + ": interrupted before the model was asked");
    }
    StreamedCall call = new StreamedCall(name, limits, System.nanoTime());
    Future<?> asked =
        threads.start(
            name,
            () -> {
              try {
                inParts.chat(request, call);
              } catch (Throwable thrown) {
                call.onError(thrown);
              }
              return null;
            });
    boolean whole = false;
    try {
      for (Consumer<LlmSink> part = call.next(); part != null; part = call.next()) {
        part.accept(given);
      }
      whole = true;
    } catch (StreamedCall.StreamEnd end) {
      throw failure(end, request, given);
    } finally {
      // a model that has ended in order may still be about to give its connection back
      if (!whole) {
        call.leave();
        asked.cancel(true);
      }
    }
    try {
      return WholeAnswer.of(name, call.answer(), limits, true);
    } catch (LlmException incomplete) {
      throw incomplete.after(given.text());
    }
  }

  /** What is thrown for what a model threw; an error of the JVM is thrown as it is. */
  private LlmException failure(Exception carrier, ChatRequest request, Given given) {
    Throwable thrown = carrier.getCause() == null ? carrier : carrier.getCause();
    if (thrown instanceof Error error) {
      throw error;
    }
    LlmException failure = Failures.of(name, thrown, !given.nothing());
    failure = Echo.removed(failure, request, given.text());
    return given.text().isEmpty() ? failure : failure.after(given.text());
  }

  private LlmResponse answer(ChatRequest request, ChatResponse response, long began) {
    Duration latency = Duration.ofNanos(Math.max(1, System.nanoTime() - began));
    return new LlmResponse(
        named(request, response), name, true, latency, null, Map.of(), List.of());
  }

  /** Models that do not say which of them answered are taken for the one that was asked. */
  private ChatResponse named(ChatRequest request, ChatResponse response) {
    if (response.modelName() != null) {
      return response;
    }
    String asked = request.modelName() == null ? model : request.modelName();
    return response.toBuilder()
        .metadata(response.metadata().toBuilder().modelName(asked).build())
        .build();
  }

  @Override
  public void close() {
    threads.close();
  }
}
