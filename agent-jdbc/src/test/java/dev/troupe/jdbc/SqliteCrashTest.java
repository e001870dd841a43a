package dev.troupe.jdbc;

import static dev.troupe.jdbc.SqliteFixture.change;
import static dev.troupe.jdbc.SqliteFixture.done;
import static dev.troupe.jdbc.SqliteFixture.put;
import static dev.troupe.jdbc.SqliteFixture.read;
import static dev.troupe.jdbc.SqliteFixture.row;
import static dev.troupe.jdbc.SqliteFixture.text;
import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.state.Edit;
import dev.troupe.state.Stored;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Processes that are killed and logs that are cut. */
class SqliteCrashTest {
  private static final int FRAME = 24 + 4096;

  @TempDir Path folder;

  @Test
  void aKilledProcessLeavesEveryAnsweredChangeAndNoHalfOne() throws Exception {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    Path file = folder.resolve("killed.db");
    int next = 0;
    for (int round = 0; round < 6; round++) {
      Process worker = SqliteFixture.start(SqliteWorker.class, file.toString(), "" + next);
      int answered = -1;
      try (BufferedReader out = SqliteFixture.output(worker)) {
        assertThat(out.readLine()).isEqualTo("open");
        int enough = next + 20 + random.nextInt(600);
        while (answered < enough) {
          answered = Integer.parseInt(out.readLine());
        }
        SqliteFixture.kill(worker);
        for (String line = out.readLine(); line != null; line = out.readLine()) {
          answered = Integer.parseInt(line);
        }
      }
      try (SqliteStateStore store = SqliteStateStore.open(file)) {
        Stored left = read(store, "pair/left").get(0);
        Stored right = read(store, "pair/right").get(0);
        assertThat(left.rows().keySet()).as("seed " + seed).isEqualTo(right.rows().keySet());
        int rows = left.rows().size();
        assertThat(rows - 1).as("seed " + seed).isGreaterThanOrEqualTo(answered);
        for (int i = 0; i < rows; i++) {
          assertThat(left.rows()).containsKey("" + i);
        }
        assertThat(text(left.value())).isEqualTo("" + (rows - 1));
        assertThat(left.version()).isEqualTo(rows);
        next = rows;
      }
    }
  }

  @Test
  void aLogCutAnywhereHoldsAPrefixOfTheChanges() throws Exception {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    Path taken = copyWithLog(12);
    int size = (int) Files.size(taken.resolve("store.db-wal"));
    TreeSet<Integer> lengths = new TreeSet<>();
    for (int end = 32; end <= size; end += FRAME) {
      lengths.addAll(List.of(end - 1, end, Math.min(size, end + 1), Math.min(size, end + 24)));
    }
    for (int i = 0; i < 60; i++) {
      lengths.add(random.nextInt(size + 1));
    }
    lengths.add(0);
    int before = -1;
    int warned = 0;
    for (int length : lengths) {
      Path copy = copy(taken, "cut-" + length);
      cut(copy.resolve("store.db-wal"), length);
      warned += dropped(copy) > 0 ? 1 : 0;
      int changes = changes(copy, "length " + length + " of " + size + ", seed " + seed);
      assertThat(changes).as("length " + length).isGreaterThanOrEqualTo(before);
      before = changes;
    }
    assertThat(before).isEqualTo(12);
    assertThat(dropped(copy(taken, "whole"))).isZero();
    assertThat(warned).isPositive().isLessThan(lengths.size());
  }

  @Test
  void aLogDamagedAnywhereHoldsAPrefixOfTheChanges() throws Exception {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    Path taken = copyWithLog(12);
    int size = (int) Files.size(taken.resolve("store.db-wal"));
    for (int i = 0; i < 60; i++) {
      Path copy = copy(taken, "damaged-" + i);
      byte[] log = Files.readAllBytes(copy.resolve("store.db-wal"));
      log[random.nextInt(size)] ^= (byte) (1 + random.nextInt(255));
      Files.write(copy.resolve("store.db-wal"), log);
      changes(copy, "seed " + seed);
    }
  }

  /** A store as it lies on disk after so many changes, with all of them in the log. */
  private Path copyWithLog(int changes) throws IOException {
    Path file = folder.resolve("open/store.db");
    try (SqliteStateStore store = SqliteStateStore.open(file)) {
      Edit.Held held = SqliteFixture.held(store, "pair/a");
      done(store, row("pair/b", "n", "0"));
      for (int i = 1; i <= changes; i++) {
        Edit row = row("pair/b", "n" + i, "x".repeat(i * 700));
        Edit mail = new Edit.Mail("pair/a", "m" + i, new byte[i], false);
        store.apply(
            List.of(change(held, row, mail, put("pair/b", "" + i), row("pair/b", "n", "" + i))));
      }
      return copy(file.getParent(), "taken");
    }
  }

  private Path copy(Path from, String name) throws IOException {
    Path to = Files.createDirectories(folder.resolve(name));
    Files.copy(from.resolve("store.db"), to.resolve("store.db"));
    Files.copy(from.resolve("store.db-wal"), to.resolve("store.db-wal"));
    return to;
  }

  private static void cut(Path log, long length) throws IOException {
    try (FileChannel channel = FileChannel.open(log, StandardOpenOption.WRITE)) {
      channel.truncate(length);
    }
  }

  private static long dropped(Path copy) throws Exception {
    Path file = copy.resolve("store.db");
    SqliteLog log = SqliteLog.of(file);
    try (SqliteSession session = SqliteSession.reader(file)) {
      session.number("SELECT count(*) FROM meta");
      return log.dropped(session.framesInLog());
    }
  }

  /** How many changes are there, after looking that each is there as a whole. */
  private static int changes(Path copy, String what) {
    try (SqliteStateStore store = SqliteStateStore.open(copy.resolve("store.db"))) {
      List<Stored> found = read(store, "pair/b");
      if (found.isEmpty()) {
        return 0;
      }
      Stored b = found.get(0);
      int changes = Integer.parseInt(text(b.rows().get("n")));
      assertThat(b.rows()).as(what).hasSize(changes + 1);
      assertThat(b.version()).as(what).isEqualTo(changes);
      assertThat(text(b.value())).as(what).isEqualTo(changes == 0 ? "" : "" + changes);
      Stored a = read(store, "pair/a").get(0);
      assertThat(a.mailNumber()).as(what).isEqualTo(changes);
      assertThat(a.mail()).as(what).hasSize(changes);
      done(store, put("pair/b", "writable"));
      return changes;
    }
  }
}
