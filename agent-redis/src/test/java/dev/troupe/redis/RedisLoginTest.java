package dev.troupe.redis;

import static dev.troupe.redis.RedisFixture.failure;
import static dev.troupe.redis.StreamFixture.done;
import static dev.troupe.redis.StreamFixture.event;
import static dev.troupe.redis.StreamFixture.join;
import static dev.troupe.redis.StreamFixture.take;
import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.read.ListAppender;
import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.event.Delivery;
import dev.troupe.event.Feed;
import dev.troupe.event.Subscription.Mode;
import dev.troupe.resilience.Limit;
import dev.troupe.resilience.RateLimiter.Decision;
import dev.troupe.runtime.AgentRuntime;
import dev.troupe.runtime.RuntimeHealth;
import dev.troupe.testkit.RedisServer;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.slf4j.LoggerFactory;

/**
 * Limiters and transports whose user or password is wrong or may do too little, and where secrets
 * do not appear. The same for stores is in {@link RedisFailureTest}.
 */
@Timeout(60)
class RedisLoginTest {
  private static final String RIGHT = "right-login";
  private static final String WRONG = "wrong-login";
  private static final Limit TEN = Limit.rate(10, Duration.ofHours(1), 5);
  private static final List<String> RIGHTS =
      List.of("~{troupe*", "+@read", "+@write", "+@scripting", "+time", "+ping", "-@dangerous");

  private final Logger root = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
  private final Logger troupe = (Logger) LoggerFactory.getLogger("dev.troupe");
  private final ListAppender<ILoggingEvent> log = new ListAppender<>();

  @BeforeEach
  void listen() {
    log.start();
    root.addAppender(log);
    troupe.setLevel(Level.DEBUG);
  }

  @AfterEach
  void nothingSecretWasLogged() {
    troupe.setLevel(null);
    root.detachAppender(log);
    log.stop();
    for (ILoggingEvent one : List.copyOf(log.list)) {
      String trace =
          one.getThrowableProxy() == null
              ? ""
              : ThrowableProxyUtil.asString(one.getThrowableProxy());
      assertThat(one.getFormattedMessage() + trace).doesNotContain(RIGHT).doesNotContain(WRONG);
    }
  }

  private static AgentException withoutSecrets(AgentException one) {
    StringWriter trace = new StringWriter();
    one.printStackTrace(new PrintWriter(trace));
    assertThat(trace.toString()).doesNotContain(RIGHT).doesNotContain(WRONG);
    return one;
  }

  @Test
  void aWrongLoginIsSaidAtOnceOrByEachCallAndNeverShown() {
    try (RedisServer server = RedisServer.builder().password(RIGHT).start()) {
      String place = "127.0.0.1:" + server.port();
      for (String login : List.of(":" + WRONG + "@", "nobody:" + WRONG + "@", "")) {
        String uri = "redis://" + login + place;
        for (AgentException refused :
            List.of(
                failure(ErrorCode.INVALID_INPUT, () -> RedisRateLimiter.connect(uri)),
                failure(ErrorCode.INVALID_INPUT, () -> RedisTransport.connect(uri)))) {
          assertThat(withoutSecrets(refused))
              .hasMessageContaining(place)
              .hasMessageContaining("set user and password");
        }
        try (RedisRateLimiter limiter = RedisRateLimiter.builder().uri(uri).lazy(true).open();
            RedisTransport transport = RedisTransport.builder().uri(uri).lazy(true).open()) {
          withoutSecrets(failure(ErrorCode.INVALID_INPUT, () -> limiter.tryAcquire("a", TEN, 1)));
          withoutSecrets(
              failure(
                  ErrorCode.INVALID_INPUT, () -> transport.append(List.of(event("t", "k", 1)))));
          withoutSecrets(
              failure(ErrorCode.INVALID_INPUT, () -> join(transport, "t", "g", Mode.SHARED)));
        }
      }
    }
  }

  @Test
  void aUserWhoMayOnlyUseWhatTheyNeedCanOpenLimiterAndTransport() {
    try (RedisServer server = RedisServer.start()) {
      allow(server, RIGHTS);
      String uri = "redis://app:" + RIGHT + "@127.0.0.1:" + server.port();
      try (RedisRateLimiter limiter = RedisRateLimiter.connect(uri);
          RedisTransport transport = RedisTransport.connect(uri)) {
        Decision.Granted five = (Decision.Granted) limiter.tryAcquire("a", TEN, 5);
        assertThat(limiter.tryAcquire("a", TEN, 1).granted()).isFalse();
        limiter.settle(List.of(five.reservation().unused()));
        assertThat(limiter.tryAcquire("a", TEN, 5).granted()).isTrue();
        for (Mode mode : Mode.values()) {
          try (Feed feed = join(transport, "t", "g-" + mode, mode)) {
            feed.poll(1, Duration.ofMillis(200)); // it waits
            transport.append(List.of(event("t", "k", 7)));
            List<Delivery> taken = take(feed, 1);
            feed.settle(done(taken));
            feed.poll(0, Duration.ZERO);
          }
        }
        transport.trim("t");
        transport.forget("t", "g-" + Mode.SHARED);
      }
    }
  }

  @Test
  void whatAUserMayNotDoIsSaidWithTheRightsThatAreMissing() {
    try (RedisServer server = RedisServer.start()) {
      allow(server, RIGHTS);
      String uri = "redis://app:" + RIGHT + "@127.0.0.1:" + server.port();
      try (RedisRateLimiter limiter = RedisRateLimiter.connect(uri);
          RedisTransport transport = RedisTransport.connect(uri)) {
        limiter.tryAcquire("a", TEN, 1);
        transport.append(List.of(event("t", "k", 1)));
        for (String taken : List.of("-@scripting", "-@write")) {
          allow(server, List.of("+@write", "+@scripting", taken));
          RedisRateLimiter.Builder limits = RedisRateLimiter.builder().uri(uri).prefix("troupe-2");
          RedisTransport.Builder events = RedisTransport.builder().uri(uri).prefix("troupe-2");
          for (AgentException refused :
              List.of(
                  failure(ErrorCode.STORE_MISMATCH, limits::open),
                  failure(ErrorCode.STORE_MISMATCH, events::open))) {
            assertThat(withoutSecrets(refused))
                .hasMessageContaining("127.0.0.1:" + server.port())
                .hasMessageContaining("does not allow this user")
                .hasMessageContaining("grant");
          }
          assertThat(
                  withoutSecrets(
                      failure(ErrorCode.STORE_UNAVAILABLE, () -> limiter.tryAcquire("a", TEN, 1))))
              .hasMessageContaining("grant");
          // a known topic takes events without a script
          ThrowingCallable use =
              taken.equals("-@write")
                  ? () -> transport.append(List.of(event("t", "k", 1)))
                  : () -> join(transport, "t", "g", Mode.ORDERED).poll(1, Duration.ZERO);
          assertThat(withoutSecrets(failure(ErrorCode.TRANSPORT_UNAVAILABLE, use)))
              .hasStackTraceContaining("grant");
        }
        allow(server, List.of("+@write", "+@scripting"));
        assertThat(limiter.tryAcquire("b", TEN, 1).granted()).isTrue();
        transport.append(List.of(event("t", "k", 2)));
      }
    }
  }

  private static void allow(RedisServer server, List<String> rules) {
    List<String> words = new ArrayList<>(List.of("ACL", "SETUSER", "app", "on", ">" + RIGHT));
    words.addAll(rules);
    assertThat(server.command(words.toArray(String[]::new))).isEqualTo("+OK");
  }

  @Test
  void healthDoesNotShowASecretWhenTheServerIsGone() {
    try (RedisServer server = RedisServer.builder().password(RIGHT).start();
        RedisStateStore store = RedisFixture.open(server);
        AgentRuntime runtime = AgentRuntime.builder().store(store).start()) {
      server.kill();
      Awaitility.await()
          .atMost(Duration.ofSeconds(30))
          .until(() -> runtime.health().state() == RuntimeHealth.State.DEGRADED);
      assertThat(runtime.health().problems())
          .isNotEmpty()
          .allSatisfy(problem -> assertThat(problem).doesNotContain(RIGHT).doesNotContain("127."));
    }
  }
}
