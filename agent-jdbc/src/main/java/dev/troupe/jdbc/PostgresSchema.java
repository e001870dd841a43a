package dev.troupe.jdbc;

import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.sql.DataSource;

/** The tables: made by numbered steps, each of which a schema goes through once. */
final class PostgresSchema {
  /** The format of the tables that this code reads and writes. */
  static final int FORMAT = 1;

  private static final List<String> STEPS = List.of("001-tables.sql");
  private static final String MIGRATIONS =
      "CREATE TABLE IF NOT EXISTS %s.migration (number integer PRIMARY KEY, name text NOT NULL,"
          + " applied timestamptz NOT NULL DEFAULT now())";

  private PostgresSchema() {}

  /** Quotes the name of a schema, after looking that it can be one. */
  static String quoted(String schema) {
    int bytes = schema.getBytes(StandardCharsets.UTF_8).length;
    if (bytes < 1 || bytes > 63 || schema.indexOf('\0') >= 0 || schema.startsWith("pg_")) {
      throw new IllegalArgumentException(
          "a schema's name has 1 to 63 bytes and does not begin with pg_: " + schema);
    }
    return '"' + schema.replace("\"", "\"\"") + '"';
  }

  /** The first number of the locks of a store, which others in the database do not use. */
  static int lockClass(String schema) {
    return schema.hashCode() ^ 0x54727065;
  }

  /** What creates the tables from nothing. */
  static String ddl(String schema, int partitions) {
    String name = quoted(schema);
    StringBuilder all = new StringBuilder("BEGIN;\n\n");
    all.append("CREATE SCHEMA IF NOT EXISTS ").append(name).append(";\n");
    all.append(MIGRATIONS.formatted(name)).append(";\n\n");
    for (int i = 0; i < STEPS.size(); i++) {
      all.append(step(i, name, partitions)).append('\n');
      all.append(record(i, name)).append(";\n\n");
    }
    return all.append("COMMIT;\n").toString();
  }

  private static String step(int index, String name, int partitions) {
    return PostgresSql.resource(STEPS.get(index))
        .replace("{partitions}", "" + partitions)
        .replace("{schema}", name);
  }

  private static String record(int index, String name) {
    return "INSERT INTO %s.migration (number, name) VALUES (%d, '%s')"
        .formatted(name, index + 1, STEPS.get(index));
  }

  /** Takes the schema through the steps that it has not gone through; others wait meanwhile. */
  static void migrate(DataSource source, String schema, int partitions) throws SQLException {
    try (Connection connection = source.getConnection()) {
      boolean autoCommit = connection.getAutoCommit();
      connection.setAutoCommit(false);
      try {
        migrate(connection, schema, partitions);
        connection.commit();
      } catch (SQLException | RuntimeException | Error e) {
        if (!connection.isClosed()) {
          connection.rollback();
        }
        throw e;
      } finally {
        if (!connection.isClosed()) {
          connection.setAutoCommit(autoCommit);
        }
      }
    }
  }

  private static void migrate(Connection connection, String schema, int partitions)
      throws SQLException {
    String name = quoted(schema);
    try (PreparedStatement lock =
        connection.prepareStatement("SELECT pg_advisory_xact_lock(?, -1)")) {
      lock.setInt(1, lockClass(schema));
      lock.execute();
    }
    try (Statement statement = connection.createStatement()) {
      statement.setEscapeProcessing(false);
      if (!exists(connection, schema)) {
        // asked first, because who may not create schemas may be given one
        statement.execute("CREATE SCHEMA IF NOT EXISTS " + name);
      }
      statement.execute(MIGRATIONS.formatted(name));
      int done;
      try (ResultSet row =
          statement.executeQuery("SELECT count(*) FROM %s.migration".formatted(name))) {
        done = row.next() ? row.getInt(1) : 0;
      }
      for (int i = done; i < STEPS.size(); i++) {
        statement.execute(step(i, name, partitions));
        statement.execute(record(i, name));
      }
    }
  }

  private static boolean exists(Connection connection, String schema) throws SQLException {
    try (PreparedStatement query =
        connection.prepareStatement("SELECT 1 FROM pg_namespace WHERE nspname = ?")) {
      query.setString(1, schema);
      try (ResultSet row = query.executeQuery()) {
        return row.next();
      }
    }
  }

  /** What is known of a store that fits. */
  record Opened(long time, boolean durable) {}

  /** Refuses what is not there or does not fit. */
  static Opened check(DataSource source, String schema, int partitions) throws SQLException {
    String store = "store " + schema;
    try (Connection connection = source.getConnection();
        PreparedStatement query =
            connection.prepareStatement(
                "SELECT name, value, current_setting('fsync') = 'on'"
                    + " AND current_setting('synchronous_commit') <> 'off' FROM "
                    + quoted(schema)
                    + ".meta")) {
      Map<String, Long> meta = new HashMap<>();
      boolean durable = false;
      try (ResultSet row = query.executeQuery()) {
        while (row.next()) {
          meta.put(row.getString(1), row.getLong(2));
          durable = row.getBoolean(3);
        }
      } finally {
        if (!connection.getAutoCommit()) {
          connection.rollback();
        }
      }
      long format = meta.getOrDefault("format", 0L);
      if (format != FORMAT) {
        throw PostgresErrors.mismatch(
            store,
            ("has format %d, this version of Troupe reads format %d;"
                    + " use the version that wrote it or a newer one")
                .formatted(format, FORMAT));
      }
      long present = meta.getOrDefault("partitions", 0L);
      if (present != partitions) {
        throw PostgresErrors.mismatch(
            store,
            ("was made with %d partitions and is opened with %d; open it with %d,"
                    + " their number never changes")
                .formatted(present, partitions, present));
      }
      return new Opened(meta.getOrDefault("time", 0L), durable);
    } catch (SQLException e) {
      String state = e.getSQLState();
      if ("42P01".equals(state) || "3F000".equals(state)) {
        throw PostgresErrors.mismatch(
            store,
            "has no tables; run PostgresStateStore.migrate(dataSource), open it with"
                + " builder.migrate(true), or run the SQL that PostgresStateStore.ddl(schema)"
                + " gives");
      }
      throw e;
    }
  }
}
