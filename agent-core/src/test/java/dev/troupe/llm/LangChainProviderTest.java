package dev.troupe.llm;

import static dev.troupe.ErrorCode.ANSWER_INCOMPLETE;
import static dev.troupe.ErrorCode.CLOSED;
import static dev.troupe.ErrorCode.CONTENT_REFUSED;
import static dev.troupe.ErrorCode.LIMIT_EXCEEDED;
import static dev.troupe.ErrorCode.MODEL_REFUSED;
import static dev.troupe.ErrorCode.TIMEOUT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.CompleteToolCall;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.output.FinishReason;
import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the contract of providers can't bring about at a peer. */
@Timeout(30)
class LangChainProviderTest {
  private static final String PROMPT = "Please translate this very private letter to my aunt.";

  private static ChatRequest request() {
    return ChatRequest.builder().messages(UserMessage.from(PROMPT)).build();
  }

  private static LlmProvider whole(ChatModel model) {
    return LlmProvider.of("p", "model-1", model, null);
  }

  private static ChatModel answering(ChatResponse response) {
    return new ChatModel() {
      @Override
      public ChatResponse doChat(ChatRequest request) {
        return response;
      }
    };
  }

  private static LlmProvider streaming(Consumer<StreamingChatResponseHandler> script) {
    return LlmProvider.of(
        "p",
        "model-1",
        null,
        new StreamingChatModel() {
          @Override
          public void doChat(ChatRequest request, StreamingChatResponseHandler handler) {
            script.accept(handler);
          }
        });
  }

  private static ChatResponse response(AiMessage message, @Nullable FinishReason reason) {
    return ChatResponse.builder().aiMessage(message).finishReason(reason).build();
  }

  private static AiMessage call(String arguments) {
    return AiMessage.from(
        ToolExecutionRequest.builder().id("1").name("t").arguments(arguments).build());
  }

  /** Writes down all that a sink is given. */
  private static final class Seen implements LlmSink {
    private final List<String> all = new ArrayList<>();

    @Override
    public void text(String part) {
      all.add(part);
    }

    @Override
    public void thinking(String part) {
      all.add("(" + part + ")");
    }

    @Override
    public void toolCall(int index, String name, String part) {
      all.add(index + name + part);
    }
  }

  private static ErrorCode streamFails(LlmProvider provider) {
    return catchThrowableOfType(
            LlmException.class, () -> provider.stream(request(), CallLimits.USUAL, new Seen()))
        .code();
  }

  @ParameterizedTest
  @EnumSource(names = {"LENGTH", "TOOL_EXECUTION"})
  void argumentsThatAreCutComeAsTheyAreWhereTheReasonTells(FinishReason reason) throws Exception {
    ChatResponse cut = response(call("{\"city\":\"Os"), reason);
    assertThat(whole(answering(cut)).generate(request(), CallLimits.USUAL).message())
        .isEqualTo(cut.aiMessage());
    LlmResponse streamed =
        streaming(handler -> handler.onCompleteResponse(cut)).stream(
            request(), CallLimits.USUAL, new Seen());
    assertThat(streamed.response().finishReason()).isEqualTo(reason);
    assertThat(streamed.message()).isEqualTo(cut.aiMessage());
  }

  @ParameterizedTest
  @EnumSource(names = {"STOP", "OTHER"})
  void aStreamWithArgumentsThatAreCutIsNotWhole(FinishReason reason) throws Exception {
    ChatResponse cut = response(call("{\"city\":\"Os"), reason);
    assertThat(streamFails(streaming(handler -> handler.onCompleteResponse(cut))))
        .isEqualTo(ANSWER_INCOMPLETE);
    ChatResponse none = response(call(""), reason);
    assertThat(
            streaming(handler -> handler.onCompleteResponse(none)).stream(
                    request(), CallLimits.USUAL, new Seen())
                .message())
        .isEqualTo(none.aiMessage());
  }

  @Test
  void aFilteredAnswerIsRefusedAndNoneIsIncomplete() {
    ChatResponse filtered = response(AiMessage.from("half"), FinishReason.CONTENT_FILTER);
    assertThatThrownBy(() -> whole(answering(filtered)).generate(request(), CallLimits.USUAL))
        .isInstanceOfSatisfying(
            LlmException.class, e -> assertThat(e.code()).isEqualTo(CONTENT_REFUSED));
    assertThat(streamFails(streaming(handler -> handler.onCompleteResponse(filtered))))
        .isEqualTo(CONTENT_REFUSED);
    assertThat(streamFails(streaming(handler -> handler.onCompleteResponse(null))))
        .isEqualTo(ANSWER_INCOMPLETE);
  }

  @Test
  void aModelThatDoesNotListenToInterruptsHoldsNobody() throws Exception {
    CountDownLatch end = new CountDownLatch(1);
    ChatModel deaf =
        new ChatModel() {
          @Override
          public ChatResponse doChat(ChatRequest request) {
            while (end.getCount() > 0) {
              try {
                end.await();
              } catch (InterruptedException ignored) {
                // deaf
              }
            }
            return response(AiMessage.from("late"), FinishReason.STOP);
          }
        };
    CallLimits limits = new CallLimits(Duration.ofMillis(200), Duration.ofMillis(200), 100);
    try {
      assertThatThrownBy(() -> whole(deaf).generate(request(), limits))
          .isInstanceOfSatisfying(LlmException.class, e -> assertThat(e.code()).isEqualTo(TIMEOUT));
    } finally {
      end.countDown();
    }
  }

  @Test
  void aModelThatCallsBackBeforeItReturnsMayGiveMoreThanTheQueueHolds() throws Exception {
    Seen seen = new Seen();
    LlmResponse answer =
        streaming(
            handler -> {
              for (int i = 0; i < 1_000; i++) {
                handler.onPartialResponse("x");
              }
              handler.onCompleteResponse(
                  response(AiMessage.from("x".repeat(1_000)), FinishReason.STOP));
            })
            .stream(request(), CallLimits.USUAL, seen);
    assertThat(seen.all).hasSize(1_000);
    assertThat(answer.text()).hasSize(1_000);
    assertThat(answer.model()).isEqualTo("model-1");
  }

  @Test
  void theFirstEndCountsAndWhatComesAfterItIsDropped() throws Exception {
    Seen seen = new Seen();
    LlmResponse answer =
        streaming(
            handler -> {
              handler.onPartialResponse("a");
              handler.onCompleteResponse(response(AiMessage.from("a"), FinishReason.STOP));
              handler.onPartialResponse("b");
              handler.onError(new IllegalStateException("late"));
              handler.onCompleteResponse(response(AiMessage.from("b"), FinishReason.STOP));
            })
            .stream(request(), CallLimits.USUAL, seen);
    assertThat(answer.text()).isEqualTo("a");
    assertThat(seen.all).containsExactly("a");
  }

  @Test
  void whatDidNotComeInPartsIsGivenWhole() throws Exception {
    AiMessage message =
        AiMessage.builder()
            .thinking("hm")
            .text("text")
            .toolExecutionRequests(
                List.of(
                    ToolExecutionRequest.builder().id("1").name("a").arguments("{}").build(),
                    ToolExecutionRequest.builder().id("2").name("b").arguments("[]").build()))
            .build();
    ChatResponse response = response(message, FinishReason.TOOL_EXECUTION);
    Seen whole = new Seen();
    whole(answering(response)).stream(request(), CallLimits.USUAL, whole);
    assertThat(whole.all).containsExactly("(hm)", "text", "0a{}", "1b[]");
    Seen mixed = new Seen();
    streaming(
        handler -> {
          handler.onPartialResponse("text");
          handler.onCompleteToolCall(
              new CompleteToolCall(0, message.toolExecutionRequests().get(0)));
          handler.onCompleteResponse(response);
        })
        .stream(request(), CallLimits.USUAL, mixed);
    assertThat(mixed.all).containsExactly("text", "0a{}", "(hm)", "1b[]");
  }

  @Test
  void thinkingAndArgumentsCountForTheSizeToo() {
    AiMessage message =
        AiMessage.builder()
            .thinking("x".repeat(40))
            .text("x".repeat(40))
            .toolExecutionRequests(call("\"" + "x".repeat(38) + "\"").toolExecutionRequests())
            .build();
    ChatResponse response = response(message, FinishReason.TOOL_EXECUTION);
    CallLimits limits = new CallLimits(Duration.ofSeconds(9), Duration.ofSeconds(9), 119);
    assertThatThrownBy(() -> whole(answering(response)).generate(request(), limits))
        .isInstanceOfSatisfying(
            LlmException.class, e -> assertThat(e.code()).isEqualTo(LIMIT_EXCEEDED));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "cannot parse '" + PROMPT + "'",
        "bad text: translate this very private letter to my ...",
        "bad text: Please translate this\\nvery private letter"
      })
  void anErrorThatRepeatsThePromptIsShownWithoutIt(String words) {
    LlmProvider provider =
        streaming(handler -> handler.onError(new InvalidRequestException(words)));
    LlmException failure =
        catchThrowableOfType(
            LlmException.class, () -> provider.stream(request(), CallLimits.USUAL, new Seen()));
    assertThat(failure.code()).isEqualTo(MODEL_REFUSED);
    assertThat(failure.getMessage()).contains("left out").doesNotContain("private", "translate");
  }

  @Test
  void anErrorOfTheMachineIsThrownAsItIs() {
    StackOverflowError error = new StackOverflowError();
    assertThatThrownBy(
            () ->
                streaming(
                    handler -> {
                      throw error;
                    })
                    .stream(request(), CallLimits.USUAL, new Seen()))
        .isSameAs(error);
  }

  @Test
  void aThreadThatIsInterruptedAlreadyAsksNobody() {
    LlmProvider provider =
        whole(
            new ChatModel() {
              @Override
              public ChatResponse doChat(ChatRequest request) {
                throw new AssertionError("asked");
              }
            });
    Thread.currentThread().interrupt();
    assertThatThrownBy(() -> provider.generate(request(), CallLimits.USUAL))
        .isInstanceOf(InterruptedException.class);
    assertThat(Thread.currentThread().isInterrupted()).isFalse();
  }

  @Test
  void aClosedProviderSaysSo() {
    LlmProvider provider = whole(answering(response(AiMessage.from("a"), FinishReason.STOP)));
    provider.close();
    assertThatThrownBy(() -> provider.generate(request(), CallLimits.USUAL))
        .isInstanceOfSatisfying(AgentException.class, e -> assertThat(e.code()).isEqualTo(CLOSED));
  }

  @Test
  void oneOfTheModelsMustBeThere() {
    assertThatThrownBy(() -> LlmProvider.of("p", "m", null, null))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("p");
  }
}
