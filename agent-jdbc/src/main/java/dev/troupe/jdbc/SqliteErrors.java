package dev.troupe.jdbc;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.nio.file.Path;
import java.sql.SQLException;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/** What a failure of SQLite means for the caller. */
final class SqliteErrors {
  private SqliteErrors() {}

  static AgentException of(Path file, SQLException e) {
    String store = "store " + file.getFileName();
    SQLiteErrorCode result =
        e instanceof SQLiteException lite
            ? lite.getResultCode()
            : SQLiteErrorCode.getErrorCode(e.getErrorCode());
    // the low byte is the kind, the rest of an extended code says where it happened
    return switch (SQLiteErrorCode.getErrorCode(result.code & 0xFF)) {
      case SQLITE_FULL ->
          new AgentException(
              ErrorCode.STORE_FULL,
              store + " has no space left; nothing was written; free some and try again",
              e);
      case SQLITE_READONLY, SQLITE_CANTOPEN, SQLITE_PERM, SQLITE_AUTH ->
          new AgentException(
              ErrorCode.STORE_UNAVAILABLE,
              "%s can't be written (%s); make the file and its folder writable for this user"
                  .formatted(store, result),
              e);
      case SQLITE_CORRUPT, SQLITE_NOTADB ->
          new AgentException(
              ErrorCode.STORE_MISMATCH,
              ("%s is damaged or no SQLite database (%s);"
                      + " bring it back from a backup, or name another file")
                  .formatted(store, result),
              e);
      case SQLITE_BUSY, SQLITE_LOCKED ->
          new AgentException(
              ErrorCode.STORE_UNAVAILABLE,
              store + " is locked by another program, such as a database browser; close that",
              e);
      default ->
          new AgentException(
              ErrorCode.STORE_UNAVAILABLE,
              ("%s failed (%s), whether the changes were made is unknown;"
                      + " look after its disk and try again")
                  .formatted(store, result),
              e);
    };
  }

  static AgentException mismatch(Path file, String why) {
    return new AgentException(ErrorCode.STORE_MISMATCH, "store " + file.getFileName() + " " + why);
  }
}
