package dev.troupe.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.troupe.llm.Quota;
import dev.troupe.llm.Quotas;
import dev.troupe.testkit.ChildProcess;
import dev.troupe.testkit.FaultProxy;
import dev.troupe.testkit.RedisServer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Quotas over Redis: what a call costs, a Redis that is silent, and processes that share a key. */
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

  @Test
  void twoProcessesThatShareAKeyAreNeverBanned() throws Exception {
    // 78 % are to be had with a margin that a busy machine needs in so short a window
    share(2, new int[] {100, 6, 4_000, 1_000, 7_000}, 0.4);
  }

  @Test
  @Tag("chaos")
  void fourProcessesAreNeverBannedAndUseNearlyAllThatIsAllowed() throws Exception {
    share(4, new int[] {500, 15, 10_000, 300, 22_000}, 0.9);
  }

  /** Takes requests, their burst, milliseconds of window and margin, and of the whole. */
  private static void share(int processes, int[] numbers, double share) throws Exception {
    int limit = numbers[0];
    int window = numbers[2];
    int millis = numbers[4];
    List<ChildProcess> fleet = new ArrayList<>();
    try (RedisServer server = RedisServer.start();
        BanningPeer peer = new BanningPeer(limit, window)) {
      for (int i = 0; i < processes; i++) {
        fleet.add(
            ChildProcess.of(QuotaWorker.class)
                .name("governed-" + i)
                .jvm("-Xmx64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
                .args(server.uri(), peer.port(), limit, numbers[1], window, numbers[3], millis)
                .start());
      }
      for (ChildProcess one : fleet) {
        one.awaitLine("ready", Duration.ofSeconds(60));
      }
      fleet.forEach(one -> one.send("go"));
      long asked = 0;
      for (ChildProcess one : fleet) {
        String line = one.awaitLine("asked \\d+ degraded .*", Duration.ofSeconds(60));
        assertThat(line).endsWith("degraded false");
        asked += Long.parseLong(line.split(" ")[1]);
      }
      double allowed = (double) limit * millis / window;
      System.out.printf(
          "%d processes: %d requests, %.1f %% of what is allowed; %d of %d in the fullest window%n",
          processes, peer.requests(), peer.requests() / allowed * 100, peer.fullest(), limit);
      assertThat(peer.banned()).isZero();
      assertThat(peer.requests()).isEqualTo(asked);
      assertThat(peer.requests() / allowed).isBetween(share, 1.06);
    } finally {
      fleet.forEach(ChildProcess::close);
    }
  }
}
