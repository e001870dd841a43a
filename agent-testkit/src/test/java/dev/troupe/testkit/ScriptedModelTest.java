package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.output.FinishReason;
import dev.troupe.ErrorCode;
import dev.troupe.llm.CallLimits;
import dev.troupe.llm.LlmException;
import dev.troupe.llm.LlmResponse;
import dev.troupe.llm.LlmSink;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Timeout(60)
class ScriptedModelTest {
  private static final CallLimits USUAL = CallLimits.USUAL;

  /** Remembers what it was given, in the order in which it came. */
  static final class Heard implements LlmSink {
    final List<String> all = new ArrayList<>();
    final Set<Thread> threads = ConcurrentHashMap.newKeySet();

    @Override
    public void text(String part) {
      all.add(part);
      threads.add(Thread.currentThread());
    }

    @Override
    public void thinking(String part) {
      all.add("(" + part + ")");
    }

    @Override
    public void toolCall(int index, String name, String part) {
      all.add(index + " " + name + " " + part);
    }
  }

  static ChatRequest ask(String text) {
    return ChatRequest.builder().messages(UserMessage.from(text)).build();
  }

  private static String answer(ScriptedModel model, String question) throws InterruptedException {
    return model.generate(ask(question), USUAL).text();
  }

  private static LlmException failure(ScriptedModel model, CallLimits limits, Heard heard) {
    return catchThrowableOfType(LlmException.class, () -> model.stream(ask("tea?"), limits, heard));
  }

  @Test
  void answersComeInTheOrderOfTheScript() throws Exception {
    ScriptedModel model =
        ScriptedModel.answering().text("one").toolCall("search", "{\"q\":\"tea\"}").text("three");
    assertThat(answer(model, "a")).isEqualTo("one");
    LlmResponse call = model.generate(ask("b"), USUAL);
    assertThat(call.response().finishReason()).isEqualTo(FinishReason.TOOL_EXECUTION);
    ToolExecutionRequest tool = call.message().toolExecutionRequests().get(0);
    assertThat(tool.name()).isEqualTo("search");
    assertThat(tool.arguments()).isEqualTo("{\"q\":\"tea\"}");
    assertThat(tool.id()).isNotBlank();
    assertThat(answer(model, "c")).isEqualTo("three");
    assertThat(model.requests()).containsExactly(ask("a"), ask("b"), ask("c"));
    assertThat(model.calls()).isEqualTo(3);
    model.verifyDone();
  }

  @Test
  void aRequestBeyondTheScriptFailsAndShowsItself() {
    ScriptedModel model = ScriptedModel.answering().text("one");
    assertThatThrownBy(
            () -> {
              answer(model, "first");
              answer(model, "what does tea cost?");
            })
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("request 2 is beyond the script, which had 1 answer")
        .hasMessageContaining("1 message, USER \"what does tea cost?\"");
    assertThatThrownBy(model::verifyDone)
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("beyond the script");
  }

  @Test
  void answersThatNobodyAskedForAreNamed() throws Exception {
    ScriptedModel model =
        ScriptedModel.answering()
            .text("one")
            .text("two")
            .fails(ErrorCode.RATE_LIMITED)
            .when(ScriptedModel.mentions("cake"), "ask for cake", ScriptedAnswer.text("plum"));
    answer(model, "a");
    assertThatThrownBy(model::verifyDone)
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("answer 2 was not asked for: \"two\"")
        .hasMessageContaining("answer 3 was not asked for: RATE_LIMITED")
        .hasMessageContaining("ask for cake; not asked for: \"plum\"")
        .hasMessageNotContaining("answer 1");
  }

  @Test
  void aRequestThatIsNotWhatTheScriptExpectsFails() throws Exception {
    ScriptedModel model =
        ScriptedModel.answering()
            .text("free")
            .expectThat(ScriptedModel.mentions("tea"), "mentions tea")
            .expectThat(ScriptedModel.endsWith("?"), "is a question")
            .text("three");
    assertThat(answer(model, "no matter what")).isEqualTo("free");
    assertThatThrownBy(() -> answer(model, "coffee?"))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("request 2, for answer 2 of the script, should be one that mentions")
        .hasMessageContaining("\"coffee?\"");
    assertThatThrownBy(() -> answer(model, "tea")).hasMessageContaining("is a question");
    assertThat(answer(model, "tea?")).isEqualTo("three");
    assertThatThrownBy(model::verifyDone)
        .hasMessageContaining("mentions tea")
        .hasMessageContaining("is a question");
  }

  @Test
  void anExpectationWithoutAnAnswerIsNamed() {
    ScriptedModel model =
        ScriptedModel.answering().expectThat(ScriptedModel.offers("pay"), "offers to pay");
    assertThatThrownBy(model::verifyDone).hasMessageContaining("offers to pay");
  }

  @Test
  void requestsOfOneKindHaveAnswersOfTheirOwn() throws Exception {
    ScriptedModel model =
        ScriptedModel.answering()
            .when(
                ScriptedModel.mentions("tea"),
                "mentions tea",
                ScriptedAnswer.text("three"),
                ScriptedAnswer.text("four"))
            .text("in order")
            .otherwise(request -> ScriptedAnswer.text("else " + request.messages().size()));
    assertThat(answer(model, "tea?")).isEqualTo("three");
    assertThat(answer(model, "cake?")).isEqualTo("in order");
    assertThat(answer(model, "tea again?")).isEqualTo("four");
    assertThat(answer(model, "tea once more?")).isEqualTo("else 1");
    model.verifyDone();
  }

  @Test
  void predicatesSeeToolsAndTheirResults() {
    ToolSpecification tool = ToolSpecification.builder().name("search").build();
    ChatRequest request =
        ChatRequest.builder()
            .messages(
                UserMessage.from("tea?"),
                AiMessage.from(ToolExecutionRequest.builder().id("1").name("search").build()),
                ToolExecutionResultMessage.from("1", "search", "three"))
            .toolSpecifications(tool)
            .build();
    assertThat(ScriptedModel.offers("search")).accepts(request);
    assertThat(ScriptedModel.offers("pay")).rejects(request);
    assertThat(ScriptedModel.endsWith("three")).accepts(request);
    assertThat(ScriptedModel.endsWith("tea")).rejects(request);
    assertThat(ScriptedModel.mentions("tea")).accepts(request);
    assertThat(ScriptedModel.mentions("cake")).rejects(request);
  }

  @Test
  void aStreamComesInPartsOnTheThreadThatAsked() throws Exception {
    ScriptedModel model =
        ScriptedModel.answering()
            .then(
                ScriptedAnswer.text("Tea costs three.")
                    .thinking("Let me see")
                    .andToolCall("pay", "{\"price\":3}"));
    Heard heard = new Heard();
    LlmResponse response = model.stream(ask("tea?"), USUAL, heard);
    assertThat(heard.all)
        .containsExactly(
            "(Let )",
            "(me )",
            "(see)",
            "Tea ",
            "costs ",
            "three.",
            "0 pay {\"price\"",
            "0 pay :3}");
    assertThat(heard.threads).containsExactly(Thread.currentThread());
    assertThat(response.text()).isEqualTo("Tea costs three.");
    assertThat(response.message().thinking()).isEqualTo("Let me see");
    assertThat(response.message().toolExecutionRequests().get(0).arguments())
        .isEqualTo("{\"price\":3}");
    assertThat(response.response().finishReason()).isEqualTo(FinishReason.TOOL_EXECUTION);
  }

  @Test
  void partsAreThoseOfTheScript() throws Exception {
    Heard heard = new Heard();
    ScriptedModel model = ScriptedModel.answering().then(ScriptedAnswer.textInParts("a", " b c"));
    assertThat(model.stream(ask("tea?"), USUAL, heard).text()).isEqualTo("a b c");
    assertThat(heard.all).containsExactly("a", " b c");
  }

  @ParameterizedTest
  @EnumSource(
      value = ErrorCode.class,
      names = {
        "RATE_LIMITED",
        "MODEL_OVERLOADED",
        "MODEL_FAILED",
        "MODEL_UNREACHABLE",
        "ANSWER_INCOMPLETE",
        "TIMEOUT",
        "CONTEXT_TOO_LONG",
        "CONTENT_REFUSED",
        "ACCESS_DENIED",
        "QUOTA_SPENT",
        "MODEL_REFUSED"
      })
  void failsAsProvidersDo(ErrorCode code) {
    ScriptedModel model = ScriptedModel.answering("openai", "gpt").fails(code).fails(code);
    assertThatThrownBy(() -> model.generate(ask("secret"), USUAL))
        .isInstanceOfSatisfying(
            LlmException.class,
            failure -> {
              assertThat(failure.code()).isEqualTo(code);
              assertThat(failure.provider()).isEqualTo("openai");
              assertThat(failure.getMessage()).doesNotContain("secret");
            });
    assertThat(failure(model, USUAL, new Heard()).code()).isEqualTo(code);
  }

  @Test
  void whatIsNoFailureOfAModelIsRefused() {
    assertThatThrownBy(() -> ScriptedModel.answering().fails(ErrorCode.RUN_CANCELLED))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("RUN_CANCELLED");
  }

  @Test
  void aFailureIsThrownAsItWasGiven() {
    LlmException busy =
        LlmException.of(ErrorCode.RATE_LIMITED, "openai", "slow down")
            .retryAfter(Duration.ofSeconds(7))
            .build();
    ScriptedModel model = ScriptedModel.answering().fails(busy);
    assertThatThrownBy(() -> answer(model, "a")).isSameAs(busy);
  }

  @Test
  void aFailureAmidAStreamHoldsWhatTheSinkWasGiven() {
    LlmException broken =
        LlmException.of(ErrorCode.MODEL_OVERLOADED, "openai", "too much")
            .retryAfter(Duration.ofSeconds(7))
            .status(529)
            .build();
    Heard heard = new Heard();
    ScriptedModel model =
        ScriptedModel.answering().then(ScriptedAnswer.text("a b c d").failsAfter(2, broken));
    LlmException failure = failure(model, USUAL, heard);
    assertThat(heard.all).containsExactly("a ", "b ");
    assertThat(failure.partial()).isEqualTo("a b ");
    assertThat(failure.code()).isEqualTo(ErrorCode.MODEL_OVERLOADED);
    assertThat(failure.retryAfter()).contains(Duration.ofSeconds(7));
    assertThat(failure.status()).isEqualTo(529);
  }

  @Test
  void aCutStreamIsAPartAndOneCutBeforeItsFirstPartWasNeverReached() throws Exception {
    ScriptedModel model =
        ScriptedModel.answering()
            .then(ScriptedAnswer.text("a b c").cutAfter(3))
            .then(ScriptedAnswer.text("a b c").cutAfter(0))
            .then(ScriptedAnswer.text("a b c").cutAfter(1));
    LlmException late = failure(model, USUAL, new Heard());
    assertThat(late.code()).isEqualTo(ErrorCode.ANSWER_INCOMPLETE);
    assertThat(late.partial()).isEqualTo("a b c");
    assertThat(failure(model, USUAL, new Heard()).code()).isEqualTo(ErrorCode.MODEL_UNREACHABLE);
    assertThatThrownBy(() -> model.generate(ask("tea?"), USUAL))
        .isInstanceOfSatisfying(
            LlmException.class,
            cut -> {
              assertThat(cut.code()).isEqualTo(ErrorCode.ANSWER_INCOMPLETE);
              assertThat(cut.partial()).isEmpty();
            });
  }

  @Test
  void aStreamThatStallsEndsAtTheIdleLimit() {
    CallLimits limits = new CallLimits(Duration.ofMinutes(1), Duration.ofMillis(50), 1_000);
    Heard heard = new Heard();
    ScriptedModel model = ScriptedModel.answering().then(ScriptedAnswer.text("a b").stallsAfter(1));
    LlmException failure = failure(model, limits, heard);
    assertThat(failure.code()).isEqualTo(ErrorCode.TIMEOUT);
    assertThat(failure.getMessage()).contains("silent for PT0.05S");
    assertThat(failure.partial()).isEqualTo("a ");
    assertThat(heard.all).containsExactly("a ");
  }

  @Test
  void anAnswerThatStallsOrComesTooLateEndsAtTheTimeLimit() {
    CallLimits limits = new CallLimits(Duration.ofMillis(50), Duration.ofMinutes(1), 1_000);
    ScriptedModel model =
        ScriptedModel.answering()
            .then(ScriptedAnswer.text("a b").stallsAfter(1))
            .then(ScriptedAnswer.text("a b").after(Duration.ofMinutes(1)))
            .then(ScriptedAnswer.text("a b c d e f g").pause(Duration.ofMillis(20)));
    for (int i = 0; i < 2; i++) {
      assertThatThrownBy(() -> model.generate(ask("tea?"), limits))
          .isInstanceOfSatisfying(
              LlmException.class,
              late -> {
                assertThat(late.code()).isEqualTo(ErrorCode.TIMEOUT);
                assertThat(late.getMessage()).contains("no answer within PT0.05S");
              });
    }
    assertThat(failure(model, limits, new Heard()).code()).isEqualTo(ErrorCode.TIMEOUT);
  }

  @Test
  void anAnswerThatIsTooLargeFails() {
    CallLimits limits = new CallLimits(Duration.ofMinutes(1), Duration.ofMinutes(1), 5);
    ScriptedModel model = ScriptedModel.answering().text("1234 6").text("1234 6").text("1234 ");
    Heard heard = new Heard();
    LlmException failure = failure(model, limits, heard);
    assertThat(failure.code()).isEqualTo(ErrorCode.LIMIT_EXCEEDED);
    assertThat(failure.getMessage()).contains("more than 5 characters");
    assertThat(heard.all).containsExactly("1234 ");
    assertThatThrownBy(() -> model.generate(ask("tea?"), limits)).isInstanceOf(LlmException.class);
    assertThat(failure(model, limits, new Heard())).isNull();
  }

  @Test
  void anInterruptEndsAStall() throws Exception {
    ScriptedModel model =
        ScriptedModel.answering().then(ScriptedAnswer.text("a b").stallsAfter(1)).text("not this");
    Thread caller = Thread.currentThread();
    assertThatThrownBy(() -> model.stream(ask("tea?"), USUAL, part -> caller.interrupt()))
        .isInstanceOf(InterruptedException.class);
    Thread.currentThread().interrupt();
    assertThatThrownBy(() -> answer(model, "b")).isInstanceOf(InterruptedException.class);
    assertThat(Thread.interrupted()).isFalse();
  }

  @Test
  void whatASinkThrowsEndsTheCall() {
    ScriptedModel model = ScriptedModel.answering().text("a b c");
    List<String> heard = new ArrayList<>();
    assertThatThrownBy(
            () ->
                model.stream(
                    ask("tea?"),
                    USUAL,
                    part -> {
                      heard.add(part);
                      throw new IllegalStateException("no more");
                    }))
        .hasMessage("no more");
    assertThat(heard).containsExactly("a ");
  }

  @Test
  void truncatedAnswersComeWithTheirReason() throws Exception {
    ScriptedModel model =
        ScriptedModel.answering().truncated("half an answ").truncatedToolCall("pay", "{\"pri");
    LlmResponse text = model.generate(ask("a"), USUAL);
    assertThat(text.response().finishReason()).isEqualTo(FinishReason.LENGTH);
    assertThat(text.text()).isEqualTo("half an answ");
    LlmResponse call = model.stream(ask("b"), USUAL, new Heard());
    assertThat(call.response().finishReason()).isEqualTo(FinishReason.LENGTH);
    assertThat(call.message().toolExecutionRequests().get(0).arguments()).isEqualTo("{\"pri");
  }

  @Test
  void anAnswerThatWasFilteredIsARefusal() {
    ScriptedModel model =
        ScriptedModel.answering()
            .then(ScriptedAnswer.text("bad words").finish(FinishReason.CONTENT_FILTER));
    assertThatThrownBy(() -> answer(model, "a"))
        .isInstanceOfSatisfying(
            LlmException.class,
            refusal -> assertThat(refusal.code()).isEqualTo(ErrorCode.CONTENT_REFUSED));
  }

  @Test
  void usageFollowsTheCharactersUnlessItIsGiven() throws Exception {
    ScriptedModel model =
        ScriptedModel.answering()
            .text("12345678")
            .then(ScriptedAnswer.text("a").usage(11, 22).headers(Map.of("x-request-id", "r1")));
    ChatResponse first = model.generate(ask("x".repeat(400)), USUAL).response();
    assertThat(first.tokenUsage().inputTokenCount()).isBetween(100, 110);
    assertThat(first.tokenUsage().outputTokenCount()).isEqualTo(2);
    LlmResponse second = model.generate(ask("b"), USUAL);
    assertThat(second.response().tokenUsage().totalTokenCount()).isEqualTo(33);
    assertThat(second.headers()).containsEntry("x-request-id", "r1");
  }

  @Test
  void theSameRequestIsAnsweredTheSameInAnotherProcess() throws Exception {
    List<ChatResponse> answers = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      ScriptedModel model =
          ScriptedModel.answering()
              .text("first".repeat(i))
              .otherwise(request -> ScriptedAnswer.toolCall("a", "{}").andToolCall("b", "{}"));
      answer(model, "something else " + i);
      answers.add(model.generate(ask("tea?"), USUAL).response());
    }
    assertThat(answers.get(0)).isEqualTo(answers.get(1));
    List<ToolExecutionRequest> calls = answers.get(0).aiMessage().toolExecutionRequests();
    assertThat(calls.get(0).id()).isNotEqualTo(calls.get(1).id());
  }

  @Test
  void randomFailuresFollowTheSeedAndTheRequest() throws Exception {
    List<List<String>> outcomes = new ArrayList<>();
    for (int run = 0; run < 2; run++) {
      ScriptedModel model =
          ScriptedModel.answering()
              .failsAtRandom(0.3, 42)
              .otherwise(request -> ScriptedAnswer.text("fine"));
      String[] outcome = new String[1_000];
      for (int i = 0; i < outcome.length; i++) {
        int asked = run == 0 ? i : outcome.length - 1 - i; // another order
        try {
          outcome[asked] = answer(model, "question " + asked);
        } catch (LlmException e) {
          outcome[asked] = e.code().name();
        }
      }
      outcomes.add(List.of(outcome));
    }
    assertThat(outcomes.get(0)).isEqualTo(outcomes.get(1));
    assertThat(outcomes.get(0).stream().filter(o -> !o.equals("fine")).count())
        .isBetween(250L, 350L);
    assertThat(outcomes.get(0))
        .contains("RATE_LIMITED", "MODEL_OVERLOADED", "MODEL_FAILED", "MODEL_UNREACHABLE");
  }

  @Test
  void aRandomFailureLeavesTheScriptWhereItIs() throws Exception {
    ScriptedModel model =
        ScriptedModel.answering().failsAtRandom(0.5, 7, ErrorCode.MODEL_OVERLOADED).text("one");
    int failures = 0;
    while (true) {
      try {
        assertThat(answer(model, "the same")).isEqualTo("one");
        break;
      } catch (LlmException e) {
        assertThat(e.code()).isEqualTo(ErrorCode.MODEL_OVERLOADED);
        failures++;
      }
    }
    assertThat(failures).isBetween(1, 20); // with this seed the first call fails
    model.verifyDone();
  }

  @Test
  void severalThreadsShareAScript() throws Exception {
    ScriptedModel model = ScriptedModel.answering();
    for (int i = 0; i < 400; i++) {
      model.text("answer " + i);
    }
    ExecutorService threads = Executors.newFixedThreadPool(8);
    try {
      List<Future<List<String>>> all = new ArrayList<>();
      for (int thread = 0; thread < 8; thread++) {
        all.add(
            threads.submit(
                () -> {
                  List<String> mine = new ArrayList<>();
                  for (int i = 0; i < 50; i++) {
                    mine.add(answer(model, "a"));
                  }
                  return mine;
                }));
      }
      Set<String> different = ConcurrentHashMap.newKeySet();
      for (Future<List<String>> one : all) {
        different.addAll(one.get());
      }
      assertThat(different).hasSize(400);
      model.verifyDone();
    } finally {
      threads.shutdownNow();
    }
  }

  @Test
  void isALangchain4jModelToo() {
    ScriptedModel model =
        ScriptedModel.answering().text("hello").text("a b").fails(ErrorCode.MODEL_FAILED);
    assertThat(model.chatModel().chat("hi")).isEqualTo("hello");
    List<Object> heard = new ArrayList<>();
    StreamingChatResponseHandler handler =
        new StreamingChatResponseHandler() {
          @Override
          public void onPartialResponse(String part) {
            heard.add(part);
          }

          @Override
          public void onCompleteResponse(ChatResponse response) {
            heard.add(response.aiMessage().text());
          }

          @Override
          public void onError(Throwable error) {
            heard.add(((LlmException) error).code());
          }
        };
    model.streamingChatModel().chat("hi", handler);
    model.streamingChatModel().chat("hi", handler);
    assertThat(heard).containsExactly("a ", "b", "a b", ErrorCode.MODEL_FAILED);
  }
}
