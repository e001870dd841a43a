package dev.troupe.testkit;

import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.StateStore;

/** The bus inside a process. */
class MemoryBusTest extends StoreBusContract {
  @Override
  protected StateStore openStore() {
    return new MemoryStateStore();
  }
}
