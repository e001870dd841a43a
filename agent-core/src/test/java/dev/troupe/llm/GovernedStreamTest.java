package dev.troupe.llm;

import static dev.troupe.llm.PlayedProvider.ask;
import static dev.troupe.llm.PlayedProvider.breaksAfter;
import static dev.troupe.llm.PlayedProvider.fails;
import static dev.troupe.llm.PlayedProvider.says;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.DefaultChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.CompleteToolCall;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.PartialToolCall;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.output.FinishReason;
import dev.troupe.ErrorCode;
import dev.troupe.resilience.CircuitBreaker;
import dev.troupe.resilience.CircuitBreakers;
import dev.troupe.state.MemoryStateStore;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiConsumer;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class GovernedStreamTest {
  private final List<String> events = new CopyOnWriteArrayList<>();
  private final CircuitBreakers breakers = CircuitBreakers.builder(new MemoryStateStore()).start();

  private final LlmSink sink =
      new LlmSink() {
        @Override
        public void text(String part) {
          events.add(part);
        }

        @Override
        public void restarted(String why) {
          events.add("void");
        }
      };

  @AfterEach
  void close() {
    breakers.close();
  }

  private GovernedModelBuilder over(LlmProvider first) {
    return GovernedModel.builder(first).ticker(new PlayedTime()).breakers(breakers);
  }

  private static CallOptions choosing(Partial partial) {
    return CallOptions.builder().partial(partial).build();
  }

  // after a part

  @Test
  void aStreamThatBreaksAfterAPartFailsAndNobodyElseIsAsked() {
    PlayedProvider breaks = new PlayedProvider("a", "m", breaksAfter("half "), says("whole"));
    PlayedProvider other = new PlayedProvider("b", "n", says("other"));
    try (GovernedModel model = over(breaks).fallback(other).build()) {
      LlmException failure =
          catchThrowableOfType(
              LlmException.class, () -> model.stream(ask("hi"), CallOptions.USUAL, sink));
      assertThat(failure.code()).isEqualTo(ErrorCode.ANSWER_INCOMPLETE);
      assertThat(failure.partial()).isEqualTo("half ");
      assertThat(events).containsExactly("half ");
      assertThat(breaks.calls() + other.calls()).isEqualTo(1);
    }
  }

  @Test
  void aPartIsKeptWhereTheCallerChoseSoAndMarked() throws Exception {
    PlayedProvider breaks = new PlayedProvider("a", "m", breaksAfter("half "));
    try (GovernedModel model = over(breaks).build()) {
      LlmResponse kept = model.stream(ask("hi"), choosing(Partial.KEEP), sink);
      assertThat(kept.complete()).isFalse();
      assertThat(kept.text()).isEqualTo("half ");
      assertThat(kept.message().hasToolExecutionRequests()).isFalse();
      assertThat(kept.failed()).hasSize(1);
    }
  }

  @Test
  void whatWasRefusedIsNotKept() {
    PlayedProvider filtered =
        new PlayedProvider(
            "a",
            "m",
            (request, out) -> {
              out.text("half ");
              throw LlmException.of(ErrorCode.CONTENT_REFUSED, "a", "filtered").build();
            });
    try (GovernedModel model = over(filtered).build()) {
      assertThatThrownBy(() -> model.stream(ask("hi"), choosing(Partial.KEEP), sink))
          .isInstanceOfSatisfying(
              LlmException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.CONTENT_REFUSED));
    }
  }

  @Test
  void aRestartVoidsWhatWasShownAndNothingIsSpliced() throws Exception {
    PlayedProvider breaks =
        new PlayedProvider("a", "m", breaksAfter("half "), breaksAfter("two "), says("a whole"));
    try (GovernedModel model = over(breaks).build()) {
      LlmResponse answer = model.stream(ask("hi"), choosing(Partial.RESTART), sink);
      assertThat(answer.text()).isEqualTo("a whole");
      assertThat(events).containsExactly("half ", "void", "two ", "void", "a ", "whole");
    }
  }

  @Test
  void whatASinkThrowsEndsTheCallAndBlamesNobody() {
    PlayedProvider talks = new PlayedProvider("a", "m", says("a b"));
    PlayedProvider other = new PlayedProvider("b", "n", says("other"));
    IllegalStateException mine = new IllegalStateException("mine");
    try (GovernedModel model = over(talks).fallback(other).build()) {
      assertThatThrownBy(
              () ->
                  model.stream(
                      ask("hi"),
                      CallOptions.USUAL,
                      part -> {
                        throw mine;
                      }))
          .isSameAs(mine);
      assertThat(talks.calls()).isEqualTo(1);
      assertThat(other.calls()).isZero();
      assertThat(breakers.breaker("llm:a:m").state()).isEqualTo(CircuitBreaker.State.CLOSED);
    }
  }

  @Test
  void aProviderThatHidesWhatTheSinkThrewIsNotBelieved() {
    PlayedProvider hides =
        new PlayedProvider(
            "a",
            "m",
            (request, out) -> {
              try {
                out.text("x");
              } catch (RuntimeException hidden) {
                // as providers should not do
              }
              return PlayedProvider.response(AiMessage.from("x"), FinishReason.STOP);
            });
    try (GovernedModel model = over(hides).build()) {
      assertThatThrownBy(
              () ->
                  model.stream(
                      ask("hi"),
                      CallOptions.USUAL,
                      part -> {
                        throw new IllegalStateException("mine");
                      }))
          .hasMessage("mine");
    }
  }

  // langchain4j's handlers

  private StreamingChatResponseHandler handler(
      BiConsumer<PartialResponse, PartialResponseContext> onPart) {
    return new StreamingChatResponseHandler() {
      @Override
      public void onPartialResponse(PartialResponse part, PartialResponseContext context) {
        events.add(part.text());
        onPart.accept(part, context);
      }

      @Override
      public void onPartialToolCall(PartialToolCall call) {
        events.add("tool part " + call.index() + call.partialArguments());
      }

      @Override
      public void onCompleteToolCall(CompleteToolCall call) {
        events.add("tool " + call.index() + call.toolExecutionRequest().name());
      }

      @Override
      public void onCompleteResponse(ChatResponse response) {
        events.add("END");
      }

      @Override
      public void onError(Throwable error) {
        events.add("ERROR " + error.getClass().getSimpleName());
      }
    };
  }

  private void awaitTerminal() {
    Awaitility.await().until(() -> terminals() > 0);
  }

  private long terminals() {
    return events.stream().filter(e -> e.equals("END") || e.startsWith("ERROR")).count();
  }

  @Test
  void aHandlerGetsPartsInOrderAndOneEnd() {
    PlayedProvider calls =
        new PlayedProvider(
            "a",
            "m",
            (request, out) -> {
              out.text("a ");
              out.toolCall(0, "look", "{}");
              ToolExecutionRequest call =
                  ToolExecutionRequest.builder().id("1").name("look").arguments("{}").build();
              return PlayedProvider.response(
                  AiMessage.from("a ", List.of(call)), FinishReason.TOOL_EXECUTION);
            });
    try (GovernedModel model = over(calls).build()) {
      model.chat(ask("hi"), handler((part, context) -> {}));
      awaitTerminal();
      assertThat(events).containsExactly("a ", "tool part 0{}", "tool 0look", "END");
    }
  }

  @Test
  void aHandlerIsToldOnceOfAFailureAlsoAfterAPartThatMayNotBeKept() {
    for (Partial partial : Partial.values()) {
      events.clear();
      PlayedProvider breaks = new PlayedProvider("a", "m", breaksAfter("half "), says("whole"));
      try (GovernedModel model = over(breaks).options(choosing(partial)).build()) {
        model.chat(ask("hi"), handler((part, context) -> {}));
        awaitTerminal();
        assertThat(events).as("%s", partial).containsExactly("half ", "ERROR LlmException");
      }
    }
  }

  @Test
  void aHandlerThatThrowsEndsTheStreamWithOneError() {
    PlayedProvider talks = new PlayedProvider("a", "m", says("a b c"));
    try (GovernedModel model = over(talks).build()) {
      model.chat(
          ask("hi"),
          handler(
              (part, context) -> {
                throw new IllegalStateException("mine");
              }));
      awaitTerminal();
      assertThat(events).containsExactly("a ", "ERROR IllegalStateException");
    }
  }

  @Test
  void aHandlerThatCancelsGetsNoMorePartsAndOneTerminalEvent() {
    PlayedProvider talks = new PlayedProvider("a", "m", says("a b c"));
    try (GovernedModel model = over(talks).build()) {
      model.chat(ask("hi"), handler((part, context) -> context.streamingHandle().cancel()));
      awaitTerminal();
      assertThat(events).containsExactly("a ", "ERROR CancellationException");
      assertThat(talks.calls()).isEqualTo(1);
    }
  }

  @Test
  void anotherThreadCancelsAStreamThatIsSilent() throws Exception {
    CountDownLatch silent = new CountDownLatch(1);
    AtomicReference<PartialResponseContext> known = new AtomicReference<>();
    PlayedProvider stalls =
        new PlayedProvider(
            "a",
            "m",
            (request, out) -> {
              out.text("a ");
              silent.countDown();
              new CountDownLatch(1).await();
              throw new AssertionError();
            });
    try (GovernedModel model = over(stalls).build()) {
      model.chat(ask("hi"), handler((part, context) -> known.set(context)));
      silent.await();
      known.get().streamingHandle().cancel();
      awaitTerminal();
      assertThat(known.get().streamingHandle().isCancelled()).isTrue();
      assertThat(events).containsExactly("a ", "ERROR CancellationException");
    }
  }

  @Test
  void closingTheModelEndsItsStreams() throws Exception {
    CountDownLatch silent = new CountDownLatch(1);
    PlayedProvider stalls =
        new PlayedProvider(
            "a",
            "m",
            (request, out) -> {
              silent.countDown();
              new CountDownLatch(1).await();
              throw new AssertionError();
            });
    GovernedModel model = over(stalls).build();
    model.chat(ask("hi"), handler((part, context) -> {}));
    silent.await();
    model.close();
    awaitTerminal();
    assertThat(events).containsExactly("ERROR CancellationException");
  }

  @Test
  void aWholeAnswerComesThroughLangchain4jAndItsFailureAsItIs() {
    PlayedProvider one =
        new PlayedProvider("a", "m", says("hello"), fails(ErrorCode.ACCESS_DENIED));
    try (GovernedModel model = over(one).build()) {
      assertThat(model.chat("hi")).isEqualTo("hello");
      assertThatThrownBy(() -> model.chat("hi"))
          .isInstanceOfSatisfying(
              LlmException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.ACCESS_DENIED));
    }
  }

  @Test
  void anInterruptedCallerStaysInterrupted() {
    PlayedProvider waits =
        new PlayedProvider(
            "a",
            "m",
            (request, out) -> {
              throw new InterruptedException();
            });
    try (GovernedModel model = over(waits).build()) {
      assertThatThrownBy(() -> model.chat("hi")).isInstanceOf(CancellationException.class);
      assertThat(Thread.interrupted()).isTrue();
    }
  }

  /** As a provider's own parameters. */
  private static final class OwnParameters extends DefaultChatRequestParameters {
    final String extra = "kept";

    OwnParameters() {
      super(DefaultChatRequestParameters.builder().temperature(0.5));
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof OwnParameters own && own.extra.equals(extra);
    }

    @Override
    public int hashCode() {
      return extra.hashCode();
    }
  }

  @Test
  void parametersOfAProvidersOwnKindReachIt() {
    PlayedProvider one = new PlayedProvider("a", "m", says("hello"));
    ChatRequestParameters own = new OwnParameters();
    try (GovernedModel model = over(one).build()) {
      model.chat(ChatRequest.builder().messages(ask("hi").messages()).parameters(own).build());
      assertThat(one.asked.get(0).parameters()).isSameAs(own);
    }
  }

  @Test
  void limitsOfTheCallReachTheProvider() throws Exception {
    PlayedProvider one = new PlayedProvider("a", "m", says("hello"));
    CallLimits limits = new CallLimits(Duration.ofSeconds(9), Duration.ofSeconds(3), 77);
    try (GovernedModel model = over(one).build()) {
      model.generate(ask("hi"), CallOptions.builder().limits(limits).build());
      assertThat(one.limits).containsExactly(limits);
      model.generate(ask("hi"), CallOptions.builder().deadline(Duration.ofSeconds(2)).build());
      assertThat(one.limits.get(1))
          .isEqualTo(new CallLimits(Duration.ofSeconds(2), Duration.ofSeconds(2), 2_000_000));
    }
  }
}
