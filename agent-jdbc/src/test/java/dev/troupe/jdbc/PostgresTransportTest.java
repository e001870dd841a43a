package dev.troupe.jdbc;

import dev.troupe.state.StateStore;
import dev.troupe.testkit.StoreTransportContract;

/** Events over PostgreSQL. */
class PostgresTransportTest extends StoreTransportContract {
  private final PostgresFixture fixture = new PostgresFixture();

  @Override
  protected StateStore openStore() {
    return fixture.builder().open();
  }
}
