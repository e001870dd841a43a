package dev.troupe.testkit;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.exception.HttpException;
import dev.langchain4j.internal.ExceptionMapper;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.PartialToolCall;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.chat.response.StreamingHandle;
import dev.langchain4j.model.output.FinishReason;
import dev.langchain4j.model.output.TokenUsage;
import dev.troupe.llm.LlmException;
import dev.troupe.llm.LlmProvider;
import java.io.IOException;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** Langchain4j models that do what a script says; the streaming one on a thread of its own. */
final class ScriptedPeer implements LlmPeer {
  private static final String REDUNDANT = "x".repeat(1_000);

  private final Script script;
  private final LlmProvider provider;
  private final AtomicInteger requests = new AtomicInteger();
  private final AtomicLong sent = new AtomicLong();
  private final CountDownLatch left = new CountDownLatch(1);

  ScriptedPeer(Script script, boolean chat, boolean streaming) {
    this.script = script;
    this.provider =
        LlmProvider.of(
            "scripted", "model-1", chat ? new Whole() : null, streaming ? new InParts() : null);
  }

  @Override
  public LlmProvider provider() {
    return provider;
  }

  @Override
  public int requests() {
    return requests.get();
  }

  @Override
  public long sent() {
    return sent.get();
  }

  @Override
  public boolean left() {
    return left.getCount() == 0;
  }

  @Override
  public void close() {
    left.countDown();
    provider.close();
  }

  private static RuntimeException http(int status, String message) {
    return ExceptionMapper.DEFAULT.mapException(
        new HttpException(status, "{\"error\":{\"message\":\"" + message + "\"}}"));
  }

  private void mayFail() {
    requests.incrementAndGet();
    switch (script) {
      case LIMITED ->
          throw LlmException.http("scripted", 429, Map.of("retry-after", "7"), "", null);
      case SPENT ->
          throw ExceptionMapper.DEFAULT.mapException(
              new HttpException(429, "{\"error\":{\"code\":\"insufficient_quota\"}}"));
      case OVERLOADED -> throw http(529, "busy");
      case FAILED -> throw http(500, "failed");
      case DENIED -> throw http(401, "wrong key: " + KEY);
      case TOO_LONG -> throw http(400, "prompt is too long: 3 tokens > 2 maximum");
      case FILTERED -> throw http(400, "blocked due to safety");
      case REFUSED -> throw http(400, "can't read: " + PROMPT);
      case SILENT -> awaitLeft();
      default -> {}
    }
  }

  private void awaitLeft() {
    try {
      left.await();
    } catch (InterruptedException e) {
      left.countDown();
      throw new IllegalStateException("interrupted", e);
    }
  }

  private ChatResponse answer() {
    AiMessage message =
        switch (script) {
          case TOOL ->
              AiMessage.from(
                  ToolExecutionRequest.builder().id("1").name(TOOL).arguments(ARGUMENTS).build());
          case LARGE -> AiMessage.from("x".repeat(100_000));
          default -> AiMessage.from(String.join("", PARTS));
        };
    ChatResponse.Builder answer =
        ChatResponse.builder().aiMessage(message).tokenUsage(new TokenUsage(3, 5));
    if (script != Script.NO_REASON) {
      answer.finishReason(script == Script.TOOL ? FinishReason.TOOL_EXECUTION : FinishReason.STOP);
    }
    return answer.build();
  }

  private final class Whole implements ChatModel {
    @Override
    public ChatResponse doChat(ChatRequest request) {
      mayFail();
      return answer();
    }
  }

  private final class InParts implements StreamingChatModel, StreamingHandle {
    @Override
    public void doChat(ChatRequest request, StreamingChatResponseHandler handler) {
      if (script == Script.SILENT) {
        mayFail();
        return;
      }
      Thread thread =
          new Thread(
              () -> {
                try {
                  mayFail();
                  stream(handler);
                } catch (RuntimeException | IOException failed) {
                  handler.onError(failed);
                }
              },
              "scripted peer");
      thread.setDaemon(true);
      thread.start();
    }

    private void stream(StreamingChatResponseHandler handler) throws IOException {
      switch (script) {
        case STALLS -> text(handler, PARTS.get(0));
        case CUT -> {
          text(handler, PARTS.get(0));
          throw new IOException("closed");
        }
        case DRIPS -> {
          do {
            text(handler, PARTS.get(0));
          } while (!waited(100));
        }
        case ENDLESS -> {
          while (!isCancelled()) {
            text(handler, REDUNDANT);
          }
        }
        case LARGE -> {
          for (int i = 0; i < 100; i++) {
            text(handler, REDUNDANT);
          }
          handler.onCompleteResponse(answer());
        }
        case TOOL -> {
          for (String part : new String[] {ARGUMENTS.substring(0, 5), ARGUMENTS.substring(5)}) {
            handler.onPartialToolCall(
                PartialToolCall.builder().index(0).name(TOOL).partialArguments(part).build());
          }
          handler.onCompleteResponse(answer());
        }
        default -> {
          PARTS.forEach(part -> text(handler, part));
          handler.onCompleteResponse(answer());
        }
      }
    }

    private boolean waited(int millis) {
      try {
        return left.await(millis, TimeUnit.MILLISECONDS);
      } catch (InterruptedException e) {
        throw new IllegalStateException("interrupted", e);
      }
    }

    private void text(StreamingChatResponseHandler handler, String part) {
      handler.onPartialResponse(new PartialResponse(part), new PartialResponseContext(this));
      sent.addAndGet(part.length());
    }

    @Override
    public void cancel() {
      left.countDown();
    }

    @Override
    public boolean isCancelled() {
      return left();
    }
  }
}
