package dev.troupe.jdbc;

import static dev.troupe.jdbc.SqliteFixture.change;
import static dev.troupe.jdbc.SqliteFixture.claimDue;
import static dev.troupe.jdbc.SqliteFixture.done;
import static dev.troupe.jdbc.SqliteFixture.put;
import static dev.troupe.jdbc.SqliteFixture.queue;
import static dev.troupe.jdbc.SqliteFixture.read;
import static dev.troupe.jdbc.SqliteFixture.row;
import static dev.troupe.jdbc.SqliteFixture.text;
import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.Outcome;
import dev.troupe.state.RecordId;
import dev.troupe.state.Scan;
import dev.troupe.state.StateStore;
import dev.troupe.state.Stored;
import dev.troupe.testkit.MovableClock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sqlite.SQLiteCommitListener;
import org.sqlite.SQLiteConnection;

/** What the SQLite store does beyond the contract: transactions, time, order, expiry, closing. */
class SqliteStateStoreTest {
  private final MovableClock clock = new MovableClock();

  @TempDir Path folder;

  private SqliteStateStore open() {
    return SqliteStateStore.builder(folder.resolve("store.db")).clock(clock).open();
  }

  @Test
  void aListOfChangesIsOneTransactionAndLooksAreNone() {
    try (SqliteStateStore store = open()) {
      Edit.Held held = SqliteFixture.held(store, "r/a");
      AtomicInteger commits = countCommits(store);
      List<Change> list = new ArrayList<>();
      for (int i = 0; i < 64; i++) {
        list.add(change(held, row("r/a", "row-" + i, "x")));
        list.add(
            change(
                put("r/other-" + i, "v"),
                queue("r/other-" + i, Instant.parse("9999-01-01T00:00:00Z"))));
      }
      store.apply(list);
      assertThat(commits).hasValue(1);
      done(store, held, row("r/a", "alone", "x"));
      assertThat(commits).hasValue(2);
      done(store, held, put("r/b", "x"), new Edit.Mail("r/a", "m", new byte[1], true));
      assertThat(commits).hasValue(3);
      store.apply(List.of(change(new Edit.Absent("r/a"), put("r/a", "x"))));
      assertThat(claimDue(store, 10)).isEmpty();
      read(store, "r/a");
      assertThat(commits).hasValue(3);
    }
  }

  @Test
  void aListThatFailsInTheMiddleLeavesNothingAndNothingIsRememberedOfIt() throws Exception {
    try (SqliteStateStore store = open()) {
      Edit.Held held = SqliteFixture.held(store, "r/a");
      Stored before = read(store, "r/a").get(0);
      execute(
          store,
          "CREATE TEMP TRIGGER fails BEFORE INSERT ON record_row WHEN NEW.name = CAST('bad' AS"
              + " BLOB) BEGIN SELECT RAISE(ABORT, 'asked to'); END");
      List<Change> list =
          List.of(
              change(held, new Edit.Mail("r/a", "m", new byte[1], true), put("r/a", "changed")),
              change(held, new Edit.Release("r/a")),
              change(put("r/new", "v")),
              change(row("r/a", "bad", "x")));
      assertThat(SqliteFailureTest.failure(() -> store.apply(list)))
          .hasMessageContaining("store.db");
      Stored after = read(store, "r/a").get(0);
      assertThat(after.version()).isEqualTo(before.version());
      assertThat(after.mailNumber()).isZero();
      assertThat(read(store, "r/new")).isEmpty();
      done(store, held, row("r/a", "good", "x"));
      assertThat(store.apply(list)).allMatch(Outcome.Done.class::isInstance);
    }
  }

  @Test
  void timeDoesNotGoBackWhenTheClockWasSetBackWhileClosed() {
    Instant shown;
    try (SqliteStateStore store = open()) {
      clock.advance(Duration.ofMillis(123));
      shown = now(store);
    }
    clock.advance(Duration.ofDays(-10));
    try (SqliteStateStore store = open()) {
      assertThat(now(store)).isEqualTo(shown);
      clock.advance(Duration.ofDays(10).plusMillis(5));
      assertThat(now(store)).isEqualTo(shown.plusMillis(5));
    }
  }

  @Test
  void timeDoesNotGoBackBehindWhatOnlyReadsAndEmptyClaimsSawBeforeACrash() throws Exception {
    Path crashed = Files.createDirectory(folder.resolve("crashed"));
    Instant shown;
    try (SqliteStateStore store = open()) {
      done(store, put("r/a", "v"));
      for (int i = 0; i < 20; i++) {
        clock.advance(Duration.ofMillis(770));
        claimDue(store, 1);
        clock.advance(Duration.ofMillis(770));
        read(store, "r/a");
      }
      shown = read(store, "r/a").get(0).now();
      assertThat(shown).isEqualTo(clock.instant());
      Files.copy(folder.resolve("store.db"), crashed.resolve("store.db"));
      Files.copy(folder.resolve("store.db-wal"), crashed.resolve("store.db-wal"));
    }
    clock.advance(Duration.ofDays(-10));
    try (SqliteStateStore store =
        SqliteStateStore.builder(crashed.resolve("store.db")).clock(clock).open()) {
      Instant after = read(store, "r/a").get(0).now();
      assertThat(after).isBetween(shown, shown.plusMillis(SqliteTime.RESERVE));
    }
  }

  @Test
  void keysAndRowsComeInTheOrderOfTheirUtf16Units() {
    List<String> names =
        List.of("a", "a\u0001", "b", "\u00e9", "\ud7ff", "\ud83d\ude00", "\ue000", "\uffff");
    List<String> sorted = names.stream().sorted().toList();
    try (SqliteStateStore store = open()) {
      for (String name : names) {
        done(store, row("r", name, "v"), put("r/" + name, "v"));
      }
      assertThat(read(store, "r").get(0).rows().keySet()).containsExactlyElementsOf(sorted);
      int partition = RecordId.of("r", 64).partition();
      List<String> keys = new ArrayList<>();
      String after = null;
      do {
        var page = store.scan(new Scan.Records(partition, "r/", after, false, 2));
        page.items().forEach(s -> keys.add(s.id().key().substring(2)));
        after = page.next();
      } while (after != null);
      assertThat(keys).containsExactlyElementsOf(sorted);
    }
  }

  @Test
  void manyExpiredRecordsAreAbsentAtOnceAndRemovedInPortions() throws Exception {
    try (SqliteStateStore store = open()) {
      Instant end = clock.instant().plusSeconds(5);
      for (int i = 0; i < 200; i++) {
        Edit put = new Edit.Put("r/" + i, new byte[0], Map.of("t", "x"), end);
        done(store, put, queue("r/" + i, Instant.EPOCH));
      }
      for (int i = 0; i < 100; i++) {
        Edit put = new Edit.Put("lane/" + i, new byte[0], Map.of(), end);
        done(store, put, new Edit.Queue("lane/" + i, "work", 1, Instant.EPOCH, "l", 9));
      }
      done(store, put("lane/z", ""), new Edit.Queue("lane/z", "work", 1, Instant.EPOCH, "l", 9));
      clock.advance(Duration.ofSeconds(5));
      assertThat(read(store, "r/150")).isEmpty();
      done(store, put("plain", "v"));
      assertThat(count(store, "record")).as("first portion").isEqualTo(200 - 64 + 2);
      assertThat(claimDue(store, 1000)).extracting(s -> s.id().key()).containsExactly("lane/z");
      for (int i = 0; i < 3; i++) {
        claimDue(store, 1);
      }
      assertThat(count(store, "record")).isEqualTo(2);
      assertThat(count(store, "record_tag")).isZero();
    }
  }

  @Test
  void aDeletedRecordLeavesNothingBehind() throws Exception {
    try (SqliteStateStore store = open()) {
      Edit.Held held = SqliteFixture.held(store, "r/a");
      Edit add = new Edit.Add("r/a", "c", 1, 0);
      done(store, held, new Edit.NoRow("r/a", "x"), row("r/a", "x", "1"), add);
      done(store, new Edit.Mail("r/a", "m", new byte[1], true));
      done(store, new Edit.Put("r/a", new byte[1], Map.of("t", "x"), null));
      done(store, new Edit.Delete("r/a"));
      for (String table : List.of("record", "_row", "_mail", "_counter", "_tag")) {
        assertThat(count(store, table.startsWith("_") ? "record" + table : table)).isZero();
      }
    }
  }

  @Test
  void anIdlePollReadsOnlyTheIndexOfWhatIsReady() throws Exception {
    try (SqliteStateStore store = open();
        Statement statement = store.present().connection().createStatement();
        ResultSet plan = statement.executeQuery("EXPLAIN QUERY PLAN " + SqliteClaims.dueIn(5))) {
      int looks = 0;
      while (plan.next()) {
        String detail = plan.getString("detail");
        assertThat(detail).doesNotContain("TEMP B-TREE").doesNotContain("SCAN record");
        if (detail.startsWith("SEARCH")) {
          assertThat(detail).contains("USING COVERING INDEX record_ready (queue=? AND priority=?");
          looks++;
        }
      }
      assertThat(looks).isEqualTo(15);
    }
  }

  @Test
  void closingLeavesTheFileAloneAndAnEmptyLock() throws Exception {
    SqliteStateStore store = open();
    done(store, put("r/a", "v"));
    store.close();
    store.close();
    try (var files = Files.list(folder)) {
      assertThat(files.map(f -> f.getFileName().toString()))
          .containsExactlyInAnyOrder("store.db", "store.db.lock");
    }
    assertThat(folder.resolve("store.db.lock")).isEmptyFile();
  }

  @Test
  void closingWhileManyThreadsWorkLosesNothingThatWasAnswered() throws Exception {
    SqliteStateStore store = open();
    ExecutorService threads = Executors.newFixedThreadPool(4);
    List<Future<Integer>> answered = new ArrayList<>();
    for (int t = 0; t < 4; t++) {
      String key = "r/" + t;
      answered.add(threads.submit((Callable<Integer>) () -> writeUntilClosed(store, key)));
    }
    while (read(store, "r/3").isEmpty()) {
      Thread.onSpinWait();
    }
    store.close();
    try (SqliteStateStore again = open()) {
      for (int t = 0; t < 4; t++) {
        int rows = answered.get(t).get();
        int found = read(again, "r/" + t).stream().mapToInt(s -> s.rows().size()).sum();
        assertThat(found).isEqualTo(rows);
      }
    }
    threads.shutdown();
  }

  private static int writeUntilClosed(StateStore store, String key) {
    int rows = 0;
    while (true) {
      try {
        done(store, row(key, "row-" + rows, "x"));
        rows++;
        read(store, key);
      } catch (dev.troupe.AgentException e) {
        assertThat(e.code()).isEqualTo(dev.troupe.ErrorCode.CLOSED);
        return rows;
      }
    }
  }

  @Test
  void anInterruptedThreadOpensUsesAndClosesAStore() {
    Thread.currentThread().interrupt();
    try (SqliteStateStore store = open()) {
      done(store, put("r/a", "v"));
      assertThat(text(read(store, "r/a").get(0).value())).isEqualTo("v");
    }
    assertThat(Thread.interrupted()).isTrue();
  }

  private static Instant now(StateStore store) {
    return store.apply(List.of(change(new Edit.Absent("no/such")))).get(0).now();
  }

  private static AtomicInteger countCommits(SqliteStateStore store) {
    AtomicInteger commits = new AtomicInteger();
    SQLiteConnection connection = (SQLiteConnection) store.present().connection();
    connection.addCommitListener(
        new SQLiteCommitListener() {
          @Override
          public void onCommit() {
            commits.incrementAndGet();
          }

          @Override
          public void onRollback() {}
        });
    return commits;
  }

  static void execute(SqliteStateStore store, String sql) throws Exception {
    try (Statement statement = store.present().connection().createStatement()) {
      statement.execute(sql);
    }
  }

  private static long count(SqliteStateStore store, String table) throws Exception {
    try (Statement statement = store.present().connection().createStatement();
        ResultSet found = statement.executeQuery("SELECT count(*) FROM " + table)) {
      return found.next() ? found.getLong(1) : -1;
    }
  }
}
