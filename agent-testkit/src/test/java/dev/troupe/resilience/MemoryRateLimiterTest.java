package dev.troupe.resilience;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.testkit.RateLimiterContract;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** The limiter of one process alone. All that open it here are that process. */
class MemoryRateLimiterTest extends RateLimiterContract {
  private final AtomicLong micros = new AtomicLong();
  private final MemoryRateLimiter limiter = new MemoryRateLimiter(micros::get);

  @Override
  protected RateLimiter open() {
    return limiter;
  }

  @Override
  protected void advance(Duration duration) {
    micros.addAndGet(duration.toNanos() / 1_000);
  }

  @Test
  void whatDoesNotMatterAnyMoreTakesNoMemory() {
    Limit limit = Limit.rate(10, Duration.ofSeconds(1), 1);
    for (int i = 0; i < 100_000; i++) {
      limiter.tryAcquire("group " + i, limit, 1);
      micros.addAndGet(100_000);
    }
    assertThat(limiter.groups()).isLessThan(1_100);
  }

  @Test
  void itsOwnClockGoesOn() throws InterruptedException {
    RateLimiter own = RateLimiter.inMemory();
    Limit limit = Limit.rate(1, Duration.ofMillis(50), 1);
    assertThat(own.tryAcquire("a", limit, 1).granted()).isTrue();
    assertThat(own.tryAcquire("a", limit, 1).granted()).isFalse();
    RateLimiter.Demand demand = RateLimiter.Demand.of("a", "a", limit, 1);
    assertThat(own.acquire(demand, Duration.ofSeconds(10)).granted()).isTrue();
  }
}
