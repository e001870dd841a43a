package dev.troupe.state;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class StoreClockTest {
  private final AtomicLong source = new AtomicLong(1_000);
  private final InstantSource settable = () -> Instant.ofEpochMilli(source.get());

  @Test
  void itFollowsItsSource() {
    StoreClock clock = new StoreClock(settable, Instant.EPOCH);
    assertThat(clock.millis()).isEqualTo(1_000);
    source.set(2_000);
    assertThat(clock.instant()).isEqualTo(Instant.ofEpochMilli(2_000));
  }

  @Test
  void itNeverGoesBack() {
    StoreClock clock = new StoreClock(settable, Instant.EPOCH);
    assertThat(clock.millis()).isEqualTo(1_000);
    source.set(400);
    assertThat(clock.millis()).isEqualTo(1_000);
    source.set(1_001);
    assertThat(clock.millis()).isEqualTo(1_001);
  }

  @Test
  void itIsNeverBehindTheHighestTimeStored() {
    StoreClock clock = new StoreClock(settable, Instant.ofEpochMilli(5_000));
    assertThat(clock.millis()).isEqualTo(5_000);
    source.set(5_001);
    assertThat(clock.millis()).isEqualTo(5_001);
  }

  @Test
  void itShowsWholeMilliseconds() {
    Instant odd = Instant.parse("2026-02-03T04:05:06.789999999Z");
    StoreClock clock = new StoreClock(() -> odd, Instant.EPOCH);
    assertThat(clock.instant()).isEqualTo(Instant.parse("2026-02-03T04:05:06.789Z"));
  }

  @Test
  void noThreadSeesItGoBackWhenTheSourceJumps() throws Exception {
    StoreClock clock =
        new StoreClock(
            () -> Instant.ofEpochMilli(ThreadLocalRandom.current().nextLong(1_000_000)),
            Instant.EPOCH);
    AtomicLong shown = new AtomicLong();
    int threads = 4;
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    CountDownLatch start = new CountDownLatch(1);
    List<Future<Boolean>> results = new ArrayList<>();
    for (int t = 0; t < threads; t++) {
      results.add(
          pool.submit(
              () -> {
                start.await();
                for (int i = 0; i < 20_000; i++) {
                  long before = shown.get();
                  long now = clock.millis();
                  if (now < before) {
                    return false;
                  }
                  shown.accumulateAndGet(now, Math::max);
                }
                return true;
              }));
    }
    start.countDown();
    for (Future<Boolean> result : results) {
      assertThat(result.get(20, TimeUnit.SECONDS)).isTrue();
    }
    pool.shutdown();
    assertThat(pool.awaitTermination(5, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void theMonotonicSourceBeginsAtTheWallClockAndGoesOn() {
    Instant before = Instant.now();
    InstantSource monotonic = StoreClock.monotonic();
    Instant first = monotonic.instant();
    Instant second = monotonic.instant();
    assertThat(first).isBetween(before.minusSeconds(1), Instant.now().plusSeconds(1));
    assertThat(second).isAfterOrEqualTo(first);
  }
}
