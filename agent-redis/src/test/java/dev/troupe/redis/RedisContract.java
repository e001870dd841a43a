package dev.troupe.redis;

import dev.troupe.state.StateStore;
import dev.troupe.testkit.RedisServer;
import dev.troupe.testkit.StateStoreContract;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;

/** The contract over one server; each test has a store of its own there. */
abstract class RedisContract extends StateStoreContract {
  private static final AtomicLong COUNT = new AtomicLong();

  private final AtomicLong offset = new AtomicLong();
  private final String prefix = "contract-" + COUNT.incrementAndGet();

  abstract RedisServer server();

  @Override
  protected StateStore open() {
    return RedisStateStore.builder().uri(server().uri()).prefix(prefix).offset(offset::get).open();
  }

  @Override
  protected void advance(Duration duration) {
    offset.addAndGet(duration.toMillis());
  }

  @Override
  protected StateStore reopen(StateStore store) {
    store.close();
    return open();
  }
}
