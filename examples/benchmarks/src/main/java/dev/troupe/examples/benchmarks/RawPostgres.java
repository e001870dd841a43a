package dev.troupe.examples.benchmarks;

import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;

/** The floor: one auto-committed statement a step, a connection a run. */
final class RawPostgres implements Floor {
  private final String url;
  private final byte[] row;

  RawPostgres(String url, byte[] row) throws SQLException {
    this.url = url;
    this.row = row;
    try (Connection connection = DriverManager.getConnection(url);
        Statement setup = connection.createStatement()) {
      setup.execute(
          "create table floor (record bigint not null, name bytea not null, value bytea not null,"
              + " primary key (record, name))");
    }
  }

  @Override
  public Writer writer(long run) throws SQLException {
    Connection connection = DriverManager.getConnection(url);
    PreparedStatement insert =
        connection.prepareStatement("insert into floor (record, name, value) values (?, ?, ?)");
    return new Writer() {
      @Override
      public void write(int step) throws SQLException {
        insert.setLong(1, run);
        insert.setBytes(2, ("step#" + step).getBytes(StandardCharsets.UTF_8));
        insert.setBytes(3, row);
        insert.executeUpdate();
      }

      @Override
      public void close() {
        try {
          connection.close();
        } catch (SQLException e) {
          throw new IllegalStateException(e);
        }
      }
    };
  }

  @Override
  public void close() {}
}
