package dev.troupe.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.Find;
import dev.troupe.state.Outcome;
import dev.troupe.state.RecordId;
import dev.troupe.state.Scan;
import dev.troupe.state.StateStore;
import dev.troupe.testkit.PostgresServer;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What the server does among a hundred thousand parked records. */
@Timeout(120)
class PostgresPlanTest {
  private static final int PARKED = 100_000;

  /** Lines that every store has from its first day, so that its tables are never small. */
  private static final int FILLERS = 80;

  private final DataSource server = PostgresServer.shared().dataSource();
  private final PostgresFixture fixture = new PostgresFixture();
  private final PostgresSql sql = new PostgresSql(PostgresSchema.quoted(fixture.schema), true);

  private void park() throws SQLException {
    PostgresFixture.execute(
        server,
        """
        INSERT INTO %1$s.record (id, partition, key, version, mail, last_change, created, place,
          ready, queue, priority, due, wake, tags, counters, value)
        SELECT n, -n %% 64, convert_to('run-' || n, 'UTF8'), 1, 0, '', n, 1, true, 'work', -n %% 3,
          253370764800000, 1, '', '', ''
        FROM generate_series(-%2$d, -1) n
        """
            .formatted(sql.schema, PARKED));
  }

  private void analyze(String table) throws SQLException {
    PostgresFixture.execute(server, "ANALYZE %s.%s".formatted(sql.schema, table));
  }

  @Test
  void anIdlePollReadsOneIndexAndNoTable() throws Exception {
    fixture.builder().open().close();
    park();
    analyze("record");
    for (String text : List.of(sql.dueAnywhere, sql.dueSomewhere)) {
      String plan = plan(text);
      assertThat(plan)
          .contains("Index Only Scan using record_ready")
          .doesNotContain("Seq Scan on record");
      assertThat(buffers(plan)).as("pages read\n" + plan).isLessThan(100);
    }
  }

  /** Counted over many calls, because the server plans anew, without values, after a few. */
  @Test
  void noCallReadsAllRecords() throws Exception {
    int calls = 30;
    fixture.builder().open().close();
    park();
    analyze("record");
    // its sessions tell what they have counted when they end
    try (StateStore store = fixture.builder().open()) {
      tagAll();
      analyze("record_tag");
      callAll(store, 0, calls);
    }
    PostgresFixture.until(() -> statistics("idx_scan") >= 10 * calls);
    assertThat(statistics("seq_tup_read")).as("by reading all").isEqualTo(2 * (PARKED + FILLERS));
    assertThat(statistics("idx_tup_fetch")).as("records fetched").isLessThan(200 * calls);
  }

  /** A plan lives as long as a session, and nobody may have analyzed the tables since. */
  @Test
  void plansMadeWhileTheTablesWereSmallServeWhenTheyHaveGrown() throws Exception {
    int calls = 30;
    try (StateStore store = fixture.builder().open()) {
      for (String table : List.of("record", "record_row", "record_mail", "record_tag")) {
        PostgresFixture.execute(server, "VACUUM ANALYZE %s.%s".formatted(sql.schema, table));
      }
      callAll(store, 0, calls);
      park();
      tagAll();
      callAll(store, calls, calls);
    }
    PostgresFixture.until(() -> statistics("idx_scan") >= 20 * calls);
    long own = 2L * (PARKED + FILLERS + calls);
    assertThat(statistics("seq_tup_read")).as("by reading all").isLessThan(own + 200);
  }

  /** Otherwise the server plans each flush anew, because each has another length. */
  @Test
  void flushesOfAnyLengthShareAPlan() throws Exception {
    try (PostgresConnections one = new PostgresConnections(server, 1, Duration.ofSeconds(5));
        StateStore store = fixture.builder(one).open()) {
      List<Edit.Held> held = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        held.add(PostgresFixture.held(store, "me", "r/" + i));
      }
      for (int i = 0; i < 40; i++) {
        List<Change> flush = new ArrayList<>();
        for (Edit.Held run : held.subList(0, 2 + i % 4)) {
          Edit row = SqliteFixture.row(run.key(), "row" + i, "v");
          int partition = RecordId.of(run.key(), 64).partition();
          flush.add(new Change("c" + i, partition, List.of(run, row)));
        }
        assertThat(store.apply(flush)).allMatch(outcome -> outcome instanceof Outcome.Done);
      }
      String asked =
          "SELECT %s FROM pg_prepared_statements WHERE statement LIKE '%%guarded%%unnest%%'";
      assertThat(PostgresFixture.number(one, asked.formatted("sum(generic_plans)")))
          .isGreaterThanOrEqualTo(25);
      assertThat(PostgresFixture.number(one, asked.formatted("sum(custom_plans)")))
          .isLessThanOrEqualTo(5);
    }
  }

  private void tagAll() throws SQLException {
    PostgresFixture.execute(
        server,
        """
        INSERT INTO %1$s.record_tag SELECT '\\x%2$s', created, id FROM %1$s.record;
        INSERT INTO %1$s.record_tag SELECT '\\x%3$s', created, id FROM %1$s.record
        """
            .formatted(sql.schema, tag("kind"), tag("agent")));
    // this has read all records twice, which the server tells some time later
    PostgresFixture.until(() -> statistics("seq_tup_read") >= 2 * PARKED);
  }

  private static void callAll(StateStore store, int first, int calls) {
    for (int i = first; i < first + calls; i++) {
      String key = "r/" + i;
      assertThat(SqliteFixture.claimDue(store, 10)).isEmpty();
      Edit.Held held = PostgresFixture.held(store, "me", key);
      SqliteFixture.done(store, held, SqliteFixture.row(key, "x", "y"));
      SqliteFixture.done(
          store, held, SqliteFixture.row(key, "x", "y"), SqliteFixture.row(key, "z", "y"));
      SqliteFixture.done(store, held, new Edit.Mail(key, "m", new byte[1], true));
      assertThat(PostgresFixture.takeOver(store, "me")).hasSize(1);
      assertThat(SqliteFixture.read(store, key)).hasSize(1);
      Map<String, String> tags = Map.of("kind", "run", "agent", "run");
      store.find(new Find(tags, null, null, null, 3));
      store.find(Find.tagged("kind", "run", 3));
      store.find(new Find(Map.of(), null, null, null, 3));
      store.scan(new Scan.Records(i % 64, "", null, true, 3));
    }
  }

  private static String tag(String name) {
    return HexFormat.of().formatHex(PostgresPairs.tag(name, "run"));
  }

  /** What the server has counted of the table so far, some time after it happened. */
  private long statistics(String column) {
    try {
      return PostgresFixture.number(
          server,
          "SELECT %s FROM pg_stat_user_tables WHERE schemaname = '%s' AND relname = 'record'"
              .formatted(column, fixture.schema));
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  private String plan(String text) throws SQLException {
    StringBuilder plan = new StringBuilder();
    try (Connection connection = server.getConnection();
        PostgresQuery query = new PostgresQuery(connection, "EXPLAIN (ANALYZE, BUFFERS) " + text)) {
      query.with(0L).names(List.of("work", "other")).array(new int[] {1, 2, 3}).with(26);
      query.array(new int[] {3}).names(List.of("work", "other")).with(10);
      query.name("me").with(1L).with(1 << 20);
      try (ResultSet row = query.rows()) {
        while (row.next()) {
          plan.append(row.getString(1)).append('\n');
        }
      }
    }
    return plan.toString();
  }

  /** The pages that the whole plan touched: the first line of its kind is the sum. */
  private static long buffers(String plan) {
    var hit = java.util.regex.Pattern.compile("shared hit=(\\d+)").matcher(plan);
    return hit.find() ? Long.parseLong(hit.group(1)) : 0;
  }
}
