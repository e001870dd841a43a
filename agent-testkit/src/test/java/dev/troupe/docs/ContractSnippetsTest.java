package dev.troupe.docs;

import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.StateStore;
import dev.troupe.testkit.MovableClock;
import dev.troupe.testkit.StateStoreContract;
import java.time.Duration;

/** How an adapter is held to the contract; shown in docs/ports.md. */
// snippet: contract
class ContractSnippetsTest extends StateStoreContract {
  private final MovableClock clock = new MovableClock();

  @Override
  protected StateStore open() {
    return new MemoryStateStore(64, clock); // a new, empty store of yours
  }

  @Override
  protected void advance(Duration duration) {
    clock.advance(duration);
  }

  @Override
  protected StateStore reopen(StateStore store) {
    store.close();
    return open(); // yours opens the same data again
  }
}
// end
