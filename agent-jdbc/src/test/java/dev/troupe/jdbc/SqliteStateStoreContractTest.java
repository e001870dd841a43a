package dev.troupe.jdbc;

import dev.troupe.state.StateStore;
import dev.troupe.testkit.MovableClock;
import dev.troupe.testkit.StateStoreContract;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.io.TempDir;

/** The SQLite store keeps the contract. */
class SqliteStateStoreContractTest extends StateStoreContract {
  private final MovableClock clock = new MovableClock();

  @TempDir Path folder;

  @Override
  protected StateStore open() {
    return SqliteStateStore.builder(folder.resolve("contract.db")).clock(clock).open();
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
