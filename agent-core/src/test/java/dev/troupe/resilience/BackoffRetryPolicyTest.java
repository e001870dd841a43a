package dev.troupe.resilience;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.resilience.RetryPolicy.Attempt;
import java.io.IOException;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(30)
class BackoffRetryPolicyTest {
  private static final Exception FAILURE = new IOException("down");

  private static Optional<Duration> next(RetryPolicy policy, int number, double random) {
    return policy.next(new Attempt(number, FAILURE, random));
  }

  private static Optional<Duration> next(RetryPolicy policy, Throwable failure) {
    return policy.next(new Attempt(1, failure, 0));
  }

  /** Says when it may be tried again. */
  private static final class Refused extends AgentException {
    private static final long serialVersionUID = 1L;
    private final transient Duration after;

    Refused(ErrorCode code, Duration after) {
      super(code, "later");
      this.after = after;
    }

    @Override
    public Optional<Duration> retryAfter() {
      return Optional.of(after);
    }
  }

  // growth

  @Test
  void waitsGrowByTheMultiplierUpToTheCap() {
    RetryPolicy policy =
        BackoffRetryPolicy.builder(100)
            .delay(Duration.ofMillis(100))
            .multiplier(3)
            .maxDelay(Duration.ofSeconds(2))
            .jitter(0)
            .build();
    List<Long> waits =
        Stream.of(1, 2, 3, 4, 5, 50).map(n -> next(policy, n, 0).orElseThrow().toMillis()).toList();
    assertThat(waits).containsExactly(100L, 300L, 900L, 2_000L, 2_000L, 2_000L);
  }

  @Test
  void theDefaultsAreThoseInTheDescription() {
    RetryPolicy policy = RetryPolicy.exponential(20);
    assertThat(next(policy, 1, 0)).contains(Duration.ofMillis(200));
    assertThat(next(policy, 2, 0)).contains(Duration.ofMillis(400));
    assertThat(next(policy, 19, 0)).contains(Duration.ofSeconds(30));
    assertThat(next(policy, 19, 0.999_999_999).orElseThrow())
        .isBetween(Duration.ofSeconds(15), Duration.ofMillis(15_001));
    assertThat(next(policy, 20, 0)).isEmpty();
  }

  @Test
  void aFixedPolicyAlwaysWaitsTheSame() {
    RetryPolicy policy = RetryPolicy.fixed(4, Duration.ofMillis(70));
    for (int number = 1; number < 4; number++) {
      assertThat(next(policy, number, 0.9)).contains(Duration.ofMillis(70));
    }
    assertThat(next(policy, 4, 0.9)).isEmpty();
  }

  @Test
  void noneNeverTriesAgain() {
    assertThat(next(RetryPolicy.none(), 1, 0)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(ints = {64, 1_000, 1_100, 1_000_000, Integer.MAX_VALUE - 1})
  void hugeAttemptNumbersStayAtTheCap(int number) {
    RetryPolicy policy =
        BackoffRetryPolicy.builder(Integer.MAX_VALUE)
            .multiplier(10)
            .maxDelay(Duration.ofMinutes(5))
            .jitter(0)
            .build();
    assertThat(next(policy, number, 0)).contains(Duration.ofMinutes(5));
  }

  @Test
  void noDelayStaysNoDelayHoweverOften() {
    RetryPolicy policy = BackoffRetryPolicy.builder(Integer.MAX_VALUE).delay(Duration.ZERO).build();
    assertThat(next(policy, 5_000_000, 0)).contains(Duration.ZERO);
  }

  @Test
  void aCapBelowTheDelayWins() {
    RetryPolicy policy =
        BackoffRetryPolicy.builder(9)
            .delay(Duration.ofSeconds(9))
            .maxDelay(Duration.ofSeconds(1))
            .jitter(0)
            .build();
    assertThat(next(policy, 1, 0)).contains(Duration.ofSeconds(1));
  }

  @Test
  void durationsBeyondAllMillisecondsNeverThrow() {
    Duration forever = ChronoUnit.FOREVER.getDuration();
    RetryPolicy uncapped =
        BackoffRetryPolicy.builder(Integer.MAX_VALUE).jitter(0).maxDelay(forever).build();
    assertThat(next(uncapped, 1, 0)).contains(Duration.ofMillis(200));
    assertThatCode(() -> next(uncapped, 5_000, 0)).doesNotThrowAnyException();
    RetryPolicy slow = BackoffRetryPolicy.builder(5).delay(forever).jitter(0).build();
    assertThat(next(slow, 1, 0)).contains(Duration.ofSeconds(30));
  }

  // jitter

  @Test
  void jitterShortensByAtMostItsShare() {
    long seed = new Random().nextLong();
    System.out.println("BackoffRetryPolicyTest.jitterShortensByAtMostItsShare seed " + seed);
    Random random = new Random(seed);
    for (int i = 0; i < 2_000; i++) {
      double jitter = random.nextDouble();
      long delay = 1 + random.nextInt(100_000);
      RetryPolicy policy =
          BackoffRetryPolicy.builder(2)
              .delay(Duration.ofMillis(delay))
              .maxDelay(Duration.ofDays(1))
              .jitter(jitter)
              .build();
      long wait = next(policy, 1, random.nextDouble()).orElseThrow().toMillis();
      assertThat(wait)
          .as("seed %d", seed)
          .isBetween((long) Math.floor(delay * (1 - jitter)), delay);
    }
  }

  @Test
  void fullJitterReachesFromNothingToTheWholeWait() {
    RetryPolicy policy =
        BackoffRetryPolicy.builder(2).delay(Duration.ofSeconds(1)).jitter(1).build();
    assertThat(next(policy, 1, 0)).contains(Duration.ofSeconds(1));
    assertThat(next(policy, 1, 0.75)).contains(Duration.ofMillis(250));
    assertThat(next(policy, 1, Math.nextDown(1.0))).contains(Duration.ZERO);
  }

  @Test
  void theSameAttemptGivesTheSameAnswer() {
    RetryPolicy policy = RetryPolicy.exponential(5);
    assertThat(next(policy, 3, 0.3)).isEqualTo(next(policy, 3, 0.3)).isPresent();
  }

  // what the other side asks for

  @Test
  void theWaitIsNeverShorterThanWhatWasAskedFor() {
    RetryPolicy policy =
        BackoffRetryPolicy.builder(9)
            .delay(Duration.ofSeconds(1))
            .maxDelay(Duration.ofSeconds(2))
            .jitter(1)
            .build();
    Refused longer = new Refused(ErrorCode.OVERLOADED, Duration.ofMinutes(3));
    Refused shorter = new Refused(ErrorCode.OVERLOADED, Duration.ofMillis(1));
    Refused negative = new Refused(ErrorCode.OVERLOADED, Duration.ofMillis(-5));
    assertThat(policy.next(new Attempt(1, longer, 0.99))).contains(Duration.ofMinutes(3));
    assertThat(policy.next(new Attempt(1, shorter, 0))).contains(Duration.ofSeconds(1));
    assertThat(policy.next(new Attempt(1, negative, 0.5))).contains(Duration.ofMillis(500));
  }

  @Test
  void askingForAWaitDoesNotMakeAFinalFailureRetryable() {
    assertThat(
            next(
                RetryPolicy.exponential(3),
                new Refused(ErrorCode.INVALID_INPUT, Duration.ofSeconds(1))))
        .isEmpty();
  }

  // when to stop

  @ParameterizedTest
  @EnumSource(ErrorCode.class)
  void anErrorOfTroupeIsTriedAgainOnlyWhenItIsRetryable(ErrorCode code) {
    assertThat(next(RetryPolicy.exponential(3), new AgentException(code, "x")).isPresent())
        .isEqualTo(code.retryable());
  }

  static Stream<Arguments> failures() {
    return Stream.of(
        arguments(new IOException(), true),
        arguments(new IllegalStateException(), true),
        arguments(new Exception(), true),
        arguments(new InterruptedException(), false),
        arguments(new StackOverflowError(), false),
        arguments(new AssertionError(), false),
        arguments(new Throwable(), false));
  }

  @ParameterizedTest
  @MethodSource("failures")
  void exceptionsAreTriedAgainButNeverInterruptionsAndErrors(Throwable failure, boolean again) {
    assertThat(next(RetryPolicy.exponential(3), failure).isPresent()).isEqualTo(again);
  }

  @Test
  void retryOnDecidesAlone() {
    RetryPolicy policy =
        BackoffRetryPolicy.builder(3).retryOn(t -> t instanceof StackOverflowError).build();
    assertThat(next(policy, new StackOverflowError())).isPresent();
    assertThat(next(policy, new IOException())).isEmpty();
  }

  @Test
  void theLastAttemptIsTheLast() {
    RetryPolicy policy = BackoffRetryPolicy.builder(3).build();
    assertThat(next(policy, 2, 0)).isPresent();
    assertThat(next(policy, 3, 0)).isEmpty();
    assertThat(next(policy, 4, 0)).isEmpty();
    assertThat(next(BackoffRetryPolicy.builder(1).build(), 1, 0)).isEmpty();
  }

  // bad options

  static Stream<Arguments> badOptions() {
    return Stream.of(
        bad("maxAttempts", "0", () -> BackoffRetryPolicy.builder(0)),
        bad("maxAttempts", "-7", () -> RetryPolicy.exponential(-7)),
        bad("maxAttempts", "0", () -> RetryPolicy.fixed(0, Duration.ZERO)),
        bad("delay", "PT-0.001S", () -> BackoffRetryPolicy.builder(1).delay(Duration.ofMillis(-1))),
        bad("delay", "PT-1S", () -> RetryPolicy.fixed(2, Duration.ofSeconds(-1))),
        bad(
            "maxDelay",
            "PT-1S",
            () -> BackoffRetryPolicy.builder(1).maxDelay(Duration.ofSeconds(-1))),
        bad("multiplier", "0.99", () -> BackoffRetryPolicy.builder(1).multiplier(0.99)),
        bad("multiplier", "-1", () -> BackoffRetryPolicy.builder(1).multiplier(-1)),
        bad("multiplier", "NaN", () -> BackoffRetryPolicy.builder(1).multiplier(Double.NaN)),
        bad("jitter", "-0.1", () -> BackoffRetryPolicy.builder(1).jitter(-0.1)),
        bad("jitter", "1.1", () -> BackoffRetryPolicy.builder(1).jitter(1.1)),
        bad("jitter", "NaN", () -> BackoffRetryPolicy.builder(1).jitter(Double.NaN)));
  }

  private static Arguments bad(String option, String value, Supplier<Object> making) {
    return arguments(option, value, making);
  }

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("badOptions")
  void aBadOptionIsRefusedWithItsNameAndValue(
      String option, String value, Supplier<Object> making) {
    assertThatThrownBy(making::get)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(option)
        .hasMessageContaining(value);
  }

  @Test
  void aMissingPredicateIsRefusedAtOnce() {
    BackoffRetryPolicy.Builder builder = BackoffRetryPolicy.builder(2);
    assertThatThrownBy(() -> builder.retryOn(null)).isInstanceOf(NullPointerException.class);
  }

  @Test
  void anAttemptChecksItsParts() {
    assertThatThrownBy(() -> new Attempt(0, FAILURE, 0)).hasMessageContaining("0");
    assertThatThrownBy(() -> new Attempt(1, FAILURE, 1.0)).hasMessageContaining("1.0");
    assertThatThrownBy(() -> new Attempt(1, FAILURE, -0.1)).hasMessageContaining("-0.1");
    assertThatThrownBy(() -> new Attempt(1, null, 0)).hasMessageContaining("failure");
  }
}
