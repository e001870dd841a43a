package dev.troupe.jdbc;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.sql.SQLException;
import java.util.Set;

/**
 * What a failure of PostgreSQL means for the caller. Messages hold the SQL state, never what the
 * server or the driver said: that may hold an address, a user or what was to be stored.
 */
final class PostgresErrors {
  /**
   * Deadlock, serialization failure, and what fails when an expectation of a list does not hold.
   */
  private static final Set<String> CONFLICTS = Set.of("40P01", "40001", "23505", "22012");

  private PostgresErrors() {}

  /** Whether the transaction was undone for others' sake, so that it can be tried again at once. */
  static boolean isConflict(SQLException e) {
    return CONFLICTS.contains(state(e));
  }

  private static String state(SQLException e) {
    String state = e.getSQLState();
    return state == null ? "unknown" : state;
  }

  static AgentException of(String store, SQLException e) {
    String state = state(e);
    if (state.equals("53100")) {
      return new AgentException(
          ErrorCode.STORE_FULL,
          store + " has no space left; nothing was written; free some and try again",
          e);
    }
    if (state.equals("42P01") || state.equals("3F000") || state.equals("42703")) {
      return new AgentException(
          ErrorCode.STORE_MISMATCH,
          store + " is not what it was: a table is gone (" + state + ")",
          e);
    }
    return new AgentException(
        ErrorCode.STORE_UNAVAILABLE, "%s %s (%s)".formatted(store, why(state), state), e);
  }

  private static String why(String state) {
    if (state.startsWith("28")) {
      return "was refused by the server; look after user and password, and pg_hba.conf";
    } else if (state.equals("3D000")) {
      return "is in a database that is not there; create it or name another";
    } else if (state.equals("42501")) {
      return "may not be used by this database user; grant it the rights";
    } else if (state.equals("25006")) {
      return "is read-only here; give the address of the primary server";
    } else if (state.equals("53300")) {
      return "got no connection, the server has too many; allow more or use smaller pools";
    } else if (state.equals("57014") || state.equals("55P03")) {
      return "did not answer in time, nothing was changed; try again";
    } else if (state.equals("08001") || state.equals("08004")) {
      return "can't be reached; look after server, address and network, and try again";
    } else if (CONFLICTS.contains(state)) {
      return "could not come to terms with other writers, nothing was changed; try again";
    } else if (state.startsWith("57P") || state.startsWith("08")) {
      return "lost its server, whether the changes were made is unknown; try again";
    }
    return "failed, whether the changes were made is unknown; look into the server's log";
  }

  static AgentException mismatch(String store, String why) {
    return new AgentException(ErrorCode.STORE_MISMATCH, store + " " + why);
  }
}
