package dev.troupe.jdbc;

import static dev.troupe.jdbc.SqliteFixture.done;
import static dev.troupe.jdbc.SqliteFixture.put;
import static dev.troupe.jdbc.SqliteFixture.queue;
import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.state.Claim;
import dev.troupe.state.Edit;
import dev.troupe.state.Grant;
import dev.troupe.state.RecordId;
import dev.troupe.state.StateStore;
import dev.troupe.state.Stored;
import dev.troupe.testkit.PostgresServer;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** A schema of its own in the shared server, for one test, and short words for what is done. */
final class PostgresFixture {
  static final Set<Integer> ALL = IntStream.range(0, 64).boxed().collect(Collectors.toSet());
  private static final AtomicInteger SCHEMAS = new AtomicInteger();
  private static final AtomicLong GRANTS = new AtomicLong();

  final String schema = "s" + SCHEMAS.incrementAndGet();

  PostgresStateStore.Builder builder() {
    return builder(PostgresServer.shared()).schema(schema);
  }

  PostgresStateStore.Builder builder(DataSource source) {
    return PostgresStateStore.builder(source).schema(schema).migrate(true);
  }

  /** A store in the default schema of a server's own database. */
  static PostgresStateStore.Builder builder(PostgresServer server) {
    return PostgresStateStore.builder(server.url(), PostgresServer.USER, server.password())
        .migrate(true);
  }

  static Grant grant(String holder) {
    return new Grant(holder, GRANTS.incrementAndGet());
  }

  /** Creates a record and takes it. */
  static Edit.Held held(StateStore store, String holder, String key) {
    done(store, put(key, "v"), queue(key, Instant.EPOCH));
    Grant grant = grant(holder);
    Claim.From from = new Claim.From.Named(List.of(RecordId.of(key, 64)));
    assertThat(store.claim(new Claim(grant, from, Set.of(), 1, 99))).hasSize(1);
    return new Edit.Held(key, grant);
  }

  static List<Stored> takeOver(StateStore store, String holder) {
    Claim.From from = new Claim.From.HeldBy(holder, Set.of());
    return store.claim(new Claim(grant("heir"), from, ALL, 100, Integer.MAX_VALUE));
  }

  /** Asks a number of the server. */
  static long number(DataSource source, String sql) throws SQLException {
    try (Connection connection = source.getConnection();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(sql)) {
      assertThat(row.next()).isTrue();
      return row.getLong(1);
    }
  }

  static void execute(DataSource source, String sql) throws SQLException {
    try (Connection connection = source.getConnection()) {
      execute(connection, sql);
    }
  }

  static void execute(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  /** Whether somebody waits for a lock; no test runs beside another. */
  static boolean somebodyWaits(DataSource source) throws SQLException {
    return number(source, "SELECT count(*) FROM pg_locks WHERE NOT granted") > 0;
  }

  /** Waits for it, half a minute at most. */
  static void until(BooleanSupplier condition) {
    long deadline = System.nanoTime() + 30_000_000_000L;
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime() - deadline).as("waited for half a minute").isNegative();
      LockSupport.parkNanos(1_000_000);
    }
  }

  /** A source of one connection, which sees what is sent over it. */
  static final class Single implements AutoCloseable {
    final List<String> sent = new ArrayList<>();
    final Connection connection;
    final AtomicInteger lent = new AtomicInteger();

    Single(DataSource source) throws SQLException {
      connection = source.getConnection();
    }

    DataSource source() {
      return proxy(
          DataSource.class,
          (proxy, method, arguments) -> {
            assertThat(method.getName()).isEqualTo("getConnection");
            assertThat(lent.incrementAndGet()).as("one connection at a time").isEqualTo(1);
            return proxy(Connection.class, this::onConnection);
          });
    }

    private @Nullable Object onConnection(Object proxy, Method method, Object[] arguments)
        throws Throwable {
      if (method.getName().equals("close")) {
        lent.decrementAndGet();
        return null;
      }
      Object answer = invoke(connection, method, arguments);
      if (answer instanceof PreparedStatement statement) {
        String sql = (String) arguments[0];
        return proxy(
            PreparedStatement.class,
            (same, called, with) -> {
              if (called.getName().startsWith("execute")) {
                sent.add(sql);
              }
              return invoke(statement, called, with);
            });
      }
      return answer;
    }

    @Override
    public void close() throws SQLException {
      connection.close();
    }
  }

  static @Nullable Object invoke(Object target, Method method, Object[] arguments)
      throws Throwable {
    try {
      return method.invoke(target, arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }

  static <T> T proxy(Class<T> type, InvocationHandler handler) {
    return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler));
  }
}
