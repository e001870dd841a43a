package dev.troupe.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.state.Edit;
import dev.troupe.state.Find;
import dev.troupe.state.Scan;
import dev.troupe.state.StateStore;
import dev.troupe.testkit.PostgresServer;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
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
        FROM generate_series(-%2$d, -1) n;
        ANALYZE %1$s.record
        """
            .formatted(sql.schema, PARKED));
  }

  @Test
  void anIdlePollReadsOneIndexAndNoTable() throws Exception {
    fixture.builder().open().close();
    park();
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
    long calls = 30;
    fixture.builder().open().close();
    park();
    // its sessions tell what they have counted when they end
    try (StateStore store = fixture.builder().open()) {
      PostgresFixture.execute(
          server,
          """
          INSERT INTO %1$s.record_tag SELECT '\\x%2$s', created, id FROM %1$s.record;
          INSERT INTO %1$s.record_tag SELECT '\\x%3$s', created, id FROM %1$s.record;
          ANALYZE %1$s.record_tag
          """
              .formatted(sql.schema, tag("kind"), tag("agent")));
      // the lines above have read all records twice, which the server tells some time later
      PostgresFixture.until(() -> statistics("seq_tup_read") >= 2 * PARKED);
      for (int i = 0; i < calls; i++) {
        String key = "r/" + i;
        assertThat(SqliteFixture.claimDue(store, 10)).isEmpty();
        Edit.Held held = PostgresFixture.held(store, "me", key);
        SqliteFixture.done(store, held, SqliteFixture.row(key, "x", "y"));
        SqliteFixture.done(store, held, new Edit.Mail(key, "m", new byte[1], true));
        assertThat(PostgresFixture.takeOver(store, "me")).hasSize(1);
        assertThat(SqliteFixture.read(store, key)).hasSize(1);
        Map<String, String> tags = Map.of("kind", "run", "agent", "run");
        assertThat(store.find(new Find(tags, null, null, null, 3)).items()).hasSize(3);
        assertThat(store.find(Find.tagged("kind", "run", 3)).items()).hasSize(3);
        assertThat(store.find(new Find(Map.of(), null, null, null, 3)).items()).hasSize(3);
        Scan page = new Scan.Records(i, "", null, true, 3);
        assertThat(store.scan(page).items()).hasSize(3);
      }
    }
    PostgresFixture.until(() -> statistics("idx_scan") >= 10 * calls);
    assertThat(statistics("seq_tup_read")).as("by reading all").isEqualTo(2 * PARKED);
    assertThat(statistics("idx_tup_fetch")).as("records fetched").isLessThan(200 * calls);
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
