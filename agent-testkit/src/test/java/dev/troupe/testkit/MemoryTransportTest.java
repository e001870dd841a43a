package dev.troupe.testkit;

import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.StateStore;

/** Events over a store in memory. */
class MemoryTransportTest extends StoreTransportContract {
  @Override
  protected StateStore openStore() {
    return new MemoryStateStore();
  }
}
