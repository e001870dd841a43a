package dev.troupe.jdbc;

import dev.troupe.state.StateStore;
import dev.troupe.testkit.MovableClock;
import dev.troupe.testkit.StateStoreContract;
import java.time.Duration;

/** The PostgreSQL store keeps the contract. */
class PostgresStateStoreContractTest extends StateStoreContract {
  private final MovableClock clock = new MovableClock();
  private final PostgresFixture fixture = new PostgresFixture();

  @Override
  protected StateStore open() {
    return fixture.builder().clock(clock).open();
  }

  @Override
  protected void advance(Duration duration) {
    clock.advance(duration);
  }

  @Override
  protected StateStore reopen(StateStore store) {
    store.close();
    return open();
  }
}
