package dev.troupe.jdbc;

import dev.troupe.state.StateStore;
import dev.troupe.testkit.TalkContract;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

/** Logs and conversations in a file of SQLite, which one store opens at a time. */
class SqliteTalkTest extends TalkContract {
  @TempDir private Path folder;
  private StateStore store;

  @Override
  protected StateStore open() {
    if (store == null) {
      store = SqliteStateStore.open(folder.resolve("talk.db"));
    }
    return store;
  }
}
