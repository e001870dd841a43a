package dev.troupe.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.troupe.llm.Quota;
import dev.troupe.llm.Quotas;
import dev.troupe.testkit.FaultProxy;
import dev.troupe.testkit.RedisServer;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Quotas over Redis: what a call costs, and a Redis that is silent. */
@Timeout(120)
class RedisQuotasTest {
  private static final Quota FOUR =
      Quota.builder()
          .requestsPerMinute(100_000)
          .inputTokensPerMinute(100_000_000)
          .outputTokensPerMinute(100_000_000)
          .inFlight(100)
          .build();

  private static Quotas.Ask ask() {
    return new Quotas.Ask("openai", "main", "gpt", "acme", 1, 1_000, 500);
  }

  @Test
  void aCallIsOneRoundTripAndItsSettlementAnotherInTheBackground() throws Exception {
    try (RedisServer server = RedisServer.start();
        CountingProxy proxy = new CountingProxy(server.port());
        RedisRateLimiter limiter = RedisRateLimiter.connect("redis://127.0.0.1:" + proxy.port());
        Quotas quotas =
            Quotas.over(limiter)
                .provider("openai", FOUR)
                .model("openai", "gpt", FOUR)
                .eachTenant(FOUR)
                .build()) {
      // the scripts are sent once
      quotas.acquire(ask(), Duration.ZERO).used(900, 400, Map.of());
      long[] trips = new long[1];
      await().until(() -> (trips[0] += proxy.trips()) >= 2 && quiet(proxy, trips));
      Quotas.Ticket ticket = quotas.acquire(ask(), Duration.ZERO);
      assertThat(proxy.trips()).isEqualTo(1);
      ticket.used(900, 400, Map.of());
      await().until(() -> proxy.trips() == 1);
      assertThat(quiet(proxy, trips)).isTrue();
    }
  }

  /** Whether nothing is sent for a while. */
  private static boolean quiet(CountingProxy proxy, long[] trips) {
    long since = System.nanoTime();
    await().until(() -> System.nanoTime() - since > 150_000_000);
    long more = proxy.trips();
    trips[0] += more;
    return more == 0;
  }

  @Test
  void aSilentRedisHoldsACallUpForASecondAtMostAndOnlyOnce() throws Exception {
    try (RedisServer server = RedisServer.start();
        FaultProxy proxy = FaultProxy.to("127.0.0.1", server.port());
        RedisRateLimiter limiter =
            RedisRateLimiter.builder()
                .uri("redis://127.0.0.1:" + proxy.port())
                .timeout(Duration.ofSeconds(20))
                .open();
        Quotas quotas = Quotas.over(limiter).provider("openai", FOUR).build()) {
      quotas.acquire(ask(), Duration.ZERO).used(1, 1, Map.of());
      proxy.swallowAnswers();
      long began = System.nanoTime();
      quotas.acquire(ask(), Duration.ofSeconds(30)).used(1, 1, Map.of());
      Duration first = Duration.ofNanos(System.nanoTime() - began);
      assertThat(quotas.degraded()).isTrue();
      began = System.nanoTime();
      quotas.acquire(ask(), Duration.ofSeconds(30)).used(1, 1, Map.of());
      Duration second = Duration.ofNanos(System.nanoTime() - began);
      // far less than the timeout of Redis, also on a machine that is busy
      assertThat(first).isBetween(Duration.ofMillis(900), Duration.ofSeconds(6));
      assertThat(second).isLessThan(Duration.ofMillis(900));
      proxy.heal();
      await().atMost(Duration.ofSeconds(20)).until(() -> !quotas.degraded());
      quotas.acquire(ask(), Duration.ZERO).unused();
    }
  }
}
