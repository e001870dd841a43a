package dev.troupe.redis;

import static dev.troupe.redis.RedisFixture.failure;
import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.ErrorCode;
import dev.troupe.resilience.Limit;
import dev.troupe.resilience.RateLimiter.Decision;
import dev.troupe.resilience.RateLimiter.Demand;
import dev.troupe.resilience.RateLimiter.Line;
import dev.troupe.resilience.RateLimiter.Reservation;
import dev.troupe.testkit.RedisServer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.RedisClient;

/** What is particular to the limiter in Redis while its server is well. */
class RedisRateLimiterTest {
  private static final Duration HOUR = Duration.ofHours(1);
  private static final Limit SLOW = Limit.rate(100, HOUR, 10);
  private static final Limit CALLS = Limit.inFlight(3, Duration.ofMinutes(5));

  private static RedisServer server;
  private RedisRateLimiter limiter;

  @BeforeAll
  static void startServer() {
    server = RedisServer.start();
  }

  @AfterAll
  static void stopServer() {
    server.close();
  }

  @BeforeEach
  void openLimiter() {
    server.command("FLUSHALL");
    limiter = RedisRateLimiter.connect(server.uri().toString());
  }

  @AfterEach
  void closeLimiter() {
    limiter.close();
  }

  private static Demand both(String group) {
    return new Demand(group, List.of(new Line("r", SLOW, 1), new Line("f", CALLS, 1)));
  }

  private static Reservation granted(Decision decision) {
    assertThat(decision).isInstanceOf(Decision.Granted.class);
    return ((Decision.Granted) decision).reservation();
  }

  @Test
  void aCallIsOneRoundTripHoweverManyGroupsItHas() throws Exception {
    try (CountingProxy proxy = new CountingProxy(server.port());
        RedisRateLimiter counted =
            RedisRateLimiter.builder().host("127.0.0.1").port(proxy.port()).open()) {
      proxy.trips();
      Reservation one = granted(counted.reserve(both("a")));
      assertThat(proxy.trips()).as("a demand").isEqualTo(1);
      counted.settle(List.of(one.used()));
      assertThat(proxy.trips()).as("a settlement").isEqualTo(1);
      List<Demand> many = new ArrayList<>();
      for (int i = 0; i < 40; i++) {
        many.add(both("group " + i % 8));
      }
      List<Decision> decisions = counted.reserve(many);
      assertThat(proxy.trips()).as("demands of eight groups").isEqualTo(1);
      assertThat(decisions.subList(0, 24)).allMatch(Decision::granted);
      assertThat(decisions.subList(24, 40)).noneMatch(Decision::granted);
      counted.settle(decisions.subList(0, 24).stream().map(d -> granted(d).used()).toList());
      assertThat(proxy.trips()).as("their settlements").isEqualTo(1);
      granted(counted.tryAcquire("a", SLOW, 1));
      assertThat(proxy.trips()).as("the short way").isEqualTo(1);
    }
  }

  @Test
  void aListOfAnyLengthIsDecidedInItsOrder() {
    Limit limit = Limit.rate(10_000, Duration.ofDays(31), 3_000);
    List<Decision> decisions =
        limiter.reserve(Collections.nCopies(3_500, Demand.of("g", "n", limit, 1)));
    assertThat(decisions.subList(0, 3_000)).allMatch(Decision::granted);
    assertThat(decisions.subList(3_000, 3_500)).noneMatch(Decision::granted);
    assertThat(decisions.stream().filter(Decision::granted).map(d -> granted(d).id()).distinct())
        .hasSize(3_000);
    Limit flights = Limit.inFlight(1_000, HOUR);
    List<Decision> flown =
        limiter.reserve(Collections.nCopies(1_100, Demand.of("g", "f", flights, 1)));
    assertThat(flown.stream().filter(Decision::granted)).hasSize(1_000);
    limiter.settle(flown.stream().filter(Decision::granted).map(d -> granted(d).used()).toList());
    Reservation all = granted(limiter.reserve(Demand.of("g", "f", flights, 1_000)));
    assertThat(limiter.reserve(Demand.of("g", "f", flights, 1)).granted()).isFalse();
    limiter.settle(List.of(all.used()));
    granted(limiter.reserve(Demand.of("g", "f", flights, 1_000)));
  }

  @Test
  void nothingToDoAsksNobody() {
    limiter.settle(List.of());
    assertThat(limiter.reserve(List.of())).isEmpty();
    granted(limiter.tryAcquire("asked", SLOW, 0));
    assertThat(server.command("EXISTS", "{troupe:limit:asked}")).as("only asked").isEqualTo(":0");
  }

  @Test
  void scriptsThatTheServerForgotAreSentAgain() {
    server.command("SCRIPT", "FLUSH");
    granted(limiter.tryAcquire("a", SLOW, 1));
    server.command("SCRIPT", "FLUSH");
    Reservation one = granted(limiter.reserve(both("a")));
    server.command("SCRIPT", "FLUSH");
    limiter.settle(List.of(one.unused()));
    server.command("SCRIPT", "FLUSH");
    assertThat(limiter.reserve(List.of(both("a"), both("b"), Demand.of("c", "r", SLOW, 1))))
        .allMatch(Decision::granted);
  }

  @Test
  void scriptsThatAreForgottenAgainAndAgainNeverCountTwice() throws Exception {
    AtomicBoolean stop = new AtomicBoolean();
    Thread flusher =
        new Thread(
            () -> {
              while (!stop.get()) {
                server.command("SCRIPT", "FLUSH");
              }
            },
            "flusher");
    flusher.start();
    Limit limit = Limit.rate(10_000, Duration.ofDays(31), 600);
    try {
      int granted = 0;
      for (int i = 0; i < 400; i++) {
        granted += limiter.tryAcquire("a", limit, 1).granted() ? 1 : 0;
        for (Decision one :
            limiter.reserve(
                List.of(Demand.of("a", "a", limit, 1), Demand.of("b" + i, "x", limit, 1)))) {
          granted += one.granted() ? 1 : 0;
        }
      }
      assertThat(granted).isEqualTo(600 + 400);
    } finally {
      stop.set(true);
      flusher.join();
    }
  }

  @Test
  void whatMattersNoMoreLeavesByItself() {
    granted(limiter.reserve(both("g")));
    assertThat(life("{troupe:limit:g}")).isBetween(350L, 482L);
    assertThat(server.command("DBSIZE")).as("limits, a group, its flights").isEqualTo(":3");
    granted(limiter.tryAcquire("short", Limit.rate(10, Duration.ofSeconds(1)), 1));
    assertThat(life("{troupe:limit:short}")).isBetween(60L, 122L);
  }

  @Test
  void whatMattersForLongerIsKeptForLonger() {
    for (int minutes : List.of(1, 20, 3, 60)) {
      Limit flight = Limit.inFlight(50, Duration.ofMinutes(minutes));
      Limit rate = Limit.rate(2, Duration.ofMinutes(minutes), 2);
      granted(limiter.reserve(Demand.of("g", "f", flight, 1)));
      granted(limiter.tryAcquire("short" + minutes, rate, 1));
      granted(limiter.reserve(Demand.of("rates", "r" + minutes, rate, 1)));
    }
    assertThat(life("{troupe:limit:g}")).isGreaterThan(3_600);
    assertThat(lifeOfFlights("g", "f")).isBetween(3_600L, 3_722L);
    assertThat(life("{troupe:limit:rates}")).isGreaterThan(3_600);
    assertThat(life("{troupe:limit:short60}")).isGreaterThan(3_600);
  }

  private static long lifeOfFlights(String group, String name) {
    try (Jedis jedis = new Jedis("127.0.0.1", server.port())) {
      byte[] key =
          RedisKeys.join(
              RedisNames.encode("{troupe:limit:" + group + "}"),
              new byte[] {RedisKeys.SEPARATOR},
              RedisNames.encode(name));
      return jedis.pttl(key) / 1_000;
    }
  }

  private static long life(String key) {
    return Long.parseLong(server.command("PTTL", key).substring(1)) / 1_000;
  }

  @Test
  void namesThatMatterNoMoreStayAMinorityInTheirGroup() {
    AtomicLong offset = new AtomicLong();
    try (RedisRateLimiter moved =
        RedisRateLimiter.builder().uri(server.uri()).offset(offset::get).open()) {
      Limit quick = Limit.rate(10, Duration.ofSeconds(1), 10);
      for (int i = 0; i < 2_000; i++) {
        offset.addAndGet(100_000);
        granted(moved.reserve(Demand.of("users", "user " + i, quick, 1)));
      }
    }
    int kept = Integer.parseInt(server.command("HLEN", "{troupe:limit:users}").substring(1));
    assertThat(kept).isLessThan(100);
  }

  @Test
  void timeDoesNotGoBackWhenTheServersClockIsSetBack() {
    Limit limit = Limit.rate(100, Duration.ofSeconds(100), 10);
    AtomicLong offset = new AtomicLong(3_600_000_000L);
    try (RedisRateLimiter moved =
        RedisRateLimiter.builder().uri(server.uri()).offset(offset::get).open()) {
      Decision.Granted ahead = (Decision.Granted) moved.tryAcquire("g", limit, 10);
      granted(moved.reserve(Demand.of("g", "f", Limit.inFlight(1, Duration.ofSeconds(1)), 1)));
      Decision here = limiter.tryAcquire("g", limit, 1);
      assertThat(here)
          .isInstanceOfSatisfying(
              Decision.Refused.class,
              refused ->
                  // as if the hour had not been taken back
                  assertThat(refused.retryAfter()).isLessThan(Duration.ofMillis(1_200)));
      assertThat(
              limiter
                  .reserve(Demand.of("g", "f", Limit.inFlight(1, Duration.ofSeconds(1)), 1))
                  .granted())
          .isFalse();
      limiter.settle(List.of(ahead.reservation().unused()));
      // time stands still here, so the part of a microsecond that was rounded is missed
      granted(limiter.tryAcquire("g", limit, 9));
      assertThat(limiter.tryAcquire("g", limit, 2).granted()).isFalse();
    }
  }

  @Test
  void limitersOfDifferentPrefixesAndNamesOfAnyCharactersKnowNothingOfEachOther() {
    Limit one = Limit.rate(10, HOUR, 1);
    try (RedisRateLimiter other =
        RedisRateLimiter.builder().uri(server.uri()).prefix("other").open()) {
      granted(other.tryAcquire("a", one, 1));
      for (String name : List.of("a", "a}", "{a}", "n", "x", "ä 😀", "a\u00ff")) {
        granted(limiter.tryAcquire(name, one, 1));
        granted(limiter.reserve(Demand.of("all", name, one, 1)));
        granted(limiter.reserve(Demand.of("all", name, CALLS, 3)));
      }
      for (String name : List.of("a", "a}", "{a}", "n", "x", "ä 😀", "a\u00ff")) {
        assertThat(limiter.tryAcquire(name, one, 1).granted()).isFalse();
        assertThat(limiter.reserve(Demand.of("all", name, one, 1)).granted()).isFalse();
        assertThat(limiter.reserve(Demand.of("all", name, CALLS, 1)).granted()).isFalse();
      }
    }
  }

  @Test
  void aStoreAndALimiterMayShareAClientAndAPrefix() {
    try (RedisClient client = RedisClient.create("127.0.0.1", server.port())) {
      RedisStateStore store = RedisStateStore.builder().client(client).open();
      RedisRateLimiter shared = RedisRateLimiter.builder().client(client).open();
      RedisFixture.done(store, RedisFixture.put("r/a", "v"));
      granted(shared.tryAcquire("a", SLOW, 10));
      assertThat(limiter.tryAcquire("a", SLOW, 1).granted()).isFalse();
      shared.close();
      store.close();
      failure(ErrorCode.CLOSED, () -> shared.tryAcquire("a", SLOW, 1));
      assertThat(client.ping()).isEqualTo("PONG");
    }
  }

  @Test
  void whatIsUsedBeyondAllMeasureIsBounded() {
    Reservation one = granted(limiter.tryAcquire("a", SLOW, 1));
    for (int i = 0; i < 10; i++) {
      limiter.settle(List.of(one.used("a", Long.MAX_VALUE)));
    }
    assertThat(limiter.tryAcquire("a", SLOW, 1))
        .isInstanceOfSatisfying(
            Decision.Refused.class,
            refused -> assertThat(refused.retryAfter()).isGreaterThan(Duration.ofDays(18_000)));
  }
}
