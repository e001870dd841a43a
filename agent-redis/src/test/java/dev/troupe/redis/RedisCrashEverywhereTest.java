package dev.troupe.redis;

import dev.troupe.state.StateStore;
import dev.troupe.testkit.CrashContract;
import dev.troupe.testkit.RedisServer;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** Orders over Redis: the second process waits until the first counts as dead. */
class RedisCrashEverywhereTest extends CrashContract {
  private static RedisServer server;
  private static final AtomicInteger STORES = new AtomicInteger();

  @BeforeAll
  static void startServer() {
    server = RedisServer.start();
  }

  @AfterAll
  static void stopServer() {
    server.close();
  }

  @Override
  protected StateStore newStore() {
    return RedisStateStore.builder()
        .uri(server.uri().toString())
        .prefix("crash-" + STORES.incrementAndGet())
        .open();
  }
}
