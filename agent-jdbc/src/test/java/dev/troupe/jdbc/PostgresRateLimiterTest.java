package dev.troupe.jdbc;

import dev.troupe.resilience.RateLimiter;
import dev.troupe.resilience.StoreRateLimiter;
import dev.troupe.testkit.MovableClock;
import dev.troupe.testkit.RateLimiterContract;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;

/** Limits over PostgreSQL; each limiter has a store of its own, as processes have. */
class PostgresRateLimiterTest extends RateLimiterContract {
  private final MovableClock clock = new MovableClock();
  private final PostgresFixture fixture = new PostgresFixture();
  private final List<PostgresStateStore> stores = new ArrayList<>();

  @Override
  protected RateLimiter open() {
    PostgresStateStore store = fixture.builder().clock(clock).open();
    stores.add(store);
    return new StoreRateLimiter(store);
  }

  @Override
  protected void advance(Duration duration) {
    clock.advance(duration);
  }

  @Override
  protected boolean exactTime() {
    return false; // a limiter counts on from the store's last answer by itself
  }

  @AfterEach
  void closeStores() {
    stores.forEach(PostgresStateStore::close);
  }
}
