package dev.troupe.testkit;

import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.StateStore;
import java.time.Duration;

/** The in-memory store keeps the contract. */
class MemoryStateStoreTest extends StateStoreContract {
  private final MovableClock clock = new MovableClock();

  @Override
  protected StateStore open() {
    return new MemoryStateStore(64, clock);
  }

  @Override
  protected void advance(Duration duration) {
    clock.advance(duration);
  }
}
