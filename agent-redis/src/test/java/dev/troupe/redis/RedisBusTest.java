package dev.troupe.redis;

import dev.troupe.event.EventTransport;
import dev.troupe.state.StateStore;
import dev.troupe.testkit.EventBusContract;
import dev.troupe.testkit.RedisServer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** The bus over Redis alone: streams carry the events, the store keeps the rest. */
class RedisBusTest extends EventBusContract {
  private static final AtomicLong COUNT = new AtomicLong();
  private static final List<RedisStateStore> STORES = new ArrayList<>();
  private static RedisServer server;

  private final String prefix = "bus-" + COUNT.incrementAndGet();

  @BeforeAll
  static void startServer() {
    server = RedisServer.start();
  }

  @AfterAll
  static void stopServer() {
    STORES.forEach(RedisStateStore::close);
    STORES.clear();
    server.close();
  }

  @Override
  protected EventTransport transport() {
    return RedisTransport.builder()
        .uri(server.uri())
        .prefix(prefix)
        .shards(4)
        .lease(Duration.ofSeconds(1))
        .open();
  }

  @Override
  protected StateStore store() {
    RedisStateStore store = RedisStateStore.builder().uri(server.uri()).prefix(prefix).open();
    STORES.add(store);
    return store;
  }

  @Override
  protected void appendBytes(String to, String key, byte[] bytes) {
    StreamFixture.appendBytes(server, prefix, to, 4, key, bytes);
  }
}
