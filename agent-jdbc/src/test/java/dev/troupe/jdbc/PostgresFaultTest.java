package dev.troupe.jdbc;

import static dev.troupe.jdbc.SqliteFailureTest.failure;
import static dev.troupe.jdbc.SqliteFixture.change;
import static dev.troupe.jdbc.SqliteFixture.done;
import static dev.troupe.jdbc.SqliteFixture.put;
import static dev.troupe.jdbc.SqliteFixture.read;
import static dev.troupe.jdbc.SqliteFixture.row;
import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.Outcome;
import dev.troupe.state.StoreInfo;
import dev.troupe.testkit.PostgresServer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Servers that are killed, started again, stopped and cut off, and writers that meet. */
@Timeout(120)
class PostgresFaultTest {
  private static final int WRITERS = 4;

  @Test
  void killedUnderLoadTheServerLosesNothingThatWasAnsweredAndKeepsNoHalfChange() throws Exception {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    try (PostgresServer server = PostgresServer.builder().setting("fsync", "on").start();
        PostgresStateStore store = PostgresFixture.builder(server).open()) {
      assertThat(store.info().survives()).isEqualTo(StoreInfo.Durability.MACHINE);
      ExecutorService threads = Executors.newFixedThreadPool(WRITERS);
      List<Edit.Held> guards = new ArrayList<>();
      for (int w = 0; w < WRITERS; w++) {
        guards.add(PostgresFixture.held(store, "me", "r" + w + "/a"));
      }
      AtomicIntegerArray answered = new AtomicIntegerArray(WRITERS);
      for (int round = 0; round < 3; round++) {
        AtomicBoolean stop = new AtomicBoolean();
        List<Future<?>> writers = new ArrayList<>();
        for (int w = 0; w < WRITERS; w++) {
          int me = w;
          writers.add(threads.submit(() -> write(store, guards.get(me), me, answered, stop)));
        }
        int enough = answered.get(0) + 50 + random.nextInt(200);
        PostgresFixture.until(() -> answered.get(0) >= enough);
        server.kill();
        stop.set(true);
        server.restart();
        for (Future<?> writer : writers) {
          writer.get();
        }
        for (int w = 0; w < WRITERS; w++) {
          check(store, w, answered.get(w), "seed " + seed + ", round " + round);
        }
      }
      threads.shutdown();
    }
  }

  /** Writes pairs, now as a step and now as a list, and repeats what was not answered. */
  private static Void write(
      PostgresStateStore store,
      Edit.Held guard,
      int writer,
      AtomicIntegerArray answered,
      AtomicBoolean stop) {
    String key = guard.key();
    while (!stop.get()) {
      int next = answered.get(writer);
      Edit one = row(key, "one-" + next, "");
      Edit two = row(key, "two-" + next, "");
      Edit mail = new Edit.Mail(key, "mail-" + next, new byte[1], false);
      Change change = change(guard, one, two);
      Change other = change(guard, mail, row(key, "mailed-" + next, ""));
      try {
        List<Outcome> outcomes = store.apply(List.of(change));
        assertThat(outcomes).allMatch(Outcome.Done.class::isInstance);
        outcomes = store.apply(List.of(other, change));
        assertThat(outcomes).allMatch(Outcome.Done.class::isInstance);
        answered.incrementAndGet(writer);
      } catch (AgentException e) {
        assertThat(e.code()).isEqualTo(ErrorCode.STORE_UNAVAILABLE);
      }
    }
    return null;
  }

  private static void check(PostgresStateStore store, int writer, int answered, String what) {
    var found = read(store, "r" + writer + "/a").get(0);
    for (int i = 0; i < answered; i++) {
      assertThat(found.rows()).as(what).containsKeys("one-" + i, "two-" + i, "mailed-" + i);
    }
    long one = found.rows().keySet().stream().filter(n -> n.startsWith("one-")).count();
    long two = found.rows().keySet().stream().filter(n -> n.startsWith("two-")).count();
    long mailed = found.rows().keySet().stream().filter(n -> n.startsWith("mailed-")).count();
    assertThat(one).as(what).isEqualTo(two).isBetween((long) answered, answered + 1L);
    assertThat(found.mail()).as("nothing twice; " + what).hasSize((int) mailed);
    assertThat(found.mailNumber()).as(what).isEqualTo(mailed);
  }

  @Test
  void aServerStartedAgainIsFoundAgainAndOneThatIsGoneIsSaid() {
    try (PostgresServer server = PostgresServer.start();
        PostgresStateStore store = PostgresFixture.builder(server).open()) {
      done(store, put("r/a", "v"));
      long before = server.pid();
      server.restart();
      assertThat(server.pid()).isNotEqualTo(before);
      // what the store had open was cut: one call finds out, all connections are new then
      AgentException cut = failure(() -> read(store, "r/a"));
      assertThat(cut.code()).isEqualTo(ErrorCode.STORE_UNAVAILABLE);
      assertThat(read(store, "r/a")).hasSize(1);
      server.kill();
      AgentException gone = failure(() -> done(store, put("r/b", "v")));
      assertThat(gone.code()).isEqualTo(ErrorCode.STORE_UNAVAILABLE);
      assertThat(failure(() -> read(store, "r/a"))).hasMessageContaining("can't be reached");
      server.restart();
      done(store, put("r/b", "v"));
    }
  }

  @Test
  void aServerThatStopsAnsweringIsGivenUpInTimeAndWhatWasSentMayStillBeDone() {
    try (PostgresServer server = PostgresServer.start();
        PostgresStateStore store =
            PostgresFixture.builder(server).timeout(Duration.ofSeconds(1)).open()) {
      Edit.Held held = PostgresFixture.held(store, "me", "r/a");
      Change change = change(held, row("r/a", "x", "y"));
      server.pause();
      long begun = System.nanoTime();
      AgentException late = failure(() -> store.apply(List.of(change)));
      assertThat(late.code()).isEqualTo(ErrorCode.STORE_UNAVAILABLE);
      assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(Duration.ofSeconds(20));
      server.resume();
      assertThat(store.apply(List.of(change)).get(0)).isInstanceOf(Outcome.Done.class);
      assertThat(read(store, "r/a").get(0).rows()).containsOnlyKeys("x");
    }
  }

  @Test
  void aSessionEndedByTheAdministratorCostsOneCall() throws Exception {
    PostgresFixture fixture = new PostgresFixture();
    try (PostgresStateStore store = fixture.builder().open()) {
      done(store, put("r/a", "v"));
      PostgresFixture.number(
          PostgresServer.shared().dataSource(),
          "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
              + " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'");
      AgentException ended = failure(() -> done(store, put("r/b", "v")));
      assertThat(ended.code()).isEqualTo(ErrorCode.STORE_UNAVAILABLE);
      done(store, put("r/b", "v"));
    }
  }

  @Test
  void listsOverTheSameRecordsInAnyOrderAllSucceedAndNothingIsDoubled() throws Exception {
    int writers = 8;
    int lists = 25;
    int records = 6;
    PostgresFixture fixture = new PostgresFixture();
    try (PostgresServer server = PostgresServer.start();
        PostgresStateStore one = PostgresFixture.builder(server).schema(fixture.schema).open();
        PostgresStateStore two = PostgresFixture.builder(server).schema(fixture.schema).open()) {
      for (int r = 0; r < records; r++) {
        // each is in a lane with the next, so that ends reach for others' records too
        done(one, new Edit.Queue("r" + r, "work", 1, java.time.Instant.EPOCH, "lane", 9));
      }
      AtomicInteger done = new AtomicInteger();
      ExecutorService threads = Executors.newFixedThreadPool(writers);
      List<Future<?>> all = new ArrayList<>();
      for (int w = 0; w < writers; w++) {
        PostgresStateStore store = w % 2 == 0 ? one : two;
        String me = "w" + w;
        Random random = new Random(w);
        all.add(
            threads.submit(
                () -> {
                  for (int i = 0; i < lists; i++) {
                    List<Change> list = new ArrayList<>();
                    for (int r = 0; r < records; r++) {
                      String key = "r" + r;
                      String name = me + "-" + i;
                      list.add(
                          change(
                              new Edit.NoRow(key, name),
                              row(key, name, ""),
                              new Edit.Add(key, "sum", 1, 0),
                              new Edit.Mail(key, name, new byte[1], false)));
                      if (random.nextInt(4) == 0) {
                        list.add(
                            change(
                                new Edit.Queue(
                                    key, "work", 1, java.time.Instant.EPOCH, "l" + me, 9)));
                      }
                    }
                    Collections.shuffle(list, random);
                    List<Outcome> outcomes = store.apply(list);
                    assertThat(outcomes).allMatch(Outcome.Done.class::isInstance);
                    done.addAndGet(1);
                  }
                  return null;
                }));
      }
      for (Future<?> writer : all) {
        writer.get();
      }
      threads.shutdown();
      int sum = writers * lists;
      assertThat(done).hasValue(sum);
      for (int r = 0; r < records; r++) {
        var record = read(one, "r" + r).get(0);
        assertThat(record.rows()).hasSize(sum);
        assertThat(record.counters()).containsEntry("sum", (long) sum);
        assertThat(record.mail()).hasSize(sum);
        assertThat(record.mail().get(sum - 1).number()).isEqualTo(sum);
      }
    }
  }
}
