package dev.troupe.redis;

import static dev.troupe.redis.RedisFixture.done;
import static dev.troupe.redis.RedisFixture.failure;
import static dev.troupe.redis.RedisFixture.held;
import static dev.troupe.redis.RedisFixture.put;
import static dev.troupe.redis.RedisFixture.row;
import static dev.troupe.redis.StreamFixture.event;
import static dev.troupe.redis.StreamFixture.join;
import static dev.troupe.redis.StreamFixture.number;
import static dev.troupe.redis.StreamFixture.take;
import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.event.Feed;
import dev.troupe.event.Subscription.Mode;
import dev.troupe.resilience.Limit;
import dev.troupe.testkit.RedisServer;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Store, transport and limiter over TLS, and servers that are not who they should be. */
@Timeout(60)
class RedisTlsTest {
  private static final Duration LONG = Duration.ofSeconds(20);
  private static final String TRUST = "javax.net.ssl.trustStore";
  private static final String TRUST_PASSWORD = "javax.net.ssl.trustStorePassword";

  @TempDir private static Path folder;
  private static TlsKeys keys;
  private static RedisServer server;
  private static int port;

  @BeforeAll
  static void startServer() throws Exception {
    keys = new TlsKeys(folder);
    keys.make("here", "ip:127.0.0.1,dns:localhost");
    keys.make("elsewhere", "dns:elsewhere.example");
    server = RedisServer.builder().password("secret-word").start();
    port = keys.listen(server, "here");
  }

  @AfterAll
  static void stopServer() {
    server.close();
  }

  @AfterEach
  void trustAsBefore() {
    System.clearProperty(TRUST);
    System.clearProperty(TRUST_PASSWORD);
  }

  /** As a host's JVM does that was started with these settings. */
  private static void trustTheServers() {
    System.setProperty(TRUST, keys.store().toString());
    System.setProperty(TRUST_PASSWORD, TlsKeys.PASSWORD);
  }

  private static String uri(int at) {
    return "rediss://:secret-word@127.0.0.1:" + at;
  }

  /** What store, limiter and transport say when they are opened. */
  private static List<AgentException> refusals(String uri) {
    List<AgentException> all = new ArrayList<>();
    for (ThrowingCallable opening :
        List.<ThrowingCallable>of(
            () -> RedisStateStore.builder().uri(uri).timeout(LONG).open(),
            () -> RedisRateLimiter.builder().uri(uri).timeout(LONG).open(),
            () -> RedisTransport.builder().uri(uri).timeout(LONG).open())) {
      long began = System.nanoTime();
      all.add(failure(ErrorCode.INVALID_INPUT, opening));
      assertThat(Duration.ofNanos(System.nanoTime() - began)).as("at once").isLessThan(LONG);
    }
    for (AgentException one : all) {
      StringWriter trace = new StringWriter();
      one.printStackTrace(new PrintWriter(trace));
      assertThat(trace.toString()).doesNotContain("secret-word");
    }
    return all;
  }

  @Test
  void storeLimiterAndTransportWorkOverTls() {
    trustTheServers();
    try (RedisStateStore store = RedisStateStore.connect(uri(port));
        RedisRateLimiter limiter = RedisRateLimiter.connect(uri(port));
        RedisTransport transport = RedisTransport.connect(uri(port))) {
      done(store, held(store, "r/a"), row("r/a", "x", "y".repeat(200_000)), put("r/b", "v"));
      assertThat(RedisFixture.read(store, "r/a").get(0).rows().get("x")).hasSize(200_000);
      Limit two = Limit.inFlight(2, Duration.ofMinutes(1));
      assertThat(limiter.tryAcquire("a", two, 2).granted()).isTrue();
      assertThat(limiter.tryAcquire("a", two, 1).granted()).isFalse();
      for (Mode mode : Mode.values()) {
        try (Feed feed = join(transport, "t", "g-" + mode, mode)) {
          feed.poll(1, Duration.ofMillis(200)); // it waits
          transport.append(List.of(event("t", "k", 7)));
          assertThat(number(take(feed, 1).get(0))).isEqualTo(7);
        }
      }
    }
    assertThat(server.command("CONFIG", "GET", "tls-port")).as("it was no other").isEqualTo("*2");
  }

  @Test
  void aServerWhoseCertificateIsForAnotherNameIsRefusedAtOnce() throws Exception {
    trustTheServers();
    try (RedisServer elsewhere = RedisServer.builder().password("secret-word").start()) {
      int there = keys.listen(elsewhere, "elsewhere");
      refusals(uri(there))
          .forEach(
              one ->
                  assertThat(one)
                      .hasMessageContaining("127.0.0.1:" + there)
                      .hasMessageContaining("certificate")
                      .hasMessageContaining("host"));
    }
  }

  @Test
  void aServerWhoseAuthorityIsNotTrustedIsRefusedAtOnce() {
    refusals(uri(port))
        .forEach(
            one ->
                assertThat(one)
                    .hasMessageContaining("127.0.0.1:" + port)
                    .hasMessageContaining(TRUST));
  }

  @Test
  void thatOnlyOneSideSpeaksTlsIsSaid() {
    String plain = uri(server.port());
    String secure = uri(port).replace("rediss:", "redis:");
    for (String wrong : List.of(plain, secure)) {
      assertThat(
              failure(
                  ErrorCode.STORE_UNAVAILABLE,
                  () ->
                      RedisStateStore.builder().uri(wrong).timeout(Duration.ofMillis(500)).open()))
          .hasMessageContaining("tls");
    }
  }
}
