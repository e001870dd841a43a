package dev.troupe.jdbc;

import dev.troupe.state.StateStore;
import dev.troupe.testkit.StoreBusContract;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

/** Events over one file of SQLite. */
class SqliteBusTest extends StoreBusContract {
  @TempDir Path folder;

  @Override
  protected StateStore openStore() {
    return SqliteStateStore.builder(folder.resolve("events.db")).open();
  }
}
