package dev.troupe.llm;

import static dev.troupe.llm.PlayedProvider.ask;
import static dev.troupe.llm.PlayedProvider.fails;
import static dev.troupe.llm.PlayedProvider.says;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.resilience.CircuitBreaker;
import dev.troupe.resilience.CircuitBreakers;
import dev.troupe.resilience.RetryPolicy;
import dev.troupe.state.MemoryStateStore;
import java.math.BigDecimal;
import java.net.ConnectException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.EnumSource.Mode;

@Timeout(30)
class GovernedModelTest {
  private final PlayedTime time = new PlayedTime();
  private final CircuitBreakers breakers = CircuitBreakers.builder(new MemoryStateStore()).start();
  private final List<String> books = new ArrayList<>();

  @AfterEach
  void close() {
    breakers.close();
  }

  private GovernedModelBuilder over(LlmProvider first) {
    return GovernedModel.builder(first).ticker(time).breakers(breakers);
  }

  private CircuitBreaker breaker(PlayedProvider provider) {
    return breakers.breaker("llm:" + provider.name() + ":" + provider.model());
  }

  private static LlmException failure(GovernedModel model) {
    return catchThrowableOfType(LlmException.class, () -> model.generate(ask("hi")));
  }

  // D1

  @Test
  void aShortRetryAfterIsWaitedForAsTold() throws Exception {
    PlayedProvider busy =
        new PlayedProvider(
            "a", "m", fails(ErrorCode.RATE_LIMITED, Duration.ofSeconds(7)), says("hello"));
    try (GovernedModel model = over(busy).build()) {
      LlmResponse answer = model.generate(ask("hi"));
      assertThat(answer.text()).isEqualTo("hello");
      assertThat(answer.failed())
          .extracting(LlmResponse.Tried::code)
          .containsExactly(ErrorCode.RATE_LIMITED);
      assertThat(time.pauses).containsExactly(Duration.ofSeconds(7));
    }
  }

  @Test
  void aPolicyThatKnowsNoRetryAfterDoesNotShortenIt() throws Exception {
    PlayedProvider busy =
        new PlayedProvider(
            "a", "m", fails(ErrorCode.RATE_LIMITED, Duration.ofSeconds(7)), says("hello"));
    RetryPolicy ignorant = attempt -> Optional.of(Duration.ofMillis(1));
    try (GovernedModel model = over(busy).retry(ignorant).build()) {
      model.generate(ask("hi"));
      assertThat(time.pauses).containsExactly(Duration.ofSeconds(7));
    }
  }

  @Test
  void anAbsurdRetryAfterIsNotSleptThroughAndOpensTheBreaker() throws Exception {
    PlayedProvider busy =
        new PlayedProvider("a", "m", fails(ErrorCode.RATE_LIMITED, Duration.ofDays(1)));
    PlayedProvider other = new PlayedProvider("b", "n", says("from b"));
    try (GovernedModel model = over(busy).fallback(other).build()) {
      assertThat(model.generate(ask("hi")).text()).isEqualTo("from b");
      assertThat(time.pauses).isEmpty();
      assertThat(busy.calls()).isEqualTo(1);
      assertThat(breaker(busy).state()).isEqualTo(CircuitBreaker.State.OPEN);
      assertThat(breaker(busy).status().left()).isLessThanOrEqualTo(Duration.ofHours(1));
    }
    try (GovernedModel alone =
        over(new PlayedProvider("c", "m", fails(ErrorCode.RATE_LIMITED, Duration.ofDays(1))))
            .build()) {
      LlmException failure = failure(alone);
      assertThat(failure.code()).isEqualTo(ErrorCode.RATE_LIMITED);
      assertThat(failure.retryAfter()).contains(Duration.ofDays(1));
    }
  }

  @Test
  void aNegativeRetryAfterIsTheUsualWait() throws Exception {
    PlayedProvider busy =
        new PlayedProvider(
            "a", "m", fails(ErrorCode.RATE_LIMITED, Duration.ofSeconds(-5)), says("hello"));
    try (GovernedModel model = over(busy).build()) {
      model.generate(ask("hi"));
      assertThat(time.pauses).containsExactly(Duration.ofMillis(200));
    }
  }

  // D2

  @Test
  void aSpentQuotaIsNotTriedAgainAndOpensTheBreaker() throws Exception {
    PlayedProvider spent = new PlayedProvider("a", "m", fails(ErrorCode.QUOTA_SPENT));
    try (GovernedModel model = over(spent).build()) {
      assertThat(failure(model).code()).isEqualTo(ErrorCode.QUOTA_SPENT);
      assertThat(spent.calls()).isEqualTo(1);
      assertThat(breaker(spent).status().reason()).contains("QUOTA_SPENT");
      assertThat(failure(model).code()).isEqualTo(ErrorCode.CIRCUIT_OPEN);
      assertThat(spent.calls()).isEqualTo(1);
    }
  }

  // D3

  @Test
  void failuresOfTheProviderAreTriedAgainWithGrowingWaitsAndOpenTheBreaker() {
    PlayedProvider down = new PlayedProvider("a", "m", fails(ErrorCode.MODEL_OVERLOADED));
    try (GovernedModel model = over(down).build()) {
      LlmException failure = failure(model);
      assertThat(failure.code()).isEqualTo(ErrorCode.MODEL_OVERLOADED);
      assertThat(failure.getSuppressed()).hasSize(3);
      assertThat(down.calls()).isEqualTo(3);
      assertThat(time.pauses).containsExactly(Duration.ofMillis(200), Duration.ofMillis(400));
      for (int i = 0; i < 10; i++) {
        failure(model);
      }
      assertThat(breaker(down).state()).isEqualTo(CircuitBreaker.State.OPEN);
      assertThat(down.calls()).isEqualTo(20);
      assertThat(failure(model).code()).isEqualTo(ErrorCode.CIRCUIT_OPEN);
    }
  }

  @Test
  void aHostChangesWhenTheBreakerOpensButNotWhichFailuresCount() {
    PlayedProvider down = new PlayedProvider("a", "m", fails(ErrorCode.MODEL_OVERLOADED));
    PlayedProvider closed = new PlayedProvider("b", "m", fails(ErrorCode.ACCESS_DENIED));
    for (PlayedProvider one : List.of(down, closed)) {
      try (GovernedModel model =
          over(one)
              .breakerSettings(usual -> usual.minimumCalls(5).openTime(Duration.ofHours(2)))
              .build()) {
        for (int i = 0; i < 10; i++) {
          failure(model);
        }
      }
    }
    assertThat(down.calls()).isEqualTo(5);
    assertThat(breaker(down).status().left()).isGreaterThan(Duration.ofMinutes(100));
    assertThat(breaker(closed).state()).isEqualTo(CircuitBreaker.State.CLOSED);
  }

  // D4

  @ParameterizedTest
  @EnumSource(
      value = ErrorCode.class,
      names = {"ACCESS_DENIED", "MODEL_REFUSED", "CONTENT_REFUSED", "CONTEXT_TOO_LONG"})
  void whatOnlyPeopleCanMendIsNotTriedAgainAndTripsNoBreaker(ErrorCode code) {
    PlayedProvider closed = new PlayedProvider("a", "m", fails(code));
    try (GovernedModel model = over(closed).build()) {
      for (int i = 1; i <= 30; i++) {
        assertThat(failure(model).code()).isEqualTo(code);
        assertThat(closed.calls()).isEqualTo(i);
      }
      assertThat(breaker(closed).state()).isEqualTo(CircuitBreaker.State.CLOSED);
      assertThat(time.pauses).isEmpty();
    }
  }

  // D5

  @Test
  void aRequestThatIsTooLongGoesOnlyWhereTheContextIsLarger() throws Exception {
    PlayedProvider small = new PlayedProvider("a", "m", fails(ErrorCode.CONTEXT_TOO_LONG));
    PlayedProvider same = new PlayedProvider("b", "n", says("b"));
    PlayedProvider large = new PlayedProvider("c", "o", says("c"));
    try (GovernedModel model =
        over(small).fallback(same).fallback(large, Fallback.LARGER_CONTEXT).build()) {
      assertThat(model.generate(ask("hi")).text()).isEqualTo("c");
      assertThat(same.calls()).isZero();
    }
    try (GovernedModel model = over(small).fallback(same).build()) {
      assertThat(failure(model).code()).isEqualTo(ErrorCode.CONTEXT_TOO_LONG);
      assertThat(same.calls()).isZero();
    }
  }

  // D6

  @ParameterizedTest
  @EnumSource(
      value = ErrorCode.class,
      mode = Mode.INCLUDE,
      names = {
        "RATE_LIMITED",
        "MODEL_OVERLOADED",
        "MODEL_FAILED",
        "MODEL_UNREACHABLE",
        "TIMEOUT",
        "ANSWER_INCOMPLETE",
        "QUOTA_SPENT",
        "ACCESS_DENIED"
      })
  void theNextProviderIsAskedTheSameAndTheAnswerSaysWhy(ErrorCode code) throws Exception {
    PlayedProvider down = new PlayedProvider("a", "m", fails(code));
    PlayedProvider up = new PlayedProvider("b", "n", says("from b"));
    ChatRequest request =
        ask("hi").toBuilder().temperature(0.3).maxOutputTokens(77).modelName("m-2").build();
    try (GovernedModel model = over(down).fallback(up).build()) {
      LlmResponse answer = model.generate(request);
      assertThat(answer.text()).isEqualTo("from b");
      assertThat(answer.failed()).hasSize(down.calls()).allMatch(tried -> tried.code() == code);
      assertThat(answer.failed().get(0).model()).isEqualTo("m-2");
      assertThat(down.asked.get(0)).isEqualTo(request);
      assertThat(up.asked.get(0)).isEqualTo(request.toBuilder().modelName("n").build());
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = ErrorCode.class,
      names = {"CONTENT_REFUSED", "MODEL_REFUSED"})
  void aRefusalIsNotTakenToTheNextProviderUnlessAsked(ErrorCode code) throws Exception {
    PlayedProvider refuses = new PlayedProvider("a", "m", fails(code));
    PlayedProvider other = new PlayedProvider("b", "n", says("b"));
    try (GovernedModel model = over(refuses).fallback(other).build()) {
      assertThat(failure(model).code()).isEqualTo(code);
      assertThat(other.calls()).isZero();
    }
    try (GovernedModel model = over(refuses).fallback(other).fallbackOn(f -> true).build()) {
      assertThat(model.generate(ask("hi")).text()).isEqualTo("b");
    }
  }

  @Test
  void aProviderThatWasGivenUpComesLastUntilItsCooldownIsOver() throws Exception {
    PlayedProvider down =
        new PlayedProvider("a", "m", fails(ErrorCode.ACCESS_DENIED), says("from a"));
    PlayedProvider up =
        new PlayedProvider(
            "b", "n", says("b"), says("b"), fails(ErrorCode.ACCESS_DENIED), says("b"));
    try (GovernedModel model = over(down).fallback(up).build()) {
      assertThat(model.generate(ask("1")).text()).isEqualTo("b");
      LlmResponse second = model.generate(ask("2"));
      assertThat(second.text()).isEqualTo("b");
      assertThat(second.failed()).hasSize(1);
      assertThat(second.failed().get(0).message()).contains("not asked");
      assertThat(down.calls()).isEqualTo(1);
      assertThat(model.generate(ask("3")).text()).as("the only one left").isEqualTo("from a");
      time.passes(Duration.ofSeconds(31));
      assertThat(model.generate(ask("4")).text()).isEqualTo("from a");
    }
  }

  // D7 and D18

  @Test
  void oneDeadlineHoldsOverAllAttempts() {
    PlayedProvider slow =
        new PlayedProvider(
            "a",
            "m",
            (request, sink) -> {
              time.passes(Duration.ofSeconds(4));
              throw LlmException.of(ErrorCode.TIMEOUT, "a", "slow").build();
            });
    PlayedProvider alsoSlow =
        new PlayedProvider(
            "b",
            "n",
            (request, sink) -> {
              time.passes(Duration.ofSeconds(4));
              throw LlmException.of(ErrorCode.MODEL_FAILED, "b", "slow").build();
            });
    try (GovernedModel model =
        over(slow)
            .fallback(alsoSlow)
            .retry(RetryPolicy.fixed(2, Duration.ofMillis(100)))
            .deadline(Duration.ofSeconds(10))
            .build()) {
      long began = time.nanos();
      LlmException failure = failure(model);
      assertThat(Duration.ofNanos(time.nanos() - began)).isLessThan(Duration.ofSeconds(13));
      assertThat(slow.calls()).isEqualTo(2);
      assertThat(alsoSlow.calls()).isEqualTo(1);
      assertThat(alsoSlow.limits.get(0).timeLimit()).isLessThan(Duration.ofSeconds(2));
      assertThat(failure.getSuppressed()).hasSize(3);
      assertThat(failure).hasMessageContainingAll("a m: TIMEOUT", "b n: MODEL_FAILED");
    }
  }

  @Test
  void whenAllFailTheErrorNamesAllAndTheShortestWaitThatHelps() {
    PlayedProvider one =
        new PlayedProvider("a", "m", fails(ErrorCode.RATE_LIMITED, Duration.ofHours(2)));
    PlayedProvider two =
        new PlayedProvider("b", "n", fails(ErrorCode.RATE_LIMITED, Duration.ofHours(1)));
    PlayedProvider three = new PlayedProvider("c", "o", fails(ErrorCode.ACCESS_DENIED));
    try (GovernedModel model = over(one).fallback(two).fallback(three).build()) {
      LlmException failure = failure(model);
      assertThat(failure.code()).isEqualTo(ErrorCode.RATE_LIMITED);
      assertThat(failure.retryAfter()).contains(Duration.ofHours(1));
      assertThat(failure.getSuppressed()).hasSize(3);
      assertThat(failure)
          .hasMessageContainingAll("a m: RATE_LIMITED", "b n: RATE_LIMITED", "c o: ACCESS_DENIED");
    }
  }

  @Test
  void anAnswerWithoutFinishReasonIsNone() {
    PlayedProvider cut =
        new PlayedProvider(
            "a", "m", (request, sink) -> PlayedProvider.response(AiMessage.from("ha"), null));
    try (GovernedModel model = over(cut).build()) {
      assertThat(failure(model).code()).isEqualTo(ErrorCode.ANSWER_INCOMPLETE);
      assertThat(cut.calls()).isEqualTo(3);
    }
  }

  @Test
  void whatAProviderDoesNotClassifyMayPassAndShowsNoContent() {
    PlayedProvider odd =
        new PlayedProvider(
            "a",
            "m",
            (request, sink) -> {
              throw new IllegalStateException("the prompt was: secret");
            });
    try (GovernedModel model = over(odd).build()) {
      LlmException failure = failure(model);
      assertThat(failure.code()).isEqualTo(ErrorCode.MODEL_FAILED);
      assertThat(failure.getMessage()).contains("IllegalStateException").doesNotContain("secret");
    }
  }

  @Test
  void anInterruptedCallEndsAndTellsNothingToTheBreaker() {
    PlayedProvider waits =
        new PlayedProvider(
            "a",
            "m",
            (request, sink) -> {
              throw new InterruptedException();
            });
    try (GovernedModel model = over(waits).gates(gates(Map.of())).build()) {
      assertThatThrownBy(() -> model.generate(ask("hi"))).isInstanceOf(InterruptedException.class);
      assertThat(waits.calls()).isEqualTo(1);
      assertThat(books).contains("charged 5+1000 0.1", "ticket failed");
    }
  }

  // quotas and budgets

  private Gates gates(Map<String, RuntimeException> refused) {
    return Gates.NONE
        .with(
            (Gates.Budget)
                (root, tenant, input, output, cost) -> {
                  books.add("charge %s %s %d+%d %s".formatted(root, tenant, input, output, cost));
                  RuntimeException refusal = refused.get("budget " + cost);
                  if (refusal != null) {
                    throw refusal;
                  }
                  return new Budgets.Charge() {
                    @Override
                    public void used(long in, long out, @Nullable BigDecimal price) {
                      books.add("charged %d+%d %s".formatted(in, out, price));
                    }

                    @Override
                    public void unused() {
                      books.add("charge back");
                    }
                  };
                })
        .with(
            (Gates.Quota)
                (wanted, maxWait) -> {
                  books.add("ticket " + wanted.provider() + " within " + maxWait);
                  RuntimeException refusal = refused.get("quota " + wanted.provider());
                  if (refusal != null) {
                    throw refusal;
                  }
                  return new Quotas.Ticket() {
                    @Override
                    public void used(long in, long out, Map<String, String> headers) {
                      books.add("ticket used %d+%d %s".formatted(in, out, headers));
                    }

                    @Override
                    public void unused() {
                      books.add("ticket back");
                    }

                    @Override
                    public void failed(LlmException failure) {
                      books.add("ticket failed");
                    }
                  };
                })
        .with(
            (Gates.Price)
                (provider, model, input, output) ->
                    Optional.of(new BigDecimal(provider.equals("cheap") ? "0.01" : "0.1")));
  }

  @Test
  void eachAttemptReservesAnewAndWhatFailedStaysCharged() throws Exception {
    PlayedProvider flaky =
        new PlayedProvider(
            "a",
            "m",
            fails(ErrorCode.MODEL_FAILED),
            fails(ErrorCode.MODEL_OVERLOADED),
            says("hello"));
    CallOptions options = CallOptions.builder().tenant("t").root("r").build();
    try (GovernedModel model = over(flaky).gates(gates(Map.of())).build()) {
      LlmResponse answer = model.generate(ask("abcd"), options);
      assertThat(answer.cost()).isEqualByComparingTo("0.1");
    }
    assertThat(books)
        .containsExactly(
            "charge r t 5+1000 0.1",
            "ticket a within PT20S",
            "charged 5+1000 0.1",
            "ticket failed",
            "charge r t 5+1000 0.1",
            "ticket a within PT20S",
            "charged 0+0 0",
            "ticket failed",
            "charge r t 5+1000 0.1",
            "ticket a within PT20S",
            "charged 10+20 0.1",
            "ticket used 10+20 {x-request-id=r-1}");
  }

  @Test
  void whatNeverReachedTheProviderIsGivenBack() {
    PlayedProvider away =
        new PlayedProvider(
            "a",
            "m",
            (request, sink) -> {
              throw LlmException.of(ErrorCode.MODEL_UNREACHABLE, "a", "no connection")
                  .cause(new RuntimeException(new ConnectException("refused")))
                  .build();
            });
    try (GovernedModel model =
        over(away).retry(RetryPolicy.none()).gates(gates(Map.of())).build()) {
      failure(model);
    }
    assertThat(books).endsWith("charge back", "ticket back");
  }

  @Test
  void anOpenBreakerSetsNothingAside() {
    PlayedProvider away = new PlayedProvider("a", "m", says("never"));
    try (GovernedModel model = over(away).gates(gates(Map.of())).build()) {
      breaker(away).open(Duration.ofMinutes(1), "told to");
      assertThat(failure(model)).hasMessageContaining("told to");
      assertThat(books).isEmpty();
      assertThat(away.calls()).isZero();
    }
  }

  @Test
  void aQuotaThatIsUsedUpGivesTheBudgetBackAndAsksTheNextWithoutBlamingTheProvider()
      throws Exception {
    LlmException full =
        LlmException.of(ErrorCode.RATE_LIMITED, "a", "quota q is used up")
            .retryAfter(Duration.ofMinutes(3))
            .build();
    PlayedProvider limited = new PlayedProvider("a", "m", says("a"));
    PlayedProvider other = new PlayedProvider("b", "n", says("b"));
    try (GovernedModel model =
        over(limited).fallback(other).gates(gates(Map.of("quota a", full))).build()) {
      for (int i = 0; i < 2; i++) {
        assertThat(model.generate(ask("hi")).failed())
            .extracting(LlmResponse.Tried::message)
            .containsExactly("quota q is used up");
      }
      assertThat(books).contains("charge back");
      assertThat(breaker(limited).state()).isEqualTo(CircuitBreaker.State.CLOSED);
    }
  }

  @Test
  void aSpentBudgetGoesToACheaperModelAtItsOwnPriceOrIsThrown() throws Exception {
    AgentException spent = new AgentException(ErrorCode.BUDGET_EXCEEDED, "budget of r is spent");
    PlayedProvider dear = new PlayedProvider("dear", "m", says("dear"));
    PlayedProvider same = new PlayedProvider("same", "n", says("same"));
    PlayedProvider cheap = new PlayedProvider("cheap", "o", says("cheap"));
    Gates gates = gates(Map.of("budget 0.1", spent));
    try (GovernedModel model =
        over(dear).fallback(same).fallback(cheap, Fallback.CHEAPER).gates(gates).build()) {
      assertThat(model.generate(ask("hi")).text()).isEqualTo("cheap");
      assertThat(books).contains("charge null  5+1000 0.01", "charged 10+20 0.01");
      assertThat(same.calls() + dear.calls()).isZero();
    }
    try (GovernedModel model = over(dear).fallback(same).gates(gates).build()) {
      assertThatThrownBy(() -> model.generate(ask("hi"))).isSameAs(spent);
      assertThat(dear.calls()).isZero();
    }
  }

  @Test
  void tokensAreEstimatedFromTheRequest() {
    assertThat(TokenEstimate.of("12345678")).isEqualTo(2);
    assertThat(TokenEstimate.of("日本語")).isEqualTo(3);
    ChatRequest request = ask("x".repeat(400)).toBuilder().maxOutputTokens(50).build();
    assertThat(TokenEstimate.of(request, 1_000)).isEqualTo(new TokenEstimate(104, 50));
  }
}
