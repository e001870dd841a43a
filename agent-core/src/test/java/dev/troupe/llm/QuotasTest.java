package dev.troupe.llm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;
import static org.awaitility.Awaitility.await;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.resilience.Limit;
import dev.troupe.resilience.RateLimiter;
import dev.troupe.resilience.RateLimiter.Line;
import dev.troupe.resilience.StoreRateLimiter;
import dev.troupe.state.MemoryStateStore;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a call takes of its limits, and what providers and limiters make of it. */
@Timeout(60)
class QuotasTest {
  private static final Duration NO_WAIT = Duration.ZERO;
  private static final Duration MINUTE = Duration.ofMinutes(1);

  /** Stands still unless it is moved, so that nothing comes back by itself. */
  private final AtomicReference<Instant> now =
      new AtomicReference<>(Instant.parse("2026-01-01T00:00:00Z"));

  private final RateLimiter limiter =
      new StoreRateLimiter(new MemoryStateStore(64, () -> now.get()));
  private final GateLimiter gate = new GateLimiter();
  private final List<Quotas> open = new ArrayList<>();

  @AfterEach
  void close() {
    open.forEach(Quotas::close);
  }

  private Quotas made(Quotas.Builder builder) {
    Quotas quotas = builder.build();
    open.add(quotas);
    return quotas;
  }

  private static Quotas.Ask ask(long in, long out) {
    return new Quotas.Ask("openai", "main", "gpt", "acme", 1, in, out);
  }

  private static LlmException refused(Quotas quotas, Quotas.Ask ask) {
    return refused(quotas, ask, NO_WAIT);
  }

  private static LlmException refused(Quotas quotas, Quotas.Ask ask, Duration maxWait) {
    AtomicReference<LlmException> refused = new AtomicReference<>();
    assertThatThrownBy(() -> quotas.acquire(ask, maxWait))
        .isInstanceOfSatisfying(LlmException.class, refused::set);
    assertThat(refused.get().code()).isEqualTo(ErrorCode.RATE_LIMITED);
    assertThat(refused.get().provider()).isEqualTo(ask.provider());
    return refused.get();
  }

  /**
   * Between the store's answers a limiter counts time by itself, though the store's stands still.
   */
  private static void about(long seconds, Optional<Duration> wait) {
    assertThat(wait.orElseThrow())
        .isBetween(Duration.ofMillis(seconds * 900), Duration.ofSeconds(seconds));
  }

  private static Quota tokens(long permits, long burst) {
    return Quota.builder().tokens(permits, MINUTE, burst).margin(Duration.ZERO).build();
  }

  // one decision

  @Test
  void allLimitsOfACallAreOneDemandAndOneSettlement() throws Exception {
    Quota all =
        Quota.builder()
            .requestsPerMinute(600)
            .inputTokensPerMinute(10_000)
            .outputTokensPerMinute(10_000)
            .inFlight(5)
            .build();
    Quota few = Quota.builder().requestsPerMinute(60).build();
    Quotas quotas =
        made(
            Quotas.over(gate)
                .account("openai", "main", all)
                .model("openai", "gpt", few)
                .eachTenant(few));
    gate.open.set(1);
    Quotas.Ticket ticket = quotas.acquire(ask(100, 200), NO_WAIT);
    assertThat(gate.asked.get()).isEqualTo(1);
    assertThat(gate.granted.get(0).group()).isEqualTo("llm/openai/main");
    assertThat(gate.granted.get(0).lines())
        .extracting(Line::name, Line::permits)
        .containsExactly(
            tuple("requests@60000", 1L),
            tuple("input@60000", 100L),
            tuple("output@60000", 200L),
            tuple("flight", 1L),
            tuple("pause", 0L),
            tuple("m/gpt/requests@60000", 1L),
            tuple("m/gpt/pause", 0L),
            tuple("t/acme/requests@60000", 1L));
    ticket.used(90, 210, Map.of());
    ticket.unused();
    await().until(() -> gate.settled.size() == 1);
    assertThat(gate.settled.get(0).used())
        .isEqualTo(Map.of("input@60000", 90L, "output@60000", 210L));
  }

  @Test
  void whereNothingIsLimitedNothingIsAsked() throws Exception {
    Quotas quotas = made(Quotas.over(gate).account("openai", "other", tokens(10, 1)));
    quotas.acquire(ask(100, 200), NO_WAIT).used(1, 1, Map.of());
    assertThat(gate.asked.get()).isZero();
  }

  @Test
  void tenantsAreLimitedAtEachAccountOrAcrossAllOfThem() throws Exception {
    Quota one = Quota.builder().requests(1, MINUTE, 1).build();
    Quotas.Ask here = ask(0, 0);
    Quotas.Ask there = new Quotas.Ask("anthropic", "x", "claude", "acme", 1, 0, 0);
    Quotas each = made(Quotas.over(limiter).eachTenant(one));
    each.acquire(here, NO_WAIT);
    each.acquire(there, NO_WAIT);
    assertThat(refused(each, there).getMessage()).contains("tenant 'acme'");
    Quotas across = made(Quotas.over(limiter).eachTenant(one).tenantsAcrossAccounts());
    across.acquire(here, NO_WAIT);
    refused(across, there);
    // nobody in particular is no tenant
    across.acquire(new Quotas.Ask("openai", "main", "gpt", "", 1, 0, 0), NO_WAIT);
  }

  @Test
  void namesOfTenantsMayHoldAnything() throws Exception {
    Quotas quotas = made(Quotas.over(limiter).eachTenant(tokens(10, 10)));
    for (String tenant : List.of("a/b", "a\nb", "x".repeat(5_000), "a%2Fb", "ü")) {
      Quotas.Ask all = new Quotas.Ask("openai", "main", "gpt", tenant, 1, 10, 0);
      quotas.acquire(all, NO_WAIT);
      refused(quotas, all);
    }
  }

  @Test
  void moreLimitsThanFitIntoOneDecisionAreRefusedAtOnce() {
    Quota.Builder many = Quota.builder();
    for (int i = 1; i <= 8; i++) {
      many.requests(10, Duration.ofSeconds(i));
    }
    Quotas.Builder builder = Quotas.over(gate).provider("p", many.build()).eachTenant(many.build());
    assertThatThrownBy(builder::build)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("17 limits");
  }

  // settling

  @Test
  void aRefusalNamesTheLimitAndTheExactWait() throws Exception {
    Quotas quotas = made(Quotas.over(limiter).provider("openai", tokens(100, 41)));
    quotas.acquire(ask(41, 0), NO_WAIT);
    LlmException e = refused(quotas, ask(10, 0));
    // 60 come back in a minute
    about(10, e.retryAfter());
    assertThat(e).hasMessageContaining("quota of tokens of account 'main' at openai");
    now.updateAndGet(t -> t.plusMillis(10_000));
    quotas.acquire(ask(10, 0), NO_WAIT);
  }

  @Test
  void unusedGivesAllBackUsedWhatWasTooMuchAndFailedNothing() throws Exception {
    Quotas quotas =
        made(
            Quotas.over(limiter)
                .provider("openai", tokens(1_000, 500))
                .model("openai", "gpt", Quota.builder().inFlight(1).build()));
    quotas.acquire(ask(500, 0), NO_WAIT).unused();
    Quotas.Ticket second = quotas.acquire(ask(500, 0), Duration.ofSeconds(5));
    second.used(200, 50, Map.of());
    Quotas.Ticket third = quotas.acquire(ask(250, 0), Duration.ofSeconds(5));
    third.failed(LlmException.of(ErrorCode.MODEL_FAILED, "openai", "broken").build());
    await()
        .untilAsserted(
            () -> assertThat(refused(quotas, ask(1, 0))).hasMessageContaining("tokens of account"));
  }

  @Test
  void whatWasUsedBeyondTheEstimateIsTaken() throws Exception {
    Quotas quotas = made(Quotas.over(limiter).provider("openai", tokens(101, 2)));
    quotas.acquire(ask(1, 0), NO_WAIT).used(2, 0, Map.of());
    await().untilAsserted(() -> refused(quotas, ask(1, 0)));
  }

  @Test
  void aCallLargerThanTheBurstTakesTheRestInAdvanceAndGetsBackWhatItDidNotUse() throws Exception {
    // ten come back in a second
    Quotas quotas = made(Quotas.over(limiter).provider("openai", tokens(699, 100)));
    Quotas.Ticket large = quotas.acquire(ask(250, 50), NO_WAIT);
    await().untilAsserted(() -> about(30, refused(quotas, ask(100, 0)).retryAfter()));
    large.used(120, 30, Map.of());
    await().untilAsserted(() -> about(15, refused(quotas, ask(100, 0)).retryAfter()));
    // a call for more than there ever is waits for all, and is not refused for ever
    now.updateAndGet(t -> t.plusSeconds(60));
    quotas.acquire(ask(1_000_000, 0), NO_WAIT);
  }

  @Test
  void aPlaceInFlightIsFreeAgainOnceTheCallEnded() throws Exception {
    Quotas quotas =
        made(Quotas.over(limiter).provider("openai", Quota.builder().inFlight(1).build()));
    Quotas.Ticket first = quotas.acquire(ask(1, 1), NO_WAIT);
    assertThat(refused(quotas, ask(1, 1), Duration.ofMillis(80)).retryAfter().orElseThrow())
        .isLessThanOrEqualTo(Duration.ofSeconds(1));
    first.used(1, 1, Map.of());
    quotas.acquire(ask(1, 1), Duration.ofSeconds(5)).unused();
  }

  // the provider's word

  private static LlmException tooMany(Duration retryAfter) {
    return LlmException.of(ErrorCode.RATE_LIMITED, "openai", "429").retryAfter(retryAfter).build();
  }

  @Test
  void whenAProviderAsksToWaitAllProcessesDoForTheLongestThatWasAsked() throws Exception {
    Quota some = Quota.builder().requests(100, MINUTE, 50).build();
    Quotas one = made(Quotas.over(limiter).provider("openai", some));
    Quotas two = made(Quotas.over(limiter).provider("openai", some));
    Quotas.Ticket a = one.acquire(ask(0, 0), NO_WAIT);
    Quotas.Ticket b = two.acquire(ask(0, 0), NO_WAIT);
    a.failed(tooMany(Duration.ofSeconds(20)));
    await()
        .untilAsserted(
            () -> {
              LlmException e = refused(two, ask(0, 0));
              about(20, e.retryAfter());
              assertThat(e).hasMessageContaining("openai asked to wait");
            });
    b.failed(tooMany(Duration.ofSeconds(7)));
    assertThat(refused(one, ask(0, 0)).retryAfter().orElseThrow())
        .isBetween(Duration.ofSeconds(15), Duration.ofSeconds(20));
    // another account is not meant
    two.acquire(new Quotas.Ask("openai", "other", "gpt", "", 1, 0, 0), NO_WAIT);
    now.updateAndGet(t -> t.plusSeconds(20));
    made(Quotas.over(limiter).provider("openai", some)).acquire(ask(0, 0), Duration.ofSeconds(5));
  }

  @Test
  void onlyTheModelWaitsWhereItHasALimitAndNeverForLongerThanTheLongestPause() throws Exception {
    Quota some = Quota.builder().requests(100, MINUTE, 50).build();
    Quotas.Builder builder =
        Quotas.over(limiter)
            .provider("openai", some)
            .model("openai", "gpt", some)
            .longestPause(Duration.ofSeconds(30));
    Quotas one = made(builder);
    Quotas two = made(builder);
    one.acquire(ask(0, 0), NO_WAIT).failed(tooMany(Duration.ofDays(1)));
    await().untilAsserted(() -> about(30, refused(two, ask(0, 0)).retryAfter()));
    two.acquire(new Quotas.Ask("openai", "main", "small", "", 1, 0, 0), NO_WAIT);
  }

  @Test
  void whenAnAnswerShowsThatOthersUseTheKeyAllWaitUntilEnoughIsLeft() throws Exception {
    Quota some = Quota.builder().requests(600, MINUTE, 12).build();
    Quotas one = made(Quotas.over(limiter).provider("openai", some));
    Quotas two = made(Quotas.over(limiter).provider("openai", some));
    one.acquire(ask(0, 0), NO_WAIT)
        .used(
            0,
            0,
            Map.of("x-ratelimit-remaining-requests", "590", "x-ratelimit-reset-requests", "59s"));
    two.acquire(ask(0, 0), NO_WAIT)
        .used(
            0,
            0,
            Map.of("x-ratelimit-remaining-requests", "0", "x-ratelimit-reset-requests", "40s"));
    await().untilAsserted(() -> about(40, refused(one, ask(0, 0)).retryAfter()));
  }

  // without the limiter

  @Test
  void aLimiterThatDoesNotAnswerLeavesThisProcessItsShare() throws Exception {
    SimpleMeterRegistry meters = new SimpleMeterRegistry();
    Quotas quotas =
        made(
            Quotas.over(gate)
                .provider("openai", Quota.builder().requests(600, MINUTE, 40).inFlight(8).build())
                .fallbackShare(0.25)
                .meters(meters));
    gate.before =
        () -> {
          throw new AgentException(ErrorCode.STORE_UNAVAILABLE, "gone");
        };
    int granted = 0;
    for (int i = 0; i < 10; i++) {
      try {
        quotas.acquire(ask(0, 0), NO_WAIT);
        granted++;
      } catch (LlmException e) {
        assertThat(e).hasMessageContaining("in flight");
      }
    }
    assertThat(granted).isEqualTo(2);
    assertThat(quotas.degraded()).isTrue();
    assertThat(meters.get("troupe.llm.quota.degraded").gauge().value()).isEqualTo(1);
    assertThat(meters.get("troupe.llm.quota.outages").functionCounter().count()).isEqualTo(1);
    assertThat(
            meters
                .get("troupe.llm.quota.refused")
                .tag("quota", "calls in flight")
                .counter()
                .count())
        .isEqualTo(8);
    gate.before = () -> {};
    gate.open.set(1_000);
    await().until(() -> !quotas.degraded());
    int before = gate.granted.size();
    quotas.acquire(ask(0, 0), NO_WAIT);
    assertThat(gate.granted).hasSize(before + 1);
    quotas.close();
    assertThat(meters.getMeters()).isEmpty();
  }

  @Test
  void aSilentLimiterHoldsNobodyUpAndWhatItGrantsLateIsGivenBack() throws Exception {
    CountDownLatch answers = new CountDownLatch(1);
    gate.open.set(1_000);
    gate.before =
        () -> {
          try {
            assertThat(answers.await(30, TimeUnit.SECONDS)).isTrue();
          } catch (InterruptedException e) {
            throw new IllegalStateException(e);
          }
        };
    Quotas quotas =
        made(
            Quotas.over(gate)
                .provider("openai", Quota.builder().requests(600, MINUTE, 40).build())
                .patience(Duration.ofMillis(300)));
    long began = System.nanoTime();
    quotas.acquire(ask(0, 0), NO_WAIT);
    long first = System.nanoTime();
    quotas.acquire(ask(0, 0), NO_WAIT);
    long second = System.nanoTime();
    assertThat(Duration.ofNanos(first - began)).isLessThan(Duration.ofMillis(1_000));
    assertThat(Duration.ofNanos(second - first)).isLessThan(Duration.ofMillis(200));
    answers.countDown();
    await().until(() -> !quotas.degraded());
    await().until(() -> gate.settled.size() == 1);
    assertThat(gate.settled.get(0).used()).containsEntry("requests@60000", 0L);
  }

  @Test
  void anInterruptedCallDoesNotWaitForASilentLimiter() throws Exception {
    CountDownLatch asked = new CountDownLatch(1);
    CountDownLatch answers = new CountDownLatch(1);
    gate.before =
        () -> {
          asked.countDown();
          try {
            assertThat(answers.await(30, TimeUnit.SECONDS)).isTrue();
          } catch (InterruptedException e) {
            throw new IllegalStateException(e);
          }
        };
    Quotas quotas =
        made(
            Quotas.over(gate)
                .provider("openai", Quota.builder().requests(600, MINUTE, 40).build())
                .patience(Duration.ofSeconds(20)));
    AtomicReference<Throwable> thrown = new AtomicReference<>();
    Thread caller =
        new Thread(
            () -> {
              try {
                quotas.acquire(ask(0, 0), MINUTE);
              } catch (InterruptedException | RuntimeException e) {
                thrown.set(e);
              }
            });
    caller.start();
    assertThat(asked.await(10, TimeUnit.SECONDS)).isTrue();
    caller.interrupt();
    caller.join(3_000);
    assertThat(thrown.get()).isInstanceOf(InterruptedException.class);
    answers.countDown();
  }

  @Test
  void callsInFlightAreSettledAfterAnOutageAlsoWhenItBeganBefore() throws Exception {
    Quotas quotas =
        made(
            Quotas.over(gate)
                .provider("openai", Quota.builder().inFlight(3).requestsPerMinute(60).build()));
    gate.open.set(1);
    Quotas.Ticket ticket = quotas.acquire(ask(0, 0), NO_WAIT);
    gate.before =
        () -> {
          throw new AgentException(ErrorCode.STORE_UNAVAILABLE, "gone");
        };
    quotas.acquire(ask(0, 0), NO_WAIT);
    assertThat(quotas.degraded()).isTrue();
    ticket.used(1, 1, Map.of());
    gate.before = () -> {};
    await().until(() -> gate.settled.size() == 1);
    assertThat(gate.settled.get(0).reservation().id()).isEqualTo("r1");
  }

  // what it costs

  @Test
  void aCallOverMemoryCostsMicroseconds() throws Exception {
    Quota all =
        Quota.builder()
            .requests(1_000_000_000, MINUTE)
            .inputTokens(100_000_000_000L, MINUTE)
            .outputTokens(100_000_000_000L, MINUTE)
            .tokens(100_000_000_000L, MINUTE)
            .build();
    // processor time of the caller, because others may use the machine meanwhile
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    double best = Double.MAX_VALUE;
    Quotas quotas = made(Quotas.inMemory().provider("openai", all));
    for (int round = 0; round < 20; round++) {
      int calls = 1_000;
      long began = threads.getCurrentThreadCpuTime();
      for (int i = 0; i < calls; i++) {
        quotas.acquire(ask(100, 100), Duration.ofSeconds(10)).used(90, 90, Map.of());
      }
      best = Math.min(best, (threads.getCurrentThreadCpuTime() - began) / 1e3 / calls);
    }
    System.out.printf("quota in memory: %.1f us to acquire and settle four limits%n", best);
    assertThat(best).isLessThan(120);
  }

  @Test
  void aRateInQuotasIsAskedForWithTheMarginAndTheUsualBurst() {
    Limit.Rate minute = Quota.builder().requestsPerMinute(500).build().rates().get(0).limit();
    assertThat(minute).isEqualTo(Limit.rate(500, Duration.ofSeconds(61), 10));
    Limit.Rate second =
        Quota.builder().tokens(500, Duration.ofSeconds(6)).build().rates().get(0).limit();
    assertThat(second).isEqualTo(Limit.rate(500, Duration.ofMillis(6_100), 50));
  }
}
