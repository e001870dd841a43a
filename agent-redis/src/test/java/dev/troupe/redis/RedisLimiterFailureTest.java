package dev.troupe.redis;

import static dev.troupe.redis.RedisFixture.failure;
import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.resilience.Limit;
import dev.troupe.resilience.MeteredRateLimiter;
import dev.troupe.resilience.RateLimiter;
import dev.troupe.resilience.RateLimiter.Decision;
import dev.troupe.resilience.RateLimiter.Demand;
import dev.troupe.resilience.RateLimiter.Reservation;
import dev.troupe.resilience.StoreRateLimiter;
import dev.troupe.testkit.RedisServer;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The limiter's server is absent, gone, silent, full or somebody else's. */
@Timeout(120)
class RedisLimiterFailureTest {
  private static final Limit WIDE = Limit.rate(1_000_000, Duration.ofHours(1), 500_000);
  private static final Duration TIMEOUT = Duration.ofMillis(400);

  private static RedisRateLimiter open(RedisServer server) {
    return RedisRateLimiter.builder().uri(server.uri()).timeout(TIMEOUT).open();
  }

  private static void awaitGrant(RateLimiter limiter) {
    Awaitility.await()
        .atMost(Duration.ofSeconds(30))
        .ignoreException(AgentException.class)
        .until(() -> limiter.tryAcquire("a", WIDE, 1).granted());
  }

  /**
   * Lets so many ask at once, about a group each; returns the longest that one had to wait for its
   * error.
   */
  private static Duration longestFailure(RateLimiter limiter, int threads) throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    try {
      List<Future<Long>> all = new ArrayList<>();
      for (int i = 0; i < threads; i++) {
        String group = "a" + i;
        all.add(
            pool.submit(
                () -> {
                  long began = System.nanoTime();
                  AgentException away =
                      failure(
                          ErrorCode.STORE_UNAVAILABLE, () -> limiter.tryAcquire(group, WIDE, 1));
                  assertThat(away.getMessage())
                      .as("what to do")
                      .containsPattern("see whether it runs|start it or correct|allow more");
                  return System.nanoTime() - began;
                }));
      }
      long longest = 0;
      for (Future<Long> one : all) {
        longest = Math.max(longest, one.get(60, TimeUnit.SECONDS));
      }
      return Duration.ofNanos(longest);
    } finally {
      pool.shutdownNow();
    }
  }

  @Test
  void aServerThatIsNotThereIsSaidAndALazyLimiterWaitsForIt() throws Exception {
    int port;
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    assertThat(
            failure(
                ErrorCode.STORE_UNAVAILABLE,
                () -> RedisRateLimiter.connect("redis://:secret-word@127.0.0.1:" + port)))
        .hasMessageContaining("127.0.0.1:" + port)
        .hasMessageContaining("limiter")
        .hasMessageNotContaining("secret-word");
    try (RedisServer server = RedisServer.start()) {
      server.stop();
      try (RedisRateLimiter lazy = RedisRateLimiter.builder().uri(server.uri()).lazy(true).open()) {
        failure(ErrorCode.STORE_UNAVAILABLE, () -> lazy.tryAcquire("a", WIDE, 1));
        server.restart();
        awaitGrant(lazy);
      }
    }
  }

  @Test
  void nobodyHangsWhenTheServerIsKilledAndAllGoesOnWhenItIsBack() throws Exception {
    try (RedisServer server = RedisServer.builder().appendOnly("always").start();
        RedisRateLimiter limiter = open(server)) {
      Limit slow = Limit.rate(100, Duration.ofDays(1), 50);
      assertThat(limiter.tryAcquire("kept", slow, 30).granted()).isTrue();
      server.kill();
      assertThat(longestFailure(limiter, 24)).isLessThan(TIMEOUT.multipliedBy(2).plusSeconds(2));
      server.restart();
      awaitGrant(limiter);
      assertThat(limiter.tryAcquire("kept", slow, 21).granted()).as("30 are taken").isFalse();
    }
  }

  @Test
  void nobodyHangsWhenTheServerIsSilentHoweverManyAsk() throws Exception {
    try (RedisServer server = RedisServer.start();
        RedisRateLimiter limiter =
            RedisRateLimiter.builder().uri(server.uri()).timeout(TIMEOUT).connections(2).open()) {
      awaitGrant(limiter);
      server.pause();
      long began = System.nanoTime();
      Demand one = Demand.of("a", "a", WIDE, 1);
      failure(ErrorCode.STORE_UNAVAILABLE, () -> limiter.reserve(Collections.nCopies(20_000, one)));
      assertThat(Duration.ofNanos(System.nanoTime() - began))
          .as("twenty scripts, of which the first is not answered")
          .isLessThan(TIMEOUT.multipliedBy(2).plusSeconds(2));
      // one after another they would take ten seconds
      assertThat(longestFailure(limiter, 50)).isLessThan(TIMEOUT.multipliedBy(2).plusSeconds(2));
      server.resume();
      awaitGrant(limiter);
    }
  }

  @Test
  void nobodyHangsBeforeASilentServerThatWasNeverLookedAt() throws Exception {
    try (RedisServer server = RedisServer.start()) {
      server.pause();
      try (RedisRateLimiter lazy =
          RedisRateLimiter.builder().uri(server.uri()).timeout(TIMEOUT).lazy(true).open()) {
        // one after another they would take ten seconds
        assertThat(longestFailure(lazy, 24)).isLessThan(TIMEOUT.multipliedBy(3).plusSeconds(2));
        server.resume();
        awaitGrant(lazy);
      }
    }
  }

  @Test
  void limitsOverAStoreWhoseServerIsKilledOrSilentHoldUpNobody() throws Exception {
    try (RedisServer server = RedisServer.builder().appendOnly("always").start();
        RedisStateStore store =
            RedisStateStore.builder().uri(server.uri()).timeout(TIMEOUT).open()) {
      RateLimiter limiter = new StoreRateLimiter(store);
      Limit slow = Limit.rate(100, Duration.ofDays(1), 50);
      assertThat(limiter.tryAcquire("kept", slow, 30).granted()).isTrue();
      server.kill();
      assertThat(longestFailure(limiter, 24)).isLessThan(TIMEOUT.multipliedBy(4).plusSeconds(3));
      server.restart();
      awaitGrant(limiter);
      assertThat(limiter.tryAcquire("kept", slow, 21).granted()).as("30 are taken").isFalse();
      server.pause();
      // one group after another they would take ten seconds
      assertThat(longestFailure(limiter, 24)).isLessThan(TIMEOUT.multipliedBy(4).plusSeconds(3));
      server.resume();
      awaitGrant(limiter);
      assertThat(limiter.tryAcquire("kept", slow, 21).granted()).as("30 are taken").isFalse();
    }
  }

  @Test
  void metersTellThatALimiterLostItsServerAndHasItAgain() {
    SimpleMeterRegistry meters = new SimpleMeterRegistry();
    try (RedisServer server = RedisServer.start();
        RedisStateStore store =
            RedisStateStore.builder().uri(server.uri()).timeout(TIMEOUT).open();
        RateLimiter own = new MeteredRateLimiter(open(server), "own", meters);
        RateLimiter over = new MeteredRateLimiter(new StoreRateLimiter(store), "store", meters)) {
      for (RateLimiter limiter : List.of(own, over)) {
        String name = limiter == own ? "own" : "store";
        awaitGrant(limiter);
        assertThat(away(meters, name)).isZero();
        double before = failures(meters, name);
        server.kill();
        failure(ErrorCode.STORE_UNAVAILABLE, () -> limiter.tryAcquire("a", WIDE, 1));
        assertThat(away(meters, name)).isEqualTo(1);
        assertThat(failures(meters, name)).isEqualTo(before + 1);
        server.restart();
        awaitGrant(limiter);
        assertThat(away(meters, name)).isZero();
      }
    }
    assertThat(meters.getMeters()).as("after the end").isEmpty();
  }

  private static double away(SimpleMeterRegistry meters, String limiter) {
    return meters.get("troupe.limiter.store.away").tag("limiter", limiter).gauge().value();
  }

  private static double failures(SimpleMeterRegistry meters, String limiter) {
    return meters.get("troupe.limiter.store.failures").tag("limiter", limiter).counter().count();
  }

  @Test
  void aFullServerGrantsNothingAndStillFreesWhatIsInFlight() {
    try (RedisServer server = RedisServer.builder().maxMemory("16mb", "noeviction").start();
        RedisRateLimiter limiter = open(server)) {
      Limit calls = Limit.inFlight(1, Duration.ofHours(1));
      Limit slow = Limit.rate(100, Duration.ofDays(1), 50);
      Reservation call =
          ((Decision.Granted) limiter.reserve(Demand.of("g", "calls", calls, 1))).reservation();
      assertThat(limiter.tryAcquire("a", slow, 30).granted()).isTrue();
      server.command("CONFIG", "SET", "maxmemory", "1mb");
      failure(ErrorCode.STORE_FULL, () -> limiter.tryAcquire("a", slow, 10));
      failure(
          ErrorCode.STORE_FULL,
          () ->
              limiter.reserve(
                  List.of(Demand.of("a", "a", slow, 10), Demand.of("b", "b", slow, 10))));
      assertThat(limiter.tryAcquire("a", slow, 40).granted()).isFalse();
      limiter.settle(List.of(call.used()));
      server.command("CONFIG", "SET", "maxmemory", "16mb");
      assertThat(limiter.reserve(Demand.of("g", "calls", calls, 1)).granted()).isTrue();
      assertThat(limiter.tryAcquire("a", slow, 20).granted()).as("nothing was taken").isTrue();
      assertThat(limiter.tryAcquire("b", slow, 50).granted()).as("nor here").isTrue();
    }
  }

  @Test
  void aServerThatMayEvictOrHasLimitsOfAnotherFormatIsRefused() {
    try (RedisServer server = RedisServer.builder().maxMemory("50mb", "allkeys-lru").start()) {
      assertThat(failure(ErrorCode.STORE_MISMATCH, () -> open(server)))
          .hasMessageContaining("limiter")
          .hasMessageContaining("allowEviction");
    }
    try (RedisServer server = RedisServer.start()) {
      server.command("HSET", "{troupe}:limits", "format", "9");
      assertThat(failure(ErrorCode.STORE_MISMATCH, () -> open(server)))
          .hasMessageContaining("format 9");
    }
  }

  @Test
  void whatBelongsToSomebodyElseDisturbsOnlyItsGroup() {
    try (RedisServer server = RedisServer.start();
        RedisRateLimiter limiter = open(server)) {
      server.command("SET", "{troupe:limit:theirs}", "something");
      failure(ErrorCode.STORE_UNAVAILABLE, () -> limiter.tryAcquire("theirs", WIDE, 1));
      failure(
          ErrorCode.STORE_UNAVAILABLE,
          () ->
              limiter.reserve(
                  List.of(
                      Demand.of("theirs", "n", WIDE, 1),
                      Demand.of("ours", "n", Limit.rate(10, Duration.ofHours(1), 2), 1))));
      Limit two = Limit.rate(10, Duration.ofHours(1), 2);
      assertThat(limiter.reserve(Demand.of("ours", "n", two, 2)).granted())
          .as("one was granted to nobody, and counts")
          .isFalse();
      assertThat(limiter.reserve(Demand.of("ours", "n", two, 1)).granted()).isTrue();
    }
  }

  @Test
  void aServerThatBecameAReplicaIsUnavailable() {
    try (RedisServer server = RedisServer.start();
        RedisRateLimiter limiter = open(server)) {
      awaitGrant(limiter);
      server.command("REPLICAOF", "127.0.0.1", "1");
      failure(ErrorCode.STORE_UNAVAILABLE, () -> limiter.tryAcquire("a", WIDE, 1));
      server.command("REPLICAOF", "NO", "ONE");
      awaitGrant(limiter);
    }
  }
}
