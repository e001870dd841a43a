package dev.troupe.testkit;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.output.FinishReason;
import dev.troupe.ErrorCode;
import dev.troupe.llm.CallLimits;
import dev.troupe.llm.LlmException;
import dev.troupe.llm.LlmProvider;
import dev.troupe.llm.LlmResponse;
import dev.troupe.llm.LlmSink;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/** Providers that break one sentence, and the tests that have to find it. */
enum BrokenProviders {
  GIVES_A_PART_AS_THE_WHOLE(
      "g01_anAnswerWithoutAFinishReasonFails",
      "g01_aStreamWithoutAFinishReasonFails",
      "g01_aStreamThatBreaksFails") {
    @Override
    LlmResponse made(Made made) throws InterruptedException {
      try {
        return made.made();
      } catch (LlmException failure) {
        return answer(AiMessage.from("part" + failure.partial()));
      }
    }
  },
  LOSES_THE_END("g01_anAnswerIsWhole", "g01_aStreamedAnswerIsWhole", "g01_aToolCallComesWhole") {
    @Override
    LlmResponse made(Made made) throws InterruptedException {
      AiMessage message = made.made().message();
      if (!message.hasToolExecutionRequests()) {
        return answer(AiMessage.from(message.text().substring(1)));
      }
      ToolExecutionRequest call = message.toolExecutionRequests().get(0);
      return answer(AiMessage.from(call.toBuilder().arguments("{\"city\":").build()));
    }
  },
  TAKES_ALL_FAILURES_FOR_ONE("g02_failuresAreClassified", "g02_theWaitThatWasAskedForIsTold") {
    @Override
    LlmResponse made(Made made) throws InterruptedException {
      try {
        return made.made();
      } catch (LlmException failure) {
        throw LlmException.of(ErrorCode.MODEL_FAILED, "scripted", "failed").build();
      }
    }
  },
  TRIES_AGAIN("g03_oneCallIsOneRequest", "g03_aStreamThatBreaksIsNotAskedForAgain") {
    @Override
    LlmResponse made(Made made) throws InterruptedException {
      try {
        return made.made();
      } catch (LlmException failure) {
        return made.made();
      }
    }
  },
  HAS_TIME(
      "g04_aCallThatIsNotAnsweredEndsAtItsTimeLimit",
      "g04_aStreamThatDoesNotBeginFailsAtTheIdleLimit",
      "g04_aStreamThatStallsFailsAtTheIdleLimit",
      "g04_aStreamThatGoesOnEndsAtItsTimeLimitAndNotBefore") {
    @Override
    CallLimits limits(CallLimits limits) {
      return new CallLimits(Duration.ofSeconds(8), Duration.ofSeconds(8), limits.maxCharacters());
    }
  },
  TAKES_THE_IDLE_LIMIT_FOR_THE_WHOLE("g04_aStreamThatGoesOnEndsAtItsTimeLimitAndNotBefore") {
    @Override
    CallLimits limits(CallLimits limits) {
      return new CallLimits(limits.idleLimit(), limits.idleLimit(), limits.maxCharacters());
    }
  },
  READS_ON("g05_anAnswerThatIsTooLongFails", "g05_aStreamWithoutEndIsLeftAtTheLimit") {
    @Override
    CallLimits limits(CallLimits limits) {
      return new CallLimits(Duration.ofSeconds(3), Duration.ofSeconds(3), Long.MAX_VALUE);
    }
  },
  DOES_NOT_LISTEN_TO_INTERRUPTS(
      "g06_anInterruptedCallEndsAndLeaves",
      "g06_anInterruptedStreamEndsAndLeavesBeforeItBegan",
      "g06_anInterruptedStreamEndsAndLeavesInItsMidst") {
    @Override
    LlmResponse made(Made made) throws InterruptedException {
      try {
        return elsewhere(made);
      } catch (InterruptedException ignored) {
        TimeUnit.SECONDS.sleep(3);
        throw ignored;
      }
    }
  },
  LEAVES_THE_CALL_BEHIND(
      "g06_anInterruptedCallEndsAndLeaves",
      "g06_anInterruptedStreamEndsAndLeavesBeforeItBegan",
      "g06_anInterruptedStreamEndsAndLeavesInItsMidst") {
    @Override
    LlmResponse made(Made made) throws InterruptedException {
      return elsewhere(made);
    }
  },
  GIVES_PARTS_BY_ANOTHER_THREAD("g07_partsComeInTheirOrderByTheCallingThread") {
    @Override
    LlmResponse made(Made made) throws InterruptedException {
      return elsewhere(made);
    }
  },
  GOES_ON_WHEN_THE_SINK_FAILS("g07_whatTheSinkThrowsEndsTheCallAndNothingComesAfterIt") {
    @Override
    CallLimits limits(CallLimits limits) {
      return new CallLimits(Duration.ofSeconds(2), Duration.ofSeconds(2), limits.maxCharacters());
    }

    @Override
    LlmSink sink(LlmSink sink) {
      return part -> {
        try {
          sink.text(part);
        } catch (IllegalStateException swallowed) {
          // goes on
        }
      };
    }
  },
  GIVES_MORE_AFTER_THE_END(
      "g07_nothingComesAfterAFailure", "g07_whatTheSinkThrowsEndsTheCallAndNothingComesAfterIt") {
    private final AtomicReference<LlmSink> late = new AtomicReference<>();

    @Override
    LlmSink sink(LlmSink sink) {
      late.set(sink);
      return sink;
    }

    @Override
    LlmResponse made(Made made) throws InterruptedException {
      LlmSink mine = late.get();
      try {
        return made.made();
      } finally {
        Thread thread =
            new Thread(
                () -> {
                  try {
                    TimeUnit.MILLISECONDS.sleep(50);
                    mine.text("late");
                  } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                  }
                });
        thread.setDaemon(true);
        thread.start();
      }
    }
  },
  TAKES_WHATEVER_COMES("g07_aSlowSinkSlowsTheProvider") {
    @Override
    LlmResponse stream(LlmProvider sound, ChatRequest request, CallLimits limits, LlmSink sink)
        throws InterruptedException {
      CountDownLatch first = new CountDownLatch(1);
      ConcurrentLinkedQueue<String> all = new ConcurrentLinkedQueue<>();
      Thread reader =
          new Thread(
              () -> {
                try {
                  sound.stream(
                      request,
                      limits,
                      part -> {
                        all.add(part);
                        first.countDown();
                      });
                } catch (InterruptedException e) {
                  Thread.currentThread().interrupt();
                }
              });
      reader.setDaemon(true);
      reader.start();
      try {
        first.await();
        sink.text(all.remove());
        throw new IllegalStateException("not reached: the sink throws");
      } finally {
        reader.interrupt();
      }
    }
  },
  FORGETS_WHAT_CAME("g08_aFailureKeepsWhatTheSinkWasGiven") {
    @Override
    LlmResponse made(Made made) throws InterruptedException {
      try {
        return made.made();
      } catch (LlmException failure) {
        throw LlmException.of(failure.code(), "scripted", "failed").build();
      }
    }
  },
  TELLS_WHAT_WAS_ASKED("g09_noMessageHoldsKeyPromptOrAnswer") {
    @Override
    LlmResponse made(Made made) throws InterruptedException {
      try {
        return made.made();
      } catch (LlmException failure) {
        throw LlmException.of(failure.code(), "scripted", "failed")
            .cause(new IllegalStateException("asked: " + LlmPeer.PROMPT))
            .build();
      }
    }
  };

  final Set<String> tests;

  BrokenProviders(String... tests) {
    this.tests = Set.of(tests);
  }

  /** A call of the sound provider. */
  interface Made {
    LlmResponse made() throws InterruptedException;
  }

  LlmResponse made(Made made) throws InterruptedException {
    return made.made();
  }

  CallLimits limits(CallLimits limits) {
    return limits;
  }

  LlmSink sink(LlmSink sink) {
    return sink;
  }

  LlmResponse stream(LlmProvider sound, ChatRequest request, CallLimits limits, LlmSink sink)
      throws InterruptedException {
    LlmSink seen = sink(sink);
    return made(() -> sound.stream(request, limits(limits), seen));
  }

  private static LlmResponse answer(AiMessage message) {
    ChatResponse response =
        ChatResponse.builder()
            .aiMessage(message)
            .modelName("model-1")
            .finishReason(FinishReason.STOP)
            .build();
    return new LlmResponse(
        response, "scripted", true, Duration.ofMillis(1), null, Map.of(), List.of());
  }

  private static LlmResponse elsewhere(Made made) throws InterruptedException {
    FutureTask<LlmResponse> task = new FutureTask<>(made::made);
    Thread thread = new Thread(task, "elsewhere");
    thread.setDaemon(true);
    thread.start();
    try {
      return task.get();
    } catch (ExecutionException failed) {
      throw (RuntimeException) failed.getCause();
    }
  }

  /** The peer, with a provider that is broken. */
  LlmPeer over(LlmPeer peer) {
    LlmProvider sound = peer.provider();
    LlmProvider provider =
        new LlmProvider() {
          @Override
          public String name() {
            return sound.name();
          }

          @Override
          public String model() {
            return sound.model();
          }

          @Override
          public LlmResponse generate(ChatRequest request, CallLimits limits)
              throws InterruptedException {
            return made(() -> sound.generate(request, limits(limits)));
          }

          @Override
          public LlmResponse stream(ChatRequest request, CallLimits limits, LlmSink sink)
              throws InterruptedException {
            return BrokenProviders.this.stream(sound, request, limits, sink);
          }
        };
    return new LlmPeer() {
      @Override
      public LlmProvider provider() {
        return provider;
      }

      @Override
      public int requests() {
        return peer.requests();
      }

      @Override
      public long sent() {
        return peer.sent();
      }

      @Override
      public boolean left() {
        return peer.left();
      }

      @Override
      public void close() {
        peer.close();
      }
    };
  }
}
