package dev.troupe.redis;

import dev.troupe.state.StateStore;
import dev.troupe.testkit.RedisServer;
import dev.troupe.testkit.StoreTransportContract;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** Events over a store in Redis. */
class RedisStoreTransportTest extends StoreTransportContract {
  private static final AtomicLong COUNT = new AtomicLong();
  private static RedisServer server;

  @BeforeAll
  static void startServer() {
    server = RedisServer.start();
  }

  @AfterAll
  static void stopServer() {
    server.close();
  }

  @Override
  protected StateStore openStore() {
    String prefix = "events-" + COUNT.incrementAndGet();
    return RedisStateStore.builder().uri(server.uri()).prefix(prefix).open();
  }
}
