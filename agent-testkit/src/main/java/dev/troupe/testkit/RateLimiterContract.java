package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.resilience.Limit;
import dev.troupe.resilience.RateLimiter;
import dev.troupe.resilience.RateLimiter.Decision;
import dev.troupe.resilience.RateLimiter.Demand;
import dev.troupe.resilience.RateLimiter.Line;
import dev.troupe.resilience.RateLimiter.Reservation;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * What every {@link RateLimiter} keeps: a test for each numbered guarantee. Extend it, and say how
 * a limiter is made and how time passes.
 */
@Timeout(60)
public abstract class RateLimiterContract {
  private static final Duration SECOND = Duration.ofSeconds(1);

  private final List<RateLimiter> opened = new ArrayList<>();
  private RateLimiter limiter = new Closed();
  private final long began = System.nanoTime();
  private long passed;

  /** For subclasses. */
  protected RateLimiterContract() {}

  /**
   * Makes a limiter as another process would, over what all limiters of this test share.
   *
   * @return a limiter, closed after the test
   */
  protected abstract RateLimiter open();

  /**
   * Lets time pass on the limiters' clock.
   *
   * @param duration how much
   */
  protected abstract void advance(Duration duration);

  @BeforeEach
  void openOne() {
    limiter = opened();
  }

  @AfterEach
  void closeAll() {
    opened.forEach(RateLimiter::close);
  }

  private RateLimiter opened() {
    RateLimiter one = open();
    opened.add(one);
    return one;
  }

  private static Reservation granted(Decision decision) {
    assertThat(decision).isInstanceOf(Decision.Granted.class);
    return ((Decision.Granted) decision).reservation();
  }

  private static Duration refused(Decision decision) {
    assertThat(decision).isInstanceOf(Decision.Refused.class);
    return ((Decision.Refused) decision).retryAfter();
  }

  private int grantedOf(int tries, Limit limit) {
    int granted = 0;
    for (int i = 0; i < tries; i++) {
      granted += limiter.tryAcquire("a", limit, 1).granted() ? 1 : 0;
    }
    return granted;
  }

  @Guarantee(1)
  void g01_atOnceOnlyTheBurstIsGranted() {
    assertThat(grantedOf(20, Limit.rate(100, Duration.ofHours(1), 7))).isEqualTo(7);
  }

  @Guarantee(1)
  void g01_noWindowSeesMoreThanItsPermits() {
    long seed = new Random().nextLong();
    System.out.println("RateLimiterContract seed " + seed);
    Random random = new Random(seed);
    int window = 2_000;
    Limit limit = Limit.rate(20, Duration.ofMillis(window), 8);
    List<long[]> history = new ArrayList<>();
    for (int i = 0; i < 300; i++) {
      int permits = 1 + random.nextInt(4);
      long before = time();
      if (limiter.tryAcquire("a", limit, permits).granted()) {
        history.add(new long[] {before, time(), permits});
      }
      if (random.nextInt(3) == 0) {
        pass(Duration.ofMillis(1 + random.nextInt(random.nextInt(20) == 0 ? 2_500 : 200)));
      }
    }
    for (long[] first : history) {
      long sum = 0;
      for (long[] one : history) {
        sum += one[0] >= first[0] && one[1] < first[0] + window ? one[2] : 0;
      }
      assertThat(sum).as("granted in the window from " + first[0]).isLessThanOrEqualTo(20);
    }
    assertThat(history)
        .as("what the limits let through, by a fair draw about 55")
        .hasSizeGreaterThan(25);
  }

  /** Milliseconds on the limiters' clock, from some time on. */
  private long time() {
    long real = exactTime() ? 0 : TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began);
    return passed + real;
  }

  private void pass(Duration duration) {
    advance(duration);
    passed += duration.toMillis();
  }

  /**
   * Whether time passes only by {@link #advance}, which then waits for nothing.
   *
   * @return true by default
   */
  protected boolean exactTime() {
    return true;
  }

  @Guarantee(1)
  void g01_processesShareALimit() throws Exception {
    Limit limit = Limit.rate(1_000, Duration.ofDays(1), 40);
    ExecutorService threads = Executors.newFixedThreadPool(8);
    try {
      List<Future<Integer>> all = new ArrayList<>();
      for (int t = 0; t < 8; t++) {
        RateLimiter mine = t % 2 == 0 ? limiter : opened();
        all.add(
            threads.submit(
                () -> {
                  int granted = 0;
                  for (int i = 0; i < 20; i++) {
                    granted += mine.tryAcquire("a", limit, 1).granted() ? 1 : 0;
                  }
                  return granted;
                }));
      }
      int granted = 0;
      for (Future<Integer> one : all) {
        granted += one.get();
      }
      assertThat(granted).isEqualTo(40);
    } finally {
      threads.shutdownNow();
    }
  }

  @Guarantee(2)
  void g02_whatIsInFlightIsBounded() {
    Limit limit = Limit.inFlight(3, Duration.ofMinutes(1));
    Reservation first = granted(limiter.tryAcquire("a", limit, 1));
    granted(opened().tryAcquire("a", limit, 2));
    refused(limiter.tryAcquire("a", limit, 1));
    limiter.settle(List.of(first.used()));
    granted(limiter.tryAcquire("a", limit, 1));
    refused(limiter.tryAcquire("a", limit, 1));
  }

  @Guarantee(2)
  void g02_whatIsNotSettledExpires() {
    Limit limit = Limit.inFlight(1, SECOND);
    granted(limiter.tryAcquire("a", limit, 1));
    advance(Duration.ofMillis(600));
    Duration wait = refused(limiter.tryAcquire("a", limit, 1));
    assertThat(wait).isPositive().isLessThanOrEqualTo(Duration.ofMillis(401));
    advance(wait);
    granted(limiter.tryAcquire("a", limit, 1));
  }

  @Guarantee(3)
  void g03_aDemandIsGrantedWholeOrNotAtAll() {
    Limit requests = Limit.rate(10, Duration.ofHours(1), 5);
    Limit calls = Limit.inFlight(1, Duration.ofHours(1));
    Demand both =
        new Demand(
            "model", List.of(new Line("requests", requests, 1), new Line("calls", calls, 1)));
    Reservation first = granted(limiter.reserve(both));
    for (int i = 0; i < 10; i++) {
      assertThat(limiter.reserve(both))
          .isInstanceOfSatisfying(
              Decision.Refused.class, r -> assertThat(r.name()).isEqualTo("calls"));
    }
    limiter.settle(List.of(first.used()));
    // four are left of the burst: the refusals took none of them
    for (int i = 0; i < 4; i++) {
      limiter.settle(List.of(granted(limiter.reserve(both)).used()));
    }
    assertThat(limiter.reserve(both))
        .isInstanceOfSatisfying(
            Decision.Refused.class, r -> assertThat(r.name()).isEqualTo("requests"));
  }

  @Guarantee(4)
  void g04_aRefusalSaysWhenItWouldBeGranted() {
    Limit limit = Limit.rate(13, Duration.ofSeconds(10), 4);
    granted(limiter.tryAcquire("a", limit, 4));
    Duration wait = refused(limiter.tryAcquire("a", limit, 2));
    assertThat(wait).isBetween(Duration.ofMillis(1_600), Duration.ofMillis(2_001));
    if (exactTime()) {
      toTheMillisecond(limit);
    } else {
      advance(wait);
      granted(limiter.tryAcquire("a", limit, 2));
    }
  }

  /**
   * Between two answers of its store, time goes on for a limiter though its clock stands still: so
   * each attempt has a limiter of its own, and one that a busy machine made slow says nothing.
   */
  private void toTheMillisecond(Limit limit) {
    for (int attempt = 1; ; attempt++) {
      String key = "a" + attempt;
      long began = System.nanoTime();
      RateLimiter own = opened();
      granted(own.tryAcquire(key, limit, 4));
      Duration wait = refused(own.tryAcquire(key, limit, 2));
      advance(wait.minusMillis(2));
      Decision before = own.tryAcquire(key, limit, 2);
      advance(Duration.ofMillis(3));
      Decision after = own.tryAcquire(key, limit, 2);
      if (System.nanoTime() - began < 1_000_000 || attempt == 1_000) {
        refused(before);
        granted(after);
        return;
      }
    }
  }

  @Guarantee(5)
  void g05_whatWasNotUsedComesBack() {
    Limit limit = Limit.rate(100, Duration.ofHours(1), 10);
    Reservation ten = granted(limiter.tryAcquire("a", limit, 10));
    refused(limiter.tryAcquire("a", limit, 1));
    limiter.settle(List.of(ten.used("a", 4)));
    granted(limiter.tryAcquire("a", limit, 6));
    Reservation none = granted(limiter.tryAcquire("b", limit, 10));
    limiter.settle(List.of(none.unused()));
    granted(limiter.tryAcquire("b", limit, 10));
    refused(limiter.tryAcquire("b", limit, 1));
  }

  @Guarantee(5)
  void g05_whatWasUsedBeyondIsTakenInAdvance() {
    Limit limit = Limit.rate(100, Duration.ofHours(1), 10);
    Reservation one = granted(limiter.tryAcquire("a", limit, 1));
    limiter.settle(List.of(one.used("a", 30)));
    Duration wait = refused(limiter.tryAcquire("a", limit, 1));
    assertThat(wait).isGreaterThan(Duration.ofMinutes(13)); // 21 of them at 91 an hour
  }

  @Guarantee(5)
  void g05_whatTimeGaveBackIsNotGivenBackAgain() {
    Limit limit = Limit.rate(20, Duration.ofSeconds(11), 10); // one a second
    Reservation ten = granted(limiter.tryAcquire("a", limit, 10));
    advance(Duration.ofSeconds(30));
    granted(limiter.tryAcquire("a", limit, 10));
    limiter.settle(List.of(ten.unused()));
    refused(limiter.tryAcquire("a", limit, 2));
  }

  @Guarantee(6)
  void g06_theNextDemandMayNameAnotherLimit() {
    granted(limiter.tryAcquire("a", Limit.rate(100, Duration.ofHours(1), 5), 5));
    refused(limiter.tryAcquire("a", Limit.rate(100, Duration.ofHours(1), 5), 1));
    granted(limiter.tryAcquire("a", Limit.rate(1_000, Duration.ofHours(1), 900), 200));
    refused(limiter.tryAcquire("a", Limit.rate(100, Duration.ofHours(1), 5), 1));
  }

  @Guarantee(7)
  void g07_whatCanNeverBeGrantedIsAnError() {
    Demand much = Demand.of("group", "tokens", Limit.rate(100, SECOND, 10), 11);
    assertThatThrownBy(() -> limiter.reserve(much))
        .isInstanceOfSatisfying(
            AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.LIMIT_EXCEEDED))
        .hasMessageContaining("tokens")
        .hasMessageContaining("burst");
    granted(limiter.reserve(Demand.of("group", "tokens", Limit.rate(100, SECOND, 10), 10)));
  }

  @Test
  void groupsAndNamesHaveNothingToDoWithEachOther() {
    Limit limit = Limit.rate(10, Duration.ofHours(1), 1);
    List<Decision> decisions =
        limiter.reserve(
            List.of(
                Demand.of("a", "x", limit, 1),
                Demand.of("b", "x", limit, 1),
                Demand.of("a", "y y", limit, 1),
                Demand.of("a", "x", limit, 1)));
    assertThat(decisions).extracting(Decision::granted).containsExactly(true, true, true, false);
  }

  @Test
  void whoWaitsIsGrantedInTime() throws Exception {
    Limit limit = Limit.rate(100, SECOND, 1);
    if (!exactTime()) {
      granted(limiter.tryAcquire("a", limit, 1));
      granted(limiter.acquire(Demand.of("a", "a", limit, 1), Duration.ofSeconds(5)));
    }
    granted(limiter.tryAcquire("b", Limit.rate(2, Duration.ofHours(1), 1), 1));
    Demand late = Demand.of("b", "b", Limit.rate(2, Duration.ofHours(1), 1), 1);
    refused(limiter.acquire(late, SECOND));
  }

  /** Stands in until one is opened. */
  private static final class Closed implements RateLimiter {
    @Override
    public List<Decision> reserve(List<Demand> demands) {
      throw new IllegalStateException("not opened yet");
    }

    @Override
    public void settle(List<Settlement> settlements) {
      throw new IllegalStateException("not opened yet");
    }
  }
}
