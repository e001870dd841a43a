package dev.troupe.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.StateStore;
import dev.troupe.testkit.CrashEverywhere;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * An agent with step, child, timer, signal and compensation, crashed at every change of its store.
 */
@Timeout(300)
class CrashEverywhereOrderTest {
  @TempDir Path folder;

  private final AtomicInteger files = new AtomicInteger();
  private final Map<StateStore, Path> opened = new ConcurrentHashMap<>();

  private StateStore open(Path file) {
    SqliteStateStore store = SqliteStateStore.open(file);
    opened.put(store, file);
    return store;
  }

  private StateStore reopen(StateStore store) {
    Path file = opened.remove(store);
    store.close();
    return open(file);
  }

  @Test
  void overMemory() {
    check(CrashEverywhere.over(MemoryStateStore::new).run(new OrderExample()::scenario));
  }

  @Test
  void overASqliteFileThatIsOpenedAgain() {
    check(
        CrashEverywhere.over(() -> open(folder.resolve(files.incrementAndGet() + ".db")))
            .reopening(this::reopen)
            .run(new OrderExample()::scenario));
  }

  private static void check(CrashEverywhere.Report report) {
    System.out.println("order example, crashed everywhere: " + report);
    assertThat(report.calls()).isGreaterThan(20);
    assertThat(report.crashes()).isGreaterThanOrEqualTo(2 * report.calls());
  }
}
