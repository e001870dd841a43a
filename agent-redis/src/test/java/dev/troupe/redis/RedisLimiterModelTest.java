package dev.troupe.redis;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.resilience.Limit;
import dev.troupe.resilience.RateLimiter.Decision;
import dev.troupe.resilience.RateLimiter.Demand;
import dev.troupe.resilience.RateLimiter.Line;
import dev.troupe.resilience.RateLimiter.Reservation;
import dev.troupe.resilience.RateLimiter.Settlement;
import dev.troupe.testkit.RedisServer;
import java.math.BigInteger;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.Jedis;

/**
 * The scripts beside a model of a few lines, at times that are exact to the microsecond: the latest
 * time that a group has seen is set far ahead of the server's clock, and stays until it is set
 * again.
 */
class RedisLimiterModelTest {
  private static final String GROUP = "{troupe:limit:g}";

  private final Map<String, Long> ends = new HashMap<>();
  private final Map<String, Map<String, long[]>> flights = new HashMap<>();
  private long now = 4_000_000_000_000_000L;
  private RedisServer server;
  private RedisRateLimiter limiter;
  private Jedis jedis;

  @BeforeEach
  void start() {
    server = RedisServer.start();
    limiter = RedisRateLimiter.connect(server.uri().toString());
    jedis = new Jedis("127.0.0.1", server.port());
    advance(0);
  }

  @AfterEach
  void stop() {
    jedis.close();
    limiter.close();
    server.close();
  }

  private void advance(long micros) {
    now += micros;
    jedis.hset(GROUP, "n", Long.toString(now));
  }

  // the model, in nanoseconds

  private static long cost(Limit.Rate rate, long permits) {
    BigInteger all =
        BigInteger.valueOf(permits).multiply(BigInteger.valueOf(rate.window().toNanos()));
    BigInteger steps = BigInteger.valueOf(rate.permits() - rate.burst() + 1);
    return all.add(steps).subtract(BigInteger.ONE).divide(steps).longValueExact();
  }

  private long end(Line line) {
    return Math.max(now * 1_000, ends.getOrDefault(line.name(), 0L));
  }

  private long wait(Line line) {
    long wanted = Math.max(1, line.permits());
    if (line.limit() instanceof Limit.Rate rate) {
      long most = now * 1_000 + cost(rate, rate.burst()) + Math.min(999, rate.burst());
      return Math.max(0, -Math.floorDiv(most - end(line) - cost(rate, wanted), 1_000L));
    }
    List<Long> overAt = new ArrayList<>();
    for (long[] flight : flights.getOrDefault(line.name(), Map.of()).values()) {
      for (int i = 0; i < flight[0] && flight[1] > now; i++) {
        overAt.add(flight[1]);
      }
    }
    overAt.sort(null);
    int tooMany = (int) (overAt.size() + wanted - line.limit().most());
    return tooMany <= 0 ? 0 : overAt.get(tooMany - 1) - now;
  }

  /** Compares a decision, and takes what was granted. */
  private @Nullable Reservation expect(Demand demand, Decision decision) {
    Line worst = null;
    long longest = 0;
    for (Line line : demand.lines()) {
      if (wait(line) > longest) {
        worst = line;
        longest = wait(line);
      }
    }
    if (worst != null) {
      assertThat(decision)
          .isEqualTo(new Decision.Refused(worst.name(), Duration.ofNanos(longest * 1_000)));
      return null;
    }
    assertThat(decision).as(demand.toString()).isInstanceOf(Decision.Granted.class);
    Reservation reservation = ((Decision.Granted) decision).reservation();
    for (Line line : demand.lines()) {
      if (line.limit() instanceof Limit.Rate rate) {
        long end = end(line) + cost(rate, line.permits());
        ends.put(line.name(), end);
        assertThat(reservation.ends()).containsEntry(line.name(), end / 1_000);
      } else {
        long over = now + ((Limit.InFlight) line.limit()).expiry().toNanos() / 1_000;
        flights
            .computeIfAbsent(line.name(), n -> new HashMap<>())
            .put(reservation.id(), new long[] {line.permits(), over});
      }
    }
    return reservation;
  }

  private void settled(Reservation reservation, long used) {
    for (Line line : reservation.demand().lines()) {
      if (line.limit() instanceof Limit.Rate rate) {
        long more = cost(rate, used) - cost(rate, line.permits());
        long ahead = Math.max(0, reservation.ends().getOrDefault(line.name(), 0L) - now) * 1_000;
        ends.put(
            line.name(),
            more > 0
                ? end(line) + more
                : Math.max(now * 1_000, end(line) - Math.min(-more, ahead)));
      } else {
        flights.getOrDefault(line.name(), new HashMap<>()).remove(reservation.id());
      }
    }
  }

  private static Line line(Random random) {
    return switch (random.nextInt(5)) {
      case 0 -> new Line("a", Limit.rate(13, Duration.ofMillis(7), 5), random.nextInt(6));
      case 1 -> new Line("a", Limit.rate(1_000, Duration.ofMillis(3), 700), random.nextInt(90));
      case 2 -> new Line("b", Limit.rate(3, Duration.ofMillis(1), 1), 1);
      case 3 -> new Line("c", Limit.inFlight(4, Duration.ofMillis(2)), random.nextInt(5));
      default -> new Line("d", Limit.inFlight(9, Duration.ofMillis(5)), 1 + random.nextInt(2));
    };
  }

  @Test
  void theScriptsDecideAsTheModelDoes() {
    long seed = new Random().nextLong();
    System.out.println("RedisLimiterModelTest seed " + seed);
    Random random = new Random(seed);
    List<Reservation> held = new ArrayList<>();
    int granted = 0;
    int refused = 0;
    for (int i = 0; i < 3_000; i++) {
      advance(random.nextInt(3) == 0 ? random.nextInt(random.nextInt(9) == 0 ? 9_000 : 400) : 0);
      if (!held.isEmpty() && random.nextInt(3) == 0) {
        Reservation one = held.remove(random.nextInt(held.size()));
        long used = random.nextInt(7);
        Map<String, Long> all = new HashMap<>();
        one.demand().lines().forEach(line -> all.put(line.name(), used));
        limiter.settle(List.of(new Settlement(one, all)));
        settled(one, used);
        continue;
      }
      List<Demand> demands = new ArrayList<>();
      for (int d = random.nextInt(3); d >= 0; d--) {
        Map<String, Line> lines = new HashMap<>();
        for (int l = random.nextInt(3); l >= 0; l--) {
          Line line = line(random);
          lines.put(line.name(), line);
        }
        Demand demand = new Demand("g", List.copyOf(lines.values()));
        for (int times = random.nextInt(3); times >= 0; times--) {
          demands.add(demand);
        }
      }
      List<Decision> decisions = limiter.reserve(demands);
      for (int d = 0; d < demands.size(); d++) {
        Reservation one = expect(demands.get(d), decisions.get(d));
        if (one == null) {
          refused++;
        } else {
          granted++;
          held.add(one);
        }
      }
    }
    assertThat(granted).isGreaterThan(500);
    assertThat(refused).isGreaterThan(500);
  }

  @Test
  void noHalfOpenWindowSeesMoreThanItsPermitsToTheMicrosecond() {
    for (Limit.Rate rate :
        List.of(
            Limit.rate(7, Duration.ofMillis(1), 5),
            Limit.rate(1, Duration.ofMillis(2), 1),
            Limit.rate(1_000, Duration.ofMillis(1), 999),
            Limit.rate(10, Duration.ofMillis(1), 1))) {
      String name = "rate " + rate.permits();
      long window = rate.window().toNanos() / 1_000;
      Map<Long, Long> history = new HashMap<>();
      Random random = new Random(rate.permits());
      for (int i = 0; i < 400; i++) {
        int many = random.nextInt(9) == 0 ? 1 : (int) rate.burst();
        Demand one = Demand.of("g", name, rate, 1);
        Duration retry = Duration.ZERO;
        for (Decision decision : limiter.reserve(Collections.nCopies(many, one))) {
          if (decision instanceof Decision.Refused refused) {
            retry = refused.retryAfter();
          } else {
            history.merge(now, 1L, Long::sum);
          }
        }
        // as soon as it may be, or as much later as saves some up
        advance(retry.toNanos() / 1_000 + (random.nextInt(12) == 0 ? random.nextInt(900) : 0));
      }
      long fullest = 0;
      for (long from : history.keySet()) {
        long sum =
            history.entrySet().stream()
                .filter(e -> e.getKey() >= from && e.getKey() < from + window)
                .mapToLong(Map.Entry::getValue)
                .sum();
        fullest = Math.max(fullest, sum);
      }
      assertThat(fullest).as(name).isEqualTo(rate.permits());
    }
  }
}
