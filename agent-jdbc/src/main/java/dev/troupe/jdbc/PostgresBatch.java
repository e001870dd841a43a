package dev.troupe.jdbc;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/**
 * Statements of {@code write.sql} that go to the server in one request, with the COMMIT behind
 * them: the driver sends the parts of such a text without waiting in between.
 */
final class PostgresBatch {
  private final List<String> sections = new ArrayList<>();
  private final List<Object> parameters = new ArrayList<>();

  void add(String section) {
    sections.add(section);
  }

  void array(Object array) {
    parameters.add(array);
  }

  void number(int number) {
    parameters.add(number);
  }

  void send(PostgresSession session) throws SQLException {
    StringBuilder text = new StringBuilder();
    for (String section : sections) {
      text.append(session.sql().write(section)).append(";\n");
    }
    try (PostgresQuery query = session.query(text.append("COMMIT").toString())) {
      for (Object parameter : parameters) {
        if (parameter instanceof Integer number) {
          query.with(number.intValue());
        } else {
          query.array(parameter);
        }
      }
      query.run();
    }
    session.committed();
  }
}
