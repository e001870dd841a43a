package dev.troupe.jdbc;

import static dev.troupe.jdbc.SqliteFailureTest.failure;
import static dev.troupe.jdbc.SqliteFixture.done;
import static dev.troupe.jdbc.SqliteFixture.put;
import static dev.troupe.jdbc.SqliteFixture.read;
import static dev.troupe.jdbc.SqliteFixture.row;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.state.Edit;
import dev.troupe.state.StoreInfo;
import dev.troupe.testkit.PostgresServer;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Making the tables, and what is said when they, or the server, do not fit. */
@Timeout(60)
class PostgresSchemaTest {
  private final PostgresServer server = PostgresServer.shared();
  private final PostgresFixture fixture = new PostgresFixture();

  @Test
  void severalProcessesMayMigrateAtOnceAndAgain() throws Exception {
    DataSource source = server.dataSource(server.freshDatabase());
    ExecutorService threads = Executors.newFixedThreadPool(8);
    CountDownLatch ready = new CountDownLatch(8);
    List<Future<?>> all = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      all.add(
          threads.submit(
              () -> {
                ready.countDown();
                ready.await();
                PostgresStateStore.migrate(source);
                return null;
              }));
    }
    for (Future<?> one : all) {
      one.get();
    }
    threads.shutdown();
    PostgresStateStore.migrate(source);
    assertThat(PostgresFixture.number(source, "SELECT count(*) FROM troupe.migration"))
        .isEqualTo(1);
    try (PostgresStateStore store = PostgresStateStore.open(source)) {
      done(store, put("r", "v"));
    }
  }

  @Test
  void aDatabaseWithoutTablesIsRefusedAndTheMessageSaysWhatToRun() {
    AgentException refused = failure(() -> fixture.builder().migrate(false).open());
    assertThat(refused.code()).isEqualTo(ErrorCode.STORE_MISMATCH);
    assertThat(refused)
        .hasMessageContaining("store " + fixture.schema + " has no tables")
        .hasMessageContaining("PostgresStateStore.migrate(dataSource)")
        .hasMessageContaining("builder.migrate(true)")
        .hasMessageContaining("PostgresStateStore.ddl(schema)");
  }

  @Test
  void thePrintedSqlMakesWhatOpensAndMigratesNoFurther() throws Exception {
    PostgresFixture.execute(server.dataSource(), PostgresStateStore.ddl(fixture.schema));
    try (PostgresStateStore store = fixture.builder().migrate(false).open()) {
      done(store, put("r", "v"));
    }
    try (PostgresStateStore store = fixture.builder().migrate(true).open()) {
      assertThat(read(store, "r")).hasSize(1);
    }
  }

  @Test
  void anotherNumberOfPartitionsOrAnotherFormatIsRefusedNamingBoth() throws Exception {
    fixture.builder().open().close();
    AgentException refused = failure(() -> fixture.builder().partitions(16).open());
    assertThat(refused.code()).isEqualTo(ErrorCode.STORE_MISMATCH);
    assertThat(refused).hasMessageContaining("64 partitions").hasMessageContaining("with 16");
    String newer = "UPDATE %s.meta SET value = 9 WHERE name = 'format'".formatted(fixture.schema);
    PostgresFixture.execute(server.dataSource(), newer);
    refused = failure(() -> fixture.builder().open());
    assertThat(refused.code()).isEqualTo(ErrorCode.STORE_MISMATCH);
    assertThat(refused).hasMessageContaining("format 9").hasMessageContaining("format 1");
  }

  @Test
  void anyNameOfASchemaWillDoAndTwoStoresOfADatabaseDoNotSeeEachOther() {
    String odd = "We\"ird; ?{d 'x'} -- \u00e9\\ $1 %s";
    try (PostgresStateStore one = fixture.builder().schema(odd).open();
        PostgresStateStore two = fixture.builder().schema(odd + "2").open()) {
      Edit.Held held = PostgresFixture.held(one, "me", "r/a");
      for (int i = 0; i < 9; i++) {
        done(one, held, row("r/a", "x" + i, "y"));
      }
      done(one, put("r/b", "v"), new Edit.Mail("r/a", "m", new byte[1], true));
      assertThat(read(one, "r/a").get(0).rows()).hasSize(9);
      assertThat(PostgresFixture.takeOver(one, "me")).hasSize(1);
      assertThat(read(two, "r/a")).isEmpty();
    }
    for (String bad : List.of("", "pg_mine", "x".repeat(64), "a\0b")) {
      assertThatThrownBy(() -> fixture.builder().schema(bad))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void aWrongPasswordIsSaidWithoutShowingAny() {
    String wrong = "wrong-secret";
    AgentException refused =
        failure(() -> PostgresStateStore.connect(server.url(), PostgresServer.USER, wrong));
    assertThat(refused.code()).isEqualTo(ErrorCode.STORE_UNAVAILABLE);
    assertThat(refused).hasMessageContaining("user and password");
    assertThat(trace(refused)).doesNotContain(wrong).doesNotContain(server.password());
    AgentException noUrl =
        failure(() -> PostgresStateStore.connect("postgres://u:" + wrong + "@h/d", "u", wrong));
    assertThat(noUrl.code()).isEqualTo(ErrorCode.INVALID_INPUT);
    assertThat(trace(noUrl)).doesNotContain(wrong);
  }

  private static String trace(Throwable failure) {
    StringWriter text = new StringWriter();
    failure.printStackTrace(new PrintWriter(text, true));
    return text.toString();
  }

  @Test
  void aServerThatIsNotThereOrHasNoSuchDatabaseOrNoRoomIsSaid() throws Exception {
    AgentException nowhere =
        failure(() -> PostgresStateStore.connect("jdbc:postgresql://127.0.0.1:1/x", "u", "p"));
    assertThat(nowhere.code()).isEqualTo(ErrorCode.STORE_UNAVAILABLE);
    assertThat(nowhere).hasMessageContaining("can't be reached").hasMessageContaining("08001");
    DataSource none = server.dataSource("no_such_database");
    assertThat(failure(() -> PostgresStateStore.open(none)))
        .hasMessageContaining("create it or name another");
    PostgresFixture.execute(
        server.dataSource(), "CREATE ROLE crowded LOGIN PASSWORD 'p' CONNECTION LIMIT 0");
    AgentException full = failure(() -> PostgresStateStore.connect(server.url(), "crowded", "p"));
    assertThat(full.code()).isEqualTo(ErrorCode.STORE_UNAVAILABLE);
    assertThat(full).hasMessageContaining("too many");
  }

  @Test
  void aUserWithoutRightsIsToldSoAndOneWithTablesOnlyCanWork() throws Exception {
    DataSource source = server.dataSource();
    fixture.builder().open().close();
    PostgresFixture.execute(source, "CREATE ROLE worker LOGIN PASSWORD 'p'");
    assertThat(failure(() -> as("worker").open())).hasMessageContaining("grant it the rights");
    PostgresFixture.execute(
        source,
        """
        GRANT USAGE ON SCHEMA %1$s TO worker;
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %1$s TO worker;
        GRANT USAGE ON ALL SEQUENCES IN SCHEMA %1$s TO worker
        """
            .formatted(fixture.schema));
    try (PostgresStateStore store = as("worker").open()) {
      Edit.Held held = PostgresFixture.held(store, "me", "r/a");
      done(store, held, row("r/a", "x", "y"), new Edit.Delete("r/a"));
    }
  }

  private PostgresStateStore.Builder as(String user) {
    return PostgresStateStore.builder(server.url(), user, "p").schema(fixture.schema);
  }

  @Test
  void whatSurvivesIsReadFromTheServer() throws Exception {
    try (PostgresStateStore store = fixture.builder().open()) {
      assertThat(store.info().survives()).as("fsync=off").isEqualTo(StoreInfo.Durability.PROCESS);
      assertThat(store.info().sharing()).isEqualTo(StoreInfo.Sharing.FLEET);
    }
  }
}
