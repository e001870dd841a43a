package dev.troupe.jdbc;

import dev.troupe.resilience.RateLimiter;
import dev.troupe.resilience.StoreRateLimiter;
import dev.troupe.state.StateStore;
import dev.troupe.testkit.MovableClock;
import dev.troupe.testkit.RateLimiterContract;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;

/** Limits over one file of SQLite. */
class SqliteRateLimiterTest extends RateLimiterContract {
  private final MovableClock clock = new MovableClock();
  private @Nullable StateStore store;

  @TempDir Path folder;

  @Override
  protected RateLimiter open() {
    if (store == null) {
      store = SqliteStateStore.builder(folder.resolve("limits.db")).clock(clock).open();
    }
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
  void closeStore() {
    if (store != null) {
      store.close();
    }
  }
}
