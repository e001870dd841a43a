package dev.troupe.redis;

import static dev.troupe.redis.RedisFixture.change;
import static dev.troupe.redis.RedisFixture.done;
import static dev.troupe.redis.RedisFixture.failure;
import static dev.troupe.redis.RedisFixture.put;
import static dev.troupe.redis.RedisFixture.read;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.resilience.Limit;
import dev.troupe.resilience.RateLimiter.Decision;
import dev.troupe.testkit.RedisSentinel;
import dev.troupe.testkit.RedisServer;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Sentinels that are absent, do not know the name, want a password, or name another server. */
@Tag("matrix")
@Timeout(120)
class RedisSentinelFailureTest {
  private static final Duration SOON = RedisFailOverTest.BACK;
  private static RedisSentinel set;

  @BeforeAll
  static void startSet() {
    set = RedisSentinel.start();
  }

  @AfterAll
  static void stopSet() {
    set.close();
  }

  private static String[] sentinels(RedisSentinel set) {
    return set.sentinels().stream().map(one -> one.uri().toString()).toArray(String[]::new);
  }

  private static RedisStateStore.Builder store() {
    return RedisStateStore.builder().sentinels(RedisSentinel.NAME, sentinels(set));
  }

  private static String nobody() throws Exception {
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return "127.0.0.1:" + free.getLocalPort();
    }
  }

  private static String trace(Throwable failure) {
    StringWriter trace = new StringWriter();
    failure.printStackTrace(new PrintWriter(trace));
    return trace.toString();
  }

  @Test
  void storeLimiterAndTransportAreOpenedAtTheServerThatTheSentinelsName() {
    try (RedisStateStore store = store().prefix("all").open();
        RedisRateLimiter limiter =
            RedisRateLimiter.builder()
                .sentinels(RedisSentinel.NAME, sentinels(set))
                .prefix("all")
                .open();
        RedisTransport transport =
            RedisTransport.builder()
                .sentinels(RedisSentinel.NAME, sentinels(set))
                .prefix("all")
                .open()) {
      done(store, put("r/a", "v"));
      assertThat(read(store, "r/a")).hasSize(1);
      assertThat(limiter.tryAcquire("k", Limit.inFlight(1, SOON), 1))
          .isInstanceOf(Decision.Granted.class);
      transport.append(List.of(StreamFixture.event("t", "k", 1)));
      assertThat(set.primary().command("EXISTS", "{all}:meta")).isEqualTo(":1");
    }
  }

  @Test
  void oneSentinelThatAnswersIsEnough() throws Exception {
    String answers = sentinels(set)[1];
    try (RedisStateStore store =
        RedisStateStore.builder()
            .sentinels(RedisSentinel.NAME, "redis://" + nobody(), answers)
            .prefix("one")
            .open()) {
      done(store, put("r/a", "v"));
    }
  }

  @Test
  void anUnknownNameIsSaidWithThoseThatTheSentinelsHave() {
    AgentException refused =
        failure(
            ErrorCode.INVALID_INPUT,
            () -> RedisStateStore.builder().sentinels("mistaken", sentinels(set)).open());
    assertThat(refused)
        .hasMessageContaining("'mistaken'")
        .hasMessageContaining("'" + RedisSentinel.NAME + "'")
        .hasMessageContaining("127.0.0.1:" + set.sentinels().get(2).port());
  }

  @Test
  void sentinelsOfWhichNoneAnswersAreSaidOrWaitedFor() throws Exception {
    String place = nobody();
    String address = "redis://:secret-word@" + place;
    AgentException refused =
        failure(
            ErrorCode.STORE_UNAVAILABLE,
            () -> RedisStateStore.builder().sentinels("troupe", address).open());
    assertThat(refused).hasMessageContaining(place).hasMessageContaining("sentinels");
    assertThat(trace(refused)).doesNotContain("secret-word");
    failure(
        ErrorCode.TRANSPORT_UNAVAILABLE,
        () -> RedisTransport.builder().sentinels("troupe", address).open());
    try (RedisStateStore store =
        RedisStateStore.builder().sentinels("troupe", address).lazy(true).open()) {
      failure(ErrorCode.STORE_UNAVAILABLE, () -> done(store, put("r/a", "v")));
    }
  }

  @Test
  void aPasswordThatSentinelsRefuseIsSaidAndNeverShown() {
    // it answers AUTH as a sentinel does, which would need more files to start
    try (RedisServer locked = RedisServer.builder().password("right-word").start()) {
      AgentException refused =
          failure(
              ErrorCode.INVALID_INPUT,
              () ->
                  RedisStateStore.builder()
                      .sentinels("troupe", "redis://:secret-word@127.0.0.1:" + locked.port())
                      .open());
      assertThat(refused).hasMessageContaining("password").hasMessageContaining("sentinels");
      assertThat(trace(refused)).doesNotContain("secret-word").doesNotContain("right-word");
    }
  }

  @Test
  void addressesThatAreNoneAreRefusedAtOnce() {
    RedisStateStore.Builder builder = RedisStateStore.builder();
    for (String[] some :
        List.of(
            new String[] {},
            new String[] {"127.0.0.1:26379"},
            new String[] {"redis://a:secret-word@x", "redis://b:secret-word@y"},
            new String[] {"redis://a", "rediss://b"})) {
      assertThatThrownBy(() -> builder.sentinels("troupe", some))
          .isInstanceOf(IllegalArgumentException.class)
          .satisfies(e -> assertThat(trace(e)).doesNotContain("secret"));
    }
    assertThatThrownBy(() -> builder.sentinels(" ", "redis://x"))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void theLoginIsThatOfTheServerAndNotThatOfTheSentinels() {
    AgentException refused =
        failure(ErrorCode.INVALID_INPUT, () -> store().user("nobody").password("x").open());
    assertThat(refused).hasMessageContaining("primary 'troupe' of the sentinels at 127.0.0.1:");
  }

  @Test
  void aServerThatHangsIsLeftForTheOneThatTheSentinelsName() {
    try (RedisSentinel own = RedisSentinel.start();
        RedisStateStore store =
            RedisStateStore.builder()
                .sentinels(RedisSentinel.NAME, sentinels(own))
                .timeout(Duration.ofSeconds(1))
                .open()) {
      done(store, put("r/a", "v"));
      RedisServer former = own.primary();
      former.pause(); // connections stay open
      RedisServer next = own.awaitPrimaryOtherThan(former, SOON);
      insist(store, "r/b");
      former.resume();
      for (int i = 0; i < 50; i++) {
        insist(store, "r/c" + i);
      }
      // the former one would have lost them
      own.awaitReplica(Duration.ofSeconds(30));
      assertThat(own.primary()).isSameAs(next);
      assertThat(read(store, "r/b")).hasSize(1);
      assertThat(IntStream.range(0, 50)).allMatch(i -> read(store, "r/c" + i).size() == 1);
    }
  }

  private static void insist(RedisStateStore store, String key) {
    Awaitility.await()
        .atMost(SOON)
        .ignoreExceptionsMatching(RedisSentinelFailureTest::isAway)
        .untilAsserted(() -> store.apply(List.of(change(put(key, "v")))));
  }

  private static boolean isAway(Throwable failure) {
    return failure instanceof AgentException e && e.code() == ErrorCode.STORE_UNAVAILABLE;
  }
}
