package dev.troupe.redis;

import dev.troupe.state.StateStore;
import dev.troupe.testkit.CircuitBreakerContract;
import dev.troupe.testkit.RedisServer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;

/** Breakers over Redis; each process has a store of its own. */
class RedisCircuitBreakerTest extends CircuitBreakerContract {
  private static final AtomicLong COUNT = new AtomicLong();
  private static RedisServer server;

  private final String prefix = "breakers-" + COUNT.incrementAndGet();
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
  protected StateStore open() {
    RedisStateStore store = RedisStateStore.builder().uri(server.uri()).prefix(prefix).open();
    stores.add(store);
    return store;
  }

  @AfterEach
  void closeStores() {
    stores.forEach(RedisStateStore::close);
  }
}
