package dev.troupe.jdbc;

import dev.troupe.state.StateStore;
import dev.troupe.testkit.CircuitBreakerContract;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;

/** Breakers over PostgreSQL; each process has a store of its own. */
class PostgresCircuitBreakerTest extends CircuitBreakerContract {
  private final PostgresFixture fixture = new PostgresFixture();
  private final List<PostgresStateStore> stores = new ArrayList<>();

  @Override
  protected StateStore open() {
    PostgresStateStore store = fixture.builder().open();
    stores.add(store);
    return store;
  }

  @AfterEach
  void closeStores() {
    stores.forEach(PostgresStateStore::close);
  }
}
