package dev.troupe.testkit;

import dev.langchain4j.model.chat.request.ChatRequest;
import dev.troupe.ErrorCode;
import dev.troupe.llm.CallLimits;
import dev.troupe.llm.LlmException;
import dev.troupe.llm.LlmProvider;
import dev.troupe.llm.LlmResponse;
import dev.troupe.llm.LlmSink;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/** A scripted model keeps what it is a stand-in for. */
class ScriptedModelContractTest extends LlmProviderContract {
  @Override
  protected LlmPeer peer(LlmPeer.Script script) {
    return new Scripted(ScriptedModel.answering().otherwise(request -> answer(script)));
  }

  private static ScriptedAnswer answer(LlmPeer.Script script) {
    ScriptedAnswer whole = ScriptedAnswer.textInParts(LlmPeer.PARTS.toArray(String[]::new));
    return switch (script) {
      case WHOLE -> whole;
      case TOOL -> ScriptedAnswer.toolCall(LlmPeer.TOOL, LlmPeer.ARGUMENTS);
      case NO_REASON -> whole.cutAfter(LlmPeer.PARTS.size());
      case LIMITED ->
          ScriptedAnswer.failure(
              LlmException.of(ErrorCode.RATE_LIMITED, "scripted", "come back later")
                  .retryAfter(Duration.ofSeconds(7))
                  .build());
      case SPENT -> ScriptedAnswer.failure(ErrorCode.QUOTA_SPENT);
      case OVERLOADED -> ScriptedAnswer.failure(ErrorCode.MODEL_OVERLOADED);
      case FAILED -> ScriptedAnswer.failure(ErrorCode.MODEL_FAILED);
      case DENIED -> ScriptedAnswer.failure(ErrorCode.ACCESS_DENIED);
      case TOO_LONG -> ScriptedAnswer.failure(ErrorCode.CONTEXT_TOO_LONG);
      case FILTERED -> ScriptedAnswer.failure(ErrorCode.CONTENT_REFUSED);
      case REFUSED -> ScriptedAnswer.failure(ErrorCode.MODEL_REFUSED);
      case SILENT -> whole.stallsAfter(0);
      case STALLS -> whole.stallsAfter(1);
      case CUT -> whole.cutAfter(1);
      case DRIPS -> ScriptedAnswer.endless(LlmPeer.PARTS.get(0)).pause(Duration.ofMillis(100));
      case ENDLESS -> ScriptedAnswer.endless("x".repeat(1_000));
      case LARGE -> ScriptedAnswer.text("y".repeat(100_000));
    };
  }

  /** The model is its own peer: it sends what the sink is given, and is left when a call ends. */
  private static final class Scripted implements LlmPeer, LlmProvider {
    private final ScriptedModel model;
    private final AtomicLong sent = new AtomicLong();
    private final AtomicBoolean left = new AtomicBoolean();

    Scripted(ScriptedModel model) {
      this.model = model;
    }

    @Override
    public LlmProvider provider() {
      return this;
    }

    @Override
    public String name() {
      return model.name();
    }

    @Override
    public String model() {
      return model.model();
    }

    @Override
    public LlmResponse generate(ChatRequest request, CallLimits limits)
        throws InterruptedException {
      try {
        return model.generate(request, limits);
      } finally {
        left.set(true);
      }
    }

    @Override
    public LlmResponse stream(ChatRequest request, CallLimits limits, LlmSink sink)
        throws InterruptedException {
      LlmSink counting =
          new LlmSink() {
            @Override
            public void text(String part) {
              sent.addAndGet(part.length());
              sink.text(part);
            }

            @Override
            public void toolCall(int index, String name, String part) {
              sink.toolCall(index, name, part);
            }
          };
      try {
        return model.stream(request, limits, counting);
      } finally {
        left.set(true);
      }
    }

    @Override
    public int requests() {
      return model.calls();
    }

    @Override
    public long sent() {
      return sent.get();
    }

    @Override
    public boolean left() {
      return left.get();
    }

    @Override
    public void close() {
      model.close();
    }
  }
}
