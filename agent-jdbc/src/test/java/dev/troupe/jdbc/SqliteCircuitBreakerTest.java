package dev.troupe.jdbc;

import dev.troupe.state.StateStore;
import dev.troupe.testkit.CircuitBreakerContract;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;

/** Breakers over one file of SQLite. */
class SqliteCircuitBreakerTest extends CircuitBreakerContract {
  private @Nullable StateStore store;

  @TempDir Path folder;

  @Override
  protected StateStore open() {
    if (store == null) {
      store = SqliteStateStore.builder(folder.resolve("breakers.db")).open();
    }
    return store;
  }

  @AfterEach
  void closeStore() {
    if (store != null) {
      store.close();
    }
  }
}
