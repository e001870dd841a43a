package dev.troupe.jdbc;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One statement with its parameters, which are given in order. Not safe for several threads. */
final class PostgresQuery implements AutoCloseable {
  private final PreparedStatement statement;
  private int last;

  PostgresQuery(Connection connection, String sql) throws SQLException {
    statement = connection.prepareStatement(sql);
  }

  PostgresQuery with(long number) throws SQLException {
    statement.setLong(++last, number);
    return this;
  }

  PostgresQuery with(int number) throws SQLException {
    statement.setInt(++last, number);
    return this;
  }

  PostgresQuery with(byte @Nullable [] bytes) throws SQLException {
    statement.setBytes(++last, bytes);
    return this;
  }

  /** A name in the bytes that stand for it. */
  PostgresQuery name(@Nullable String name) throws SQLException {
    return with(name == null ? null : SqliteNames.encode(name));
  }

  /** An array of primitive numbers, of booleans or of byte arrays, some of which may be null. */
  PostgresQuery array(Object array) throws SQLException {
    statement.setObject(++last, array);
    return this;
  }

  PostgresQuery names(List<String> names) throws SQLException {
    return array(encoded(names));
  }

  PostgresQuery longs(List<Long> numbers) throws SQLException {
    return array(numbers.stream().mapToLong(Long::longValue).toArray());
  }

  PostgresQuery ints(List<Integer> numbers) throws SQLException {
    return array(numbers.stream().mapToInt(Integer::intValue).toArray());
  }

  static byte[][] encoded(List<String> names) {
    byte[][] all = new byte[names.size()][];
    for (int i = 0; i < all.length; i++) {
      all[i] = SqliteNames.encode(names.get(i));
    }
    return all;
  }

  /** The rows; they end with this query. */
  ResultSet rows() throws SQLException {
    return statement.executeQuery();
  }

  /** Runs what shows nothing, or nothing of interest. */
  void run() throws SQLException {
    statement.execute();
  }

  @Override
  public void close() throws SQLException {
    statement.close();
  }
}
