package dev.troupe.resilience;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.resilience.RateLimiter.Decision;
import dev.troupe.resilience.RateLimiter.Demand;
import dev.troupe.resilience.RateLimiter.Reservation;
import dev.troupe.testkit.MovableClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Blocks of permits that are taken ahead. Each leased limiter stands for a process. */
@Timeout(60)
class LeasedRateLimiterTest {
  private static final int WINDOW = 2_000;
  private static final int LIFE = 400;
  private static final int PERMITS = 20;

  private final MovableClock clock = new MovableClock();
  private final RateLimiter shared = new LimiterAtAClock(clock);
  private final AtomicInteger asked = new AtomicInteger();
  private boolean away;

  /** The limiter behind, with its calls counted, which may be away. */
  private final class Behind implements RateLimiter {
    @Override
    public List<Decision> reserve(List<Demand> demands) {
      ask();
      return shared.reserve(demands);
    }

    @Override
    public void settle(List<Settlement> settlements) {
      ask();
      shared.settle(settlements);
    }

    private void ask() {
      asked.incrementAndGet();
      if (away) {
        throw new AgentException(ErrorCode.STORE_UNAVAILABLE, "away");
      }
    }
  }

  private LeasedRateLimiter process(long block, int life) {
    return new LeasedRateLimiter(
        new Behind(), block, Duration.ofMillis(life), () -> clock.millis() * 1_000_000);
  }

  private static Limit limit(int window) {
    return Limit.rate(PERMITS, Duration.ofMillis(window), 8);
  }

  private static boolean take(RateLimiter limiter, Limit limit, long permits) {
    return limiter.tryAcquire("a", limit, permits).granted();
  }

  /** How many of these times, in milliseconds, lie at most in a window. */
  private static int fullest(List<Long> times) {
    int most = 0;
    for (long first : times) {
      int here = (int) times.stream().filter(t -> t >= first && t < first + WINDOW).count();
      most = Math.max(most, here);
    }
    return most;
  }

  /** Takes a block early, uses it at the end of its life, and from then on whatever it can get. */
  private int fullestWhenBlocksAreUsedLate(Limit limit) {
    List<LeasedRateLimiter> all = List.of(process(8, LIFE), process(8, LIFE), process(3, LIFE));
    List<Long> times = new ArrayList<>();
    if (take(all.get(0), limit, 1)) {
      times.add(0L);
    }
    clock.advance(Duration.ofMillis(LIFE - 1));
    for (long now = LIFE - 1; now < LIFE + 2 * WINDOW; now++) {
      for (LeasedRateLimiter one : all) {
        while (take(one, limit, 1)) {
          times.add(now);
        }
      }
      clock.advance(Duration.ofMillis(1));
    }
    return fullest(times);
  }

  @Test
  void noWindowSeesMoreThanItsPermitsHoweverLateABlockIsUsed() {
    assertThat(fullestWhenBlocksAreUsedLate(limit(WINDOW))).isBetween(10, PERMITS);
  }

  @Test
  void ifTheWindowWereNotLongerByTheLifeThatWouldBreakIt() {
    assertThat(fullestWhenBlocksAreUsedLate(limit(WINDOW - LIFE))).isGreaterThan(PERMITS);
  }

  @Test
  void noWindowSeesMoreThanItsPermitsWhoeverAsksAndSettlesWhen() {
    long seed = new Random().nextLong();
    System.out.println("LeasedRateLimiterTest seed " + seed);
    Random random = new Random(seed);
    List<LeasedRateLimiter> all = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      all.add(process(1 + random.nextInt(8), LIFE));
    }
    List<Long> times = new ArrayList<>();
    long now = 0;
    for (int i = 0; i < 4_000; i++) {
      RateLimiter one = all.get(random.nextInt(4));
      int permits = 1 + random.nextInt(random.nextInt(8) + 1);
      if (one.tryAcquire("a", limit(WINDOW), permits) instanceof Decision.Granted granted) {
        int used = random.nextInt(4) == 0 ? random.nextInt(permits + 1) : permits;
        for (int p = 0; p < used; p++) {
          times.add(now);
        }
        if (used < permits) {
          all.get(random.nextInt(4)).settle(List.of(granted.reservation().used("a", used)));
        }
      }
      if (random.nextInt(200) == 0) {
        int gone = random.nextInt(4); // killed, and another begins
        all.set(gone, process(1 + random.nextInt(8), LIFE));
      }
      int pause = random.nextInt(3) == 0 ? random.nextInt(random.nextInt(12) == 0 ? LIFE : 60) : 0;
      clock.advance(Duration.ofMillis(pause));
      now += pause;
    }
    assertThat(times).hasSizeGreaterThan(200);
    assertThat(fullest(times)).isLessThanOrEqualTo(PERMITS);
  }

  @Test
  void aBlockIsOneRoundTrip() {
    Limit wide = Limit.rate(100_000, Duration.ofHours(1), 50_000);
    LeasedRateLimiter process = process(100, LIFE);
    for (int i = 0; i < 1_000; i++) {
      assertThat(take(process, wide, 1)).isTrue();
    }
    assertThat(asked).hasValue(10);
    process.settle(List.of(granted(process.tryAcquire("a", wide, 1)).used()));
    assertThat(asked).as("nothing to say when all was used").hasValue(11);
  }

  private static Reservation granted(Decision decision) {
    assertThat(decision).isInstanceOf(Decision.Granted.class);
    return ((Decision.Granted) decision).reservation();
  }

  @Test
  void aDeadProcessTakesLessThanTwoBlocksAlong() {
    Limit slow = Limit.rate(1_000, Duration.ofDays(1), 100);
    LeasedRateLimiter dies = process(10, LIFE);
    assertThat(take(dies, slow, 1)).isTrue();
    assertThat(take(dies, slow, 10)).as("more than is left: another block").isTrue();
    assertThat(take(dies, slow, 1)).isTrue();
    LeasedRateLimiter heir = process(1, LIFE);
    int left = 0;
    while (take(heir, slow, 1)) {
      left++;
    }
    assertThat(left).isBetween(100 - 12 - 19, 100 - 12);
  }

  @Test
  void whatIsLeftOfABlockIsGivenBackByTheNextToAskAndByClosing() {
    Limit slow = Limit.rate(1_000, Duration.ofDays(1), 100);
    LeasedRateLimiter holder = process(50, LIFE);
    LeasedRateLimiter other = process(1, LIFE);
    assertThat(take(holder, slow, 1)).isTrue();
    assertThat(take(other, slow, 60)).isFalse();
    clock.advance(Duration.ofMillis(LIFE));
    assertThat(take(holder, slow, 39)).as("49 come back, 50 are leased anew").isTrue();
    assertThat(take(other, slow, 60)).isFalse();
    holder.close();
    assertThat(take(other, slow, 60)).isTrue();
    assertThat(take(other, slow, 1)).isFalse();
  }

  @Test
  void aBlockThatIsThereIsHandedOutWhileTheLimiterIsAway() {
    LeasedRateLimiter process = process(5, LIFE);
    assertThat(take(process, limit(WINDOW), 1)).isTrue();
    away = true;
    for (int i = 0; i < 4; i++) {
      assertThat(take(process, limit(WINDOW), 1)).isTrue();
    }
    assertThatThrownBy(() -> take(process, limit(WINDOW), 1))
        .isInstanceOfSatisfying(
            AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.STORE_UNAVAILABLE));
    away = false;
    assertThat(take(process, limit(WINDOW), 1)).isTrue();
    away = true;
    process.close();
  }

  @Test
  void threadsShareABlockAndAreNeverGrantedMore() throws Exception {
    Limit slow = Limit.rate(10_000, Duration.ofDays(1), 3_000);
    List<LeasedRateLimiter> processes = List.of(process(50, LIFE), process(7, LIFE));
    ExecutorService threads = Executors.newFixedThreadPool(8);
    try {
      List<Future<Integer>> all = new ArrayList<>();
      for (int t = 0; t < 8; t++) {
        LeasedRateLimiter mine = processes.get(t % 2);
        all.add(
            threads.submit(
                () -> {
                  int granted = 0;
                  for (int i = 0; i < 1_000; i++) {
                    granted += take(mine, slow, 1) ? 1 : 0;
                  }
                  return granted;
                }));
      }
      int granted = 0;
      for (Future<Integer> one : all) {
        granted += one.get();
      }
      // a process that is done may keep what is left of its block
      assertThat(granted).isBetween(3_000 - 57, 3_000);
      assertThat(asked.get()).isLessThan(8_000);
    } finally {
      threads.shutdownNow();
    }
  }

  @Test
  void aBlockHasPermitsAndALifeOfWholeMilliseconds() {
    assertThatThrownBy(() -> process(0, LIFE)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> process(1, 0)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new LeasedRateLimiter(new Behind(), 1, Duration.ofNanos(1_000_001)))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
