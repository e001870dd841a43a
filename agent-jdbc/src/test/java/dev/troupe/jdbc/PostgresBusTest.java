package dev.troupe.jdbc;

import dev.troupe.state.StateStore;
import dev.troupe.testkit.StoreBusContract;

/** Events over PostgreSQL. */
class PostgresBusTest extends StoreBusContract {
  private final PostgresFixture fixture = new PostgresFixture();

  @Override
  protected StateStore openStore() {
    return fixture.builder().open();
  }
}
