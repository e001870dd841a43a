package dev.troupe.redis;

import dev.troupe.event.EventTransport;
import dev.troupe.state.StateStore;
import dev.troupe.testkit.EventBusContract;
import dev.troupe.testkit.RedisServer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/** The bus over one server alone: streams carry the events, the store keeps the rest. */
abstract class RedisBusContract extends EventBusContract {
  private static final AtomicLong COUNT = new AtomicLong();

  private final String prefix = "bus-" + COUNT.incrementAndGet();
  private final List<RedisStateStore> stores = new ArrayList<>();

  abstract RedisServer server();

  @Override
  protected EventTransport transport() {
    return RedisTransport.builder()
        .uri(server().uri())
        .prefix(prefix)
        .shards(4)
        .lease(Duration.ofSeconds(1))
        .open();
  }

  @Override
  protected StateStore store() {
    RedisStateStore store = RedisStateStore.builder().uri(server().uri()).prefix(prefix).open();
    stores.add(store);
    return store;
  }

  @Override
  protected void closed() {
    stores.forEach(RedisStateStore::close);
  }

  @Override
  protected void appendBytes(String to, String key, byte[] bytes) {
    StreamFixture.appendBytes(server(), prefix, to, 4, key, bytes);
  }
}
