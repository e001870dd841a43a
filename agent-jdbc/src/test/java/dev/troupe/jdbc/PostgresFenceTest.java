package dev.troupe.jdbc;

import static dev.troupe.jdbc.SqliteFixture.read;
import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.state.Edit;
import dev.troupe.state.Grant;
import dev.troupe.state.RecordId;
import dev.troupe.state.Stored;
import dev.troupe.testkit.PostgresServer;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The trap of READ COMMITTED: a statement that writes under a guard sees the guarded record as it
 * was when the statement began, and a take-over commits meanwhile.
 */
@Timeout(60)
class PostgresFenceTest {
  private static final String KEY = "r/a";

  private final DataSource server = PostgresServer.shared().dataSource();
  private final PostgresFixture fixture = new PostgresFixture();
  private final PostgresStateStore store = fixture.builder().open();
  private final PostgresSql sql = new PostgresSql(PostgresSchema.quoted(fixture.schema), true);
  private final ExecutorService other = Executors.newSingleThreadExecutor();
  private Grant old = new Grant("nobody", 0);

  @BeforeEach
  void aHoldsTheRecord() {
    old = PostgresFixture.held(store, "a", KEY).grant();
  }

  @AfterEach
  void close() {
    other.shutdownNow();
    store.close();
  }

  /** The statement as one would write it at first, without a lock. */
  private String naive() {
    String naive = sql.step.replace("FOR NO KEY UPDATE OF r", "");
    assertThat(naive).isNotEqualTo(sql.step);
    return naive;
  }

  @Test
  void nothingOfAAppearsAfterTheAnswerOfBAndAClaimWaitsForWhatIsInFlight() throws Exception {
    assertThat(appearsAfterTheAnswer(sql.step)).isFalse();
  }

  @Test
  void aStatementWithoutTheLockFailsThisTest() throws Exception {
    assertThat(appearsAfterTheAnswer(naive())).isTrue();
  }

  @Test
  void aStepThatWaitedForAClaimIsRefused() throws Exception {
    assertThat(isDoneWhileAClaimIsUnderWay(sql.step)).isFalse();
    assertThat(isDoneWhileAClaimIsUnderWay(naive())).as("without the lock").isTrue();
  }

  /** A's statement is open while B claims; A commits when B was answered or waits for A. */
  private boolean appearsAfterTheAnswer(String statement) throws Exception {
    try (Connection a = server.getConnection()) {
      a.setAutoCommit(false);
      assertThat(step(a, statement)).isTrue();
      Future<List<Stored>> claim = other.submit(() -> PostgresFixture.takeOver(store, "a"));
      PostgresFixture.until(() -> claim.isDone() || waits());
      boolean answered = claim.isDone();
      a.commit();
      List<Stored> taken = claim.get();
      assertThat(taken).hasSize(1);
      boolean shown = taken.get(0).rows().containsKey("late");
      boolean there = read(store, KEY).get(0).rows().containsKey("late");
      assertThat(there).isTrue();
      assertThat(shown).isEqualTo(!answered);
      return there && !shown;
    }
  }

  /** B's claim is made and not committed while A sends its statement. */
  private boolean isDoneWhileAClaimIsUnderWay(String statement) throws Exception {
    old = PostgresFixture.held(store, "a", "r/" + statement.hashCode()).grant();
    String key = "r/" + statement.hashCode();
    try (Connection b = server.getConnection();
        Connection a = server.getConnection()) {
      b.setAutoCommit(false);
      try (PostgresQuery query = new PostgresQuery(b, sql.heldBy)) {
        query.with(0L).name("a").longs(List.of()).ints(List.copyOf(PostgresFixture.ALL)).with(9);
        query.name("b").with(1L).with(Integer.MAX_VALUE);
        query.run();
      }
      Future<Boolean> done = other.submit(() -> step(a, statement, key));
      PostgresFixture.until(() -> done.isDone() || waits());
      b.commit();
      return done.get();
    }
  }

  private boolean waits() {
    try {
      return PostgresFixture.somebodyWaits(server);
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  private boolean step(Connection connection, String statement) throws SQLException {
    return step(connection, statement, KEY);
  }

  private boolean step(Connection connection, String statement, String key) throws SQLException {
    try (PostgresQuery query = new PostgresQuery(connection, statement)) {
      query.with(0L).with(RecordId.of(key, 64).partition()).name(key);
      query.name(old.holder()).with(old.number()).with(Long.MAX_VALUE);
      query.name("late").with(new byte[1]);
      try (var row = query.rows()) {
        return row.next();
      }
    }
  }

  @Test
  void whatSeveralStepsAndParkingWriteIsFencedInTheSameWay() throws Exception {
    for (boolean park : new boolean[] {false, true}) {
      String key = "r/park-" + park;
      Edit.Held guard = PostgresFixture.held(store, "c" + park, key);
      try (Connection b = server.getConnection()) {
        b.setAutoCommit(false);
        PostgresFixture.execute(
            b,
            "UPDATE %s.record SET holder = 'b' WHERE grant_number = %d"
                .formatted(sql.schema, guard.grant().number()));
        Edit last = park ? SqliteFixture.queue(key, java.time.Instant.EPOCH) : row(key, "y");
        var change = SqliteFixture.change(guard, row(key, "x"), last);
        var outcome = other.submit(() -> store.apply(List.of(change)).get(0));
        PostgresFixture.until(this::waits);
        b.commit();
        assertThat(outcome.get()).isInstanceOf(dev.troupe.state.Outcome.Refused.class);
        assertThat(read(store, key).get(0).rows()).isEmpty();
      }
    }
  }

  private static Edit.Row row(String key, String name) {
    return SqliteFixture.row(key, name, "v");
  }
}
