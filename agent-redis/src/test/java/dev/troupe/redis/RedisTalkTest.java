package dev.troupe.redis;

import dev.troupe.state.StateStore;
import dev.troupe.testkit.RedisServer;
import dev.troupe.testkit.TalkContract;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** Logs and conversations over Redis; each process has a store of its own. */
class RedisTalkTest extends TalkContract {
  private static final AtomicLong COUNT = new AtomicLong();
  private static RedisServer server;

  private final String prefix = "talk-" + COUNT.incrementAndGet();

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
    return RedisStateStore.builder().uri(server.uri()).prefix(prefix).open();
  }
}
