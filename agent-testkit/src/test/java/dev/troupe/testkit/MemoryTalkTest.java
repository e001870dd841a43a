package dev.troupe.testkit;

import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.StateStore;

/** Logs and conversations in memory. */
class MemoryTalkTest extends TalkContract {
  private final StateStore store = new MemoryStateStore();

  @Override
  protected StateStore open() {
    return store;
  }
}
