package dev.troupe.jdbc;

import static dev.troupe.jdbc.SqliteFixture.done;
import static dev.troupe.jdbc.SqliteFixture.put;
import static dev.troupe.jdbc.SqliteFixture.read;
import static dev.troupe.jdbc.SqliteFixture.row;
import static dev.troupe.jdbc.SqliteFixture.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.io.BufferedReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.util.Random;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files that belong to others, are something else, are full, or can't be written. */
class SqliteFailureTest {
  @TempDir Path folder;

  static AgentException failure(ThrowingCallable call) {
    AgentException failure = catchThrowableOfType(AgentException.class, call);
    assertThat(failure).isNotNull();
    return failure;
  }

  @Test
  void aSecondStoreOfThisProcessIsRefusedWhateverPathItNamesAndTheFirstKeepsItsLock()
      throws Exception {
    Path file = folder.resolve("store.db");
    try (SqliteStateStore store = SqliteStateStore.open(file)) {
      Files.createSymbolicLink(folder.resolve("link.db"), file);
      Files.createSymbolicLink(folder.resolve("linked"), folder);
      Path here = Path.of("").toAbsolutePath();
      Path[] names = {
        file, folder.resolve("link.db"), folder.resolve("linked/store.db"), here.relativize(file)
      };
      for (Path name : names) {
        AgentException refused = failure(() -> SqliteStateStore.open(name));
        assertThat(refused.code()).isEqualTo(ErrorCode.STORE_IN_USE);
        assertThat(refused)
            .hasMessageContaining("store.db")
            .hasMessageContaining("process " + ProcessHandle.current().pid());
      }
      Process other = SqliteFixture.start(SqliteWorker.class, file.toString(), "hold");
      try (BufferedReader out = SqliteFixture.output(other)) {
        assertThat(out.readLine()).as("the other process must be refused").isNull();
      }
      done(store, put("r/a", "v"));
    }
    SqliteStateStore.open(folder.resolve("link.db")).close();
  }

  @Test
  void anotherProcessIsRefusedUntilTheOwnerIsGoneAndToldWhoThatIs() throws Exception {
    Path file = folder.resolve("deep/er/store.db");
    Process owner = SqliteFixture.start(SqliteWorker.class, file.toString(), "hold");
    try (BufferedReader out = SqliteFixture.output(owner)) {
      assertThat(out.readLine()).isEqualTo("open");
      AgentException refused = failure(() -> SqliteStateStore.open(file));
      assertThat(refused.code()).isEqualTo(ErrorCode.STORE_IN_USE);
      assertThat(refused)
          .hasMessageContaining("store.db")
          .hasMessageContaining("process " + owner.pid() + " (java), which opened it at 20")
          .hasMessageContaining("stop that process");
    } finally {
      SqliteFixture.kill(owner);
    }
    SqliteStateStore.open(file).close();
  }

  @Test
  void aDatabaseOfSomethingElseIsRefusedAndNotTouched() throws Exception {
    Path file = folder.resolve("other.db");
    try (Connection connection = SqliteSession.connect(file);
        Statement statement = connection.createStatement()) {
      statement.execute("CREATE TABLE customer (name TEXT)");
      statement.execute("INSERT INTO customer VALUES ('Ada')");
    }
    assertRefusedAndNotTouched(file, "is a database of something else");
  }

  @Test
  void aFileThatIsNoDatabaseIsRefusedAndNotTouched() throws Exception {
    Random random = new Random(7);
    for (int size : new int[] {1, 99, 100, 5000}) {
      byte[] garbage = new byte[size];
      random.nextBytes(garbage);
      Path file = Files.write(folder.resolve("garbage-" + size), garbage);
      assertRefusedAndNotTouched(file, "is no SQLite database");
    }
  }

  private static void assertRefusedAndNotTouched(Path file, String why) throws Exception {
    byte[] before = Files.readAllBytes(file);
    AgentException refused = failure(() -> SqliteStateStore.open(file));
    assertThat(refused.code()).isEqualTo(ErrorCode.STORE_MISMATCH);
    assertThat(refused).hasMessageContaining(file.getFileName() + " " + why);
    assertThat(file).hasBinaryContent(before);
    assertThat(file.resolveSibling(file.getFileName() + "-wal")).doesNotExist();
  }

  @Test
  void aFileWhosePagesAreDamagedIsAMismatch() throws Exception {
    Path file = folder.resolve("store.db");
    SqliteStateStore.open(file).close();
    byte[] bytes = Files.readAllBytes(file);
    new Random(7).nextBytes(bytes);
    byte[] head = Files.readAllBytes(file);
    System.arraycopy(head, 0, bytes, 0, 100);
    Files.write(file, bytes);
    AgentException refused = failure(() -> SqliteStateStore.open(file));
    assertThat(refused.code()).isEqualTo(ErrorCode.STORE_MISMATCH);
    assertThat(refused).hasMessageContaining("store.db is damaged");
  }

  @Test
  void anotherNumberOfPartitionsOrANewerSchemaIsRefusedNamingBoth() throws Exception {
    Path file = folder.resolve("store.db");
    SqliteStateStore.open(file).close();
    AgentException refused = failure(() -> SqliteStateStore.builder(file).partitions(16).open());
    assertThat(refused.code()).isEqualTo(ErrorCode.STORE_MISMATCH);
    assertThat(refused).hasMessageContaining("64 partitions").hasMessageContaining("with 16");
    try (SqliteStateStore store = SqliteStateStore.open(file)) {
      SqliteStateStoreTest.execute(store, "UPDATE meta SET value = 9 WHERE name = 'schema'");
    }
    refused = failure(() -> SqliteStateStore.open(file));
    assertThat(refused.code()).isEqualTo(ErrorCode.STORE_MISMATCH);
    assertThat(refused).hasMessageContaining("schema 9").hasMessageContaining("schema 1");
  }

  @Test
  void aLogWithoutItsFileIsRefused() throws Exception {
    Path file = folder.resolve("store.db");
    Files.write(folder.resolve("store.db-wal"), new byte[50]);
    AgentException refused = failure(() -> SqliteStateStore.open(file));
    assertThat(refused.code()).isEqualTo(ErrorCode.STORE_MISMATCH);
    assertThat(file).doesNotExist();
  }

  @Test
  void aFullDiskIsSaidReadsGoOnAndWorkGoesOnWhenThereIsSpace() throws Exception {
    Path disk = folder.resolve("disk");
    // without the right to mount, the test below is what can be done
    boolean small = SqliteFixture.mount(disk);
    try (SqliteStateStore store = SqliteStateStore.open(disk.resolve("store.db"))) {
      done(store, put("r/a", "early"));
      if (small) {
        Path ballast = Files.write(disk.resolve("ballast"), new byte[400_000]);
        int rows = fill(store);
        assertThat(rows).isPositive();
        assertThat(text(read(store, "r/a").get(0).value())).isEqualTo("early");
        AgentException again = failure(() -> done(store, row("r/a", "again", "x".repeat(200_000))));
        assertThat(again.code()).isEqualTo(ErrorCode.STORE_FULL);
        assertThat(read(store, "r/a").get(0).rows()).hasSize(rows).doesNotContainKey("again");
        Files.delete(ballast);
        done(store, row("r/a", "later", "x".repeat(100_000)));
        assertThat(read(store, "r/a").get(0).rows()).hasSize(rows + 1).containsKey("later");
      }
    } finally {
      if (small) {
        SqliteFixture.system("umount", disk.toString());
      }
    }
  }

  @Test
  void aFileThatMayNotGrowIsFullAndWorkGoesOnWhenItMay() throws Exception {
    try (SqliteStateStore store = SqliteStateStore.open(folder.resolve("store.db"))) {
      done(store, put("r/a", "early"));
      SqliteStateStoreTest.execute(store, "PRAGMA max_page_count = 60");
      int rows = fill(store);
      assertThat(rows).isPositive();
      assertThat(read(store, "r/a").get(0).rows()).hasSize(rows);
      // the limit went with the connection that failed
      done(store, row("r/a", "later", "x".repeat(100_000)));
      assertThat(read(store, "r/a").get(0).rows()).hasSize(rows + 1).containsKey("later");
    }
  }

  /** Writes rows until there is no space; how many were answered. */
  private static int fill(SqliteStateStore store) {
    for (int rows = 0; rows < 1000; rows++) {
      String name = "row-" + rows;
      AgentException full =
          catchThrowableOfType(
              AgentException.class, () -> done(store, row("r/a", name, "x".repeat(10_000))));
      if (full != null) {
        assertThat(full.code()).isEqualTo(ErrorCode.STORE_FULL);
        assertThat(full).hasMessageContaining("store.db has no space left; nothing was written");
        return rows;
      }
    }
    throw new AssertionError("the disk did not fill");
  }

  @Test
  void aStoreThatTurnsReadOnlySaysSoAndReadsGoOn() throws Exception {
    try (SqliteStateStore store = SqliteStateStore.open(folder.resolve("store.db"))) {
      done(store, put("r/a", "early"));
      SqliteStateStoreTest.execute(store, "PRAGMA query_only = ON");
      AgentException refused = failure(() -> done(store, put("r/a", "late")));
      assertThat(refused.code()).isEqualTo(ErrorCode.STORE_UNAVAILABLE);
      assertThat(refused)
          .hasMessageContaining("store.db can't be written")
          .hasCauseInstanceOf(java.sql.SQLException.class);
      assertThat(text(read(store, "r/a").get(0).value())).isEqualTo("early");
      done(store, put("r/a", "late"));
    }
  }

  @Test
  void aFolderThatIsReadOnlyIsSaidWhenTheStoreIsOpened() throws Exception {
    Path disk = folder.resolve("disk");
    boolean real = SqliteFixture.mount(disk);
    Path file = disk.resolve("store.db");
    SqliteStateStore.open(file).close();
    try {
      if (real) {
        SqliteFixture.system("mount", "-o", "remount,ro", disk.toString());
      } else {
        assertThat(disk.resolve("store.db.lock").toFile().setReadOnly()).isTrue();
      }
      AgentException refused = failure(() -> SqliteStateStore.open(file));
      assertThat(refused.code()).isEqualTo(ErrorCode.STORE_UNAVAILABLE);
      assertThat(refused).hasMessageContaining("store.db can't be locked");
    } finally {
      if (real) {
        SqliteFixture.system("umount", disk.toString());
      }
    }
  }
}
