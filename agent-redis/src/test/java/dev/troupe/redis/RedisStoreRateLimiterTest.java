package dev.troupe.redis;

import dev.troupe.resilience.RateLimiter;
import dev.troupe.resilience.StoreRateLimiter;
import dev.troupe.testkit.RateLimiterContract;
import dev.troupe.testkit.RedisServer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;

/** Limits over the Redis store; each limiter has a store of its own, as processes have. */
class RedisStoreRateLimiterTest extends RateLimiterContract {
  private static final AtomicLong COUNT = new AtomicLong();
  private static RedisServer server;

  private final AtomicLong offset = new AtomicLong();
  private final String prefix = "limits-" + COUNT.incrementAndGet();
  private final List<RedisStateStore> stores = new ArrayList<>();

  @BeforeAll
  static void startServer() {
    server = RedisServer.start();
  }

  @AfterAll
  static void stopServer() {
    server.close();
  }

  @Override
  protected RateLimiter open() {
    RedisStateStore store =
        RedisStateStore.builder().uri(server.uri()).prefix(prefix).offset(offset::get).open();
    stores.add(store);
    return new StoreRateLimiter(store);
  }

  @Override
  protected void advance(Duration duration) {
    offset.addAndGet(duration.toMillis());
  }

  @Override
  protected boolean exactTime() {
    return false;
  }

  @AfterEach
  void closeStores() {
    stores.forEach(RedisStateStore::close);
  }
}
