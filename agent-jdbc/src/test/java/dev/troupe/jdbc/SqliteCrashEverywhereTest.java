package dev.troupe.jdbc;

import dev.troupe.state.StateStore;
import dev.troupe.testkit.CrashContract;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.io.TempDir;

/** Orders over a SQLite file that the second process opens again. */
class SqliteCrashEverywhereTest extends CrashContract {
  @TempDir Path folder;

  private final AtomicInteger files = new AtomicInteger();
  private final Map<StateStore, Path> opened = new ConcurrentHashMap<>();

  private StateStore open(Path file) {
    SqliteStateStore store = SqliteStateStore.open(file);
    opened.put(store, file);
    return store;
  }

  @Override
  protected StateStore newStore() {
    return open(folder.resolve(files.incrementAndGet() + ".db"));
  }

  @Override
  protected StateStore reopen(StateStore store) {
    Path file = Objects.requireNonNull(opened.remove(store));
    store.close();
    return open(file);
  }
}
