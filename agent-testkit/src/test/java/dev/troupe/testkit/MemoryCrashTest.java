package dev.troupe.testkit;

import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.StateStore;

/** Orders over the memory store. */
class MemoryCrashTest extends CrashContract {
  @Override
  protected StateStore newStore() {
    return new MemoryStateStore();
  }
}
