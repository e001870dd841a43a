package dev.troupe.jdbc;

import static dev.troupe.jdbc.SqliteFailureTest.failure;
import static dev.troupe.jdbc.SqliteFixture.change;
import static dev.troupe.jdbc.SqliteFixture.claimDue;
import static dev.troupe.jdbc.SqliteFixture.done;
import static dev.troupe.jdbc.SqliteFixture.put;
import static dev.troupe.jdbc.SqliteFixture.queue;
import static dev.troupe.jdbc.SqliteFixture.read;
import static dev.troupe.jdbc.SqliteFixture.row;
import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.ErrorCode;
import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.Find;
import dev.troupe.state.Outcome;
import dev.troupe.testkit.MovableClock;
import dev.troupe.testkit.PostgresServer;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How the store uses the connections of its host: few, for a short time, and as they come. */
@Timeout(60)
class PostgresConnectionTest {
  private static final Instant LATE = Instant.parse("9999-01-01T00:00:00Z");

  private final DataSource server = PostgresServer.shared().dataSource();
  private final PostgresFixture fixture = new PostgresFixture();
  private final PostgresFixture.Single single = single(server);

  private static PostgresFixture.Single single(DataSource source) {
    try {
      return new PostgresFixture.Single(source);
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  @AfterEach
  void close() throws SQLException {
    single.close();
  }

  private int sentBy(Runnable call) {
    single.sent.clear();
    call.run();
    return single.sent.size();
  }

  @Test
  void aStepAndAParkAreOneStatementOnTheOnlyConnection() {
    // a clock that stands still, because the highest time is kept about once a second
    try (PostgresStateStore store =
        fixture.builder(single.source()).clock(new MovableClock()).open()) {
      for (int i = 0; i < 20; i++) {
        String key = "r/" + i;
        Edit.Held held = PostgresFixture.held(store, "me", key);
        assertThat(sentBy(() -> done(store, held, row(key, "x", "1")))).isEqualTo(1);
        Edit cut = new Edit.Row(key, "x", null);
        assertThat(sentBy(() -> done(store, held, row(key, "y", "1"), cut))).isEqualTo(1);
        Edit noMail = new Edit.NoMailAfter(key, 0);
        Edit park = queue(key, LATE);
        assertThat(sentBy(() -> done(store, held, noMail, row(key, "z", "1"), park))).isEqualTo(1);
        assertThat(read(store, key).get(0).rows()).containsOnlyKeys("y", "z");
      }
    }
  }

  @Test
  void stepsOfManyRunsAreOneStatementAndOtherListsTwo() {
    try (PostgresStateStore store =
        fixture.builder(single.source()).clock(new MovableClock()).open()) {
      List<Change> steps = new ArrayList<>();
      for (int i = 0; i < 64; i++) {
        Edit.Held held = PostgresFixture.held(store, "me", "r/" + i);
        steps.add(change(held, row("r/" + i, "x", "" + i), row("r/" + i, "y", "" + i)));
      }
      assertThat(sentBy(() -> store.apply(steps))).isEqualTo(1);
      assertThat(read(store, "r/63").get(0).rows()).containsOnlyKeys("x", "y");
      List<Change> mixed = new ArrayList<>();
      for (int i = 0; i < 50; i++) {
        mixed.add(change(row("r/" + i, "z", ""), new Edit.Mail("r/" + i, "m", new byte[1], true)));
        mixed.add(change(new Edit.Absent("n/" + i), put("n/" + i, "v"), queue("n/" + i, LATE)));
      }
      assertThat(sentBy(() -> assertDone(store.apply(mixed)))).isEqualTo(2);
      assertThat(sentBy(() -> assertThat(claimDue(store, 5)).isEmpty())).as("idle").isEqualTo(1);
      done(store, queue("n/7", Instant.EPOCH));
      assertThat(sentBy(() -> assertThat(claimDue(store, 5)).hasSize(1))).isEqualTo(2);
      assertThat(sentBy(() -> read(store, "r/7"))).isEqualTo(1);
    }
  }

  private static void assertDone(List<Outcome> outcomes) {
    assertThat(outcomes).allMatch(Outcome.Done.class::isInstance);
  }

  @Test
  void refusedStepsOfAListLeaveTheOthersDone() {
    try (PostgresStateStore store = fixture.builder(single.source()).open()) {
      Edit.Held held = PostgresFixture.held(store, "me", "r/a");
      Edit.Held other = PostgresFixture.held(store, "me", "r/b");
      Edit wrong = new Edit.Held("r/b", held.grant());
      Edit mail = new Edit.NoMailAfter("r/a", -1);
      List<Outcome> outcomes =
          store.apply(
              List.of(
                  change(held, row("r/a", "1", "")),
                  change(wrong, row("r/b", "2", "")),
                  change(held, mail, row("r/a", "3", "")),
                  change(other, row("r/b", "4", ""))));
      assertThat(outcomes.stream().map(o -> o instanceof Outcome.Done).toList())
          .containsExactly(true, false, false, true);
      assertThat(((Outcome.Refused) outcomes.get(1)).because()).isEqualTo(wrong);
      assertThat(((Outcome.Refused) outcomes.get(2)).because()).isEqualTo(mail);
      assertThat(read(store, "r/a").get(0).rows()).containsOnlyKeys("1");
      assertThat(read(store, "r/b").get(0).rows()).containsOnlyKeys("4");
    }
  }

  @Test
  void connectionsAreGivenBackAsTheyCame() throws Exception {
    Connection connection = single.connection;
    try (PostgresStateStore store = fixture.builder(single.source()).open()) {
      for (boolean autoCommit : new boolean[] {true, false}) {
        connection.setAutoCommit(autoCommit);
        connection.setNetworkTimeout(Runnable::run, 1234);
        List<Runnable> calls =
            List.of(
                () -> done(store, put("r/a", "v"), new Edit.Delete("r/a")),
                () -> PostgresFixture.held(store, "me", "r/a"),
                () -> store.apply(List.of(change(new Edit.AtVersion("r/a", 99)))),
                () -> PostgresFixture.takeOver(store, "me"),
                () -> read(store, "r/a"),
                () -> store.find(Find.tagged("a", "b", 1)),
                () -> store.find(new Find(Map.of("a", "b", "c", "d"), null, null, null, 1)),
                () -> failure(() -> breakTheTable(store)));
        for (Runnable call : calls) {
          call.run();
          assertThat(connection.getAutoCommit()).isEqualTo(autoCommit);
          assertThat(connection.getNetworkTimeout()).isEqualTo(1234);
          assertThat(single.lent).hasValue(0);
          assertThat(isIdle(connection)).as("no transaction is left open").isTrue();
        }
      }
    }
    assertThat(connection.isClosed()).isFalse();
  }

  private void breakTheTable(PostgresStateStore store) throws SQLException {
    String table = "\"%s\".record_mail".formatted(fixture.schema);
    PostgresFixture.execute(server, "ALTER TABLE %s RENAME TO gone".formatted(table));
    try {
      done(store, queue("r/broken", LATE), new Edit.Mail("r/broken", "m", new byte[1], true));
    } finally {
      String back = "ALTER TABLE \"%s\".gone RENAME TO record_mail".formatted(fixture.schema);
      PostgresFixture.execute(server, back);
    }
  }

  private boolean isIdle(Connection connection) throws SQLException {
    int pid = connection.unwrap(org.postgresql.PGConnection.class).getBackendPID();
    return PostgresFixture.number(
            server, "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle' AND pid = " + pid)
        == 1;
  }

  @Test
  void aFailureInTheMiddleLeavesNothingAndTheStoreWorksOn() throws Exception {
    try (PostgresStateStore store = fixture.builder(single.source()).open()) {
      var failed = failure(() -> breakTheTable(store));
      assertThat(failed.code()).isEqualTo(ErrorCode.STORE_MISMATCH);
      assertThat(read(store, "r/broken")).isEmpty();
      done(store, queue("r/broken", LATE), new Edit.Mail("r/broken", "m", new byte[1], true));
      assertThat(read(store, "r/broken").get(0).mailNumber()).isEqualTo(1);
    }
  }

  @Test
  void otherIsolationByDefaultChangesNothing() throws Exception {
    single.connection.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
    try (PostgresStateStore store = fixture.builder(single.source()).open()) {
      Edit.Held held = PostgresFixture.held(store, "me", "r/a");
      done(store, held, row("r/a", "x", "1"));
      done(store, new Edit.NoRow("r/a", "y"), row("r/a", "y", ""), put("r/b", "v"));
      assertThat(read(store, "r/a").get(0).rows()).containsOnlyKeys("x", "y");
    }
    assertThat(single.connection.getTransactionIsolation())
        .isEqualTo(Connection.TRANSACTION_SERIALIZABLE);
  }

  @Test
  void timeDoesNotGoBackWithTheClockNorWhenOpenedAgain() {
    MovableClock clock = new MovableClock();
    Instant shown;
    try (PostgresStateStore store = fixture.builder(single.source()).clock(clock).open()) {
      clock.advance(java.time.Duration.ofMillis(123));
      shown = now(store);
      clock.advance(java.time.Duration.ofDays(-10));
      assertThat(now(store)).isEqualTo(shown);
    }
    try (PostgresStateStore store = fixture.builder(single.source()).clock(clock).open()) {
      assertThat(now(store)).isEqualTo(shown);
    }
  }

  @Test
  void theHighestTimeIsKeptAboutOnceASecondForOtherProcesses() {
    MovableClock ahead = new MovableClock();
    MovableClock behind = new MovableClock();
    try (PostgresStateStore one = fixture.builder().clock(ahead).open();
        PostgresStateStore other = fixture.builder().clock(behind).open()) {
      ahead.advance(java.time.Duration.ofHours(1));
      Instant shown = now(one);
      behind.advance(java.time.Duration.ofMillis(PostgresTime.INTERVAL));
      now(other);
      assertThat(now(other)).isEqualTo(shown);
    }
  }

  private static Instant now(PostgresStateStore store) {
    return store.apply(List.of(change(new Edit.Absent("no/such")))).get(0).now();
  }
}
