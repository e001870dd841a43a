package dev.troupe.resilience;

import dev.troupe.testkit.MovableClock;
import dev.troupe.testkit.RateLimiterContract;
import java.time.Duration;

/**
 * Leases keep the contract. Their blocks are of two permits, so that none is left over where a test
 * counts exactly, and live for 5 ms, so that waits are longer by less than the contract allows.
 */
class LeasedRateLimiterContractTest extends RateLimiterContract {
  private final MovableClock clock = new MovableClock();
  private final RateLimiter shared = new LimiterAtAClock(clock);

  @Override
  protected RateLimiter open() {
    return new LeasedRateLimiter(shared, 2, Duration.ofMillis(5), () -> clock.millis() * 1_000_000);
  }

  @Override
  protected void advance(Duration duration) {
    clock.advance(duration);
  }
}
