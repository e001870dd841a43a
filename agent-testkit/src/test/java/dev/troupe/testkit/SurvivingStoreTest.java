package dev.troupe.testkit;

import dev.troupe.state.StateStore;
import java.time.Duration;

/** A store that survives keeps the contract too, so that sentence 14 is seen to hold somewhere. */
class SurvivingStoreTest extends StateStoreContract {
  private final MovableClock clock = new MovableClock();

  @Override
  protected StateStore open() {
    return new SurvivingStore(clock);
  }

  @Override
  protected void advance(Duration duration) {
    clock.advance(duration);
  }

  @Override
  protected StateStore reopen(StateStore store) {
    store.close();
    return ((SurvivingStore) store).reopened();
  }
}
