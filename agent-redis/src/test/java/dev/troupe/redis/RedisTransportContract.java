package dev.troupe.redis;

import dev.troupe.event.EventTransport;
import dev.troupe.testkit.EventTransportContract;
import dev.troupe.testkit.RedisServer;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;

/** The contract of transports over one server; each test has topics of its own there. */
abstract class RedisTransportContract extends EventTransportContract {
  private static final AtomicLong COUNT = new AtomicLong();

  private final String prefix = "contract-" + COUNT.incrementAndGet();

  abstract RedisServer server();

  @Override
  protected EventTransport open() {
    return RedisTransport.builder()
        .uri(server().uri())
        .prefix(prefix)
        .shards(4)
        .lease(lease())
        .open();
  }

  @Override
  protected Duration lease() {
    return Duration.ofSeconds(1);
  }

  @Override
  protected void appendBytes(String to, String key, byte[] bytes) {
    StreamFixture.appendBytes(server(), prefix, to, 4, key, bytes);
  }
}
