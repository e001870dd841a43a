package dev.troupe.jdbc;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * The file before anything is done with it: is it ours, does it fit, or does it have to be made.
 */
final class SqliteFile {
  /** "Trpe": stands in the header of every file of ours, where {@code file} shows it too. */
  static final int APPLICATION = 0x54727065;

  /** The newest schema that this code knows. */
  static final int SCHEMA = 1;

  private static final byte[] MAGIC = "SQLite format 3\0".getBytes(StandardCharsets.US_ASCII);
  private static final int HEADER = 100;
  private static final int APPLICATION_AT = 68;

  private SqliteFile() {}

  /** The one name of the file, whatever links led to it; makes its folder. */
  static Path real(Path file) {
    try {
      Path absolute = file.toAbsolutePath();
      if (Files.exists(absolute)) {
        return absolute.toRealPath();
      }
      Path folder = absolute.getParent();
      Path name = absolute.getFileName();
      if (folder == null || name == null) {
        throw new IOException("a folder");
      }
      Files.createDirectories(folder);
      return folder.toRealPath().resolve(name);
    } catch (IOException e) {
      throw unavailable(file, "has no folder that could be made", e);
    }
  }

  /** Makes the file if it is not there; refuses, untouched, a file that is not ours. */
  static void prepare(Path file, int partitions) throws SQLException {
    try {
      if (Files.exists(file) && Files.size(file) > 0) {
        checkHeader(file);
      } else {
        create(file, partitions);
      }
    } catch (IOException e) {
      throw unavailable(file, "can't be read or made", e);
    }
  }

  private static void checkHeader(Path file) throws IOException {
    byte[] header;
    try (InputStream in = Files.newInputStream(file)) {
      header = in.readNBytes(HEADER);
    }
    boolean sqlite =
        header.length == HEADER && Arrays.equals(header, 0, MAGIC.length, MAGIC, 0, MAGIC.length);
    if (!sqlite) {
      throw SqliteErrors.mismatch(file, "is no SQLite database; it was not touched; name another");
    }
    int application = ByteBuffer.wrap(header).getInt(APPLICATION_AT);
    if (application != APPLICATION) {
      throw SqliteErrors.mismatch(
          file,
          ("is a database of something else (application id 0x%08x, ours is 0x%08x);"
                  + " it was not touched; name another")
              .formatted(application, APPLICATION));
    }
  }

  /** Makes the file under another name first, so that it is never there by half. */
  private static void create(Path file, int partitions) throws IOException, SQLException {
    Path log = file.resolveSibling(file.getFileName() + "-wal");
    if (Files.exists(log) && Files.size(log) > 0) {
      throw SqliteErrors.mismatch(
          file,
          "is gone but its log %s is there; bring the file back".formatted(log.getFileName()));
    }
    Path made = file.resolveSibling(file.getFileName() + ".new");
    Files.deleteIfExists(made);
    Files.deleteIfExists(made.resolveSibling(made.getFileName() + "-journal"));
    try (Connection connection = SqliteSession.connect(made);
        Statement statement = connection.createStatement()) {
      statement.execute("PRAGMA synchronous = FULL");
      statement.execute("PRAGMA application_id = " + APPLICATION);
      statement.executeUpdate(
          "BEGIN;"
              + schema()
              + ("INSERT INTO meta (name, value)"
                      + " VALUES ('schema', %d), ('partitions', %d), ('time', 0);")
                  .formatted(SCHEMA, partitions)
              + "COMMIT;");
    } catch (SQLException e) {
      Files.deleteIfExists(made);
      Files.deleteIfExists(made.resolveSibling(made.getFileName() + "-journal"));
      throw e;
    }
    Files.move(made, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    sync(file.resolveSibling("."));
  }

  /** Makes the new name survive a loss of power; systems without such a thing need none. */
  private static void sync(Path folder) {
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    } catch (IOException e) {
      return;
    }
  }

  private static String schema() throws IOException {
    try (InputStream in = SqliteFile.class.getResourceAsStream("sqlite-schema.sql")) {
      if (in == null) {
        throw new IllegalStateException("sqlite-schema.sql is missing from the jar");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  /** Refuses what does not fit; answers the highest time that may have been shown. */
  static long check(Path file, SqliteSession session, int partitions) throws SQLException {
    Map<String, Long> meta = new HashMap<>();
    try (Statement statement = session.connection().createStatement();
        ResultSet found = statement.executeQuery("SELECT name, value FROM meta")) {
      while (found.next()) {
        meta.put(found.getString(1), found.getLong(2));
      }
    }
    long schema = meta.getOrDefault("schema", 0L);
    if (schema != SCHEMA) {
      throw SqliteErrors.mismatch(
          file,
          ("has schema %d, this version of Troupe reads schema %d;"
                  + " use the version that wrote it or a newer one")
              .formatted(schema, SCHEMA));
    }
    long present = meta.getOrDefault("partitions", 0L);
    if (present != partitions) {
      throw SqliteErrors.mismatch(
          file,
          ("was made with %d partitions and is opened with %d; open it with %d,"
                  + " their number never changes")
              .formatted(present, partitions, present));
    }
    return meta.getOrDefault("time", 0L);
  }

  private static AgentException unavailable(Path file, String why, IOException e) {
    return new AgentException(
        ErrorCode.STORE_UNAVAILABLE,
        "store %s %s: %s; see to the folder and its rights".formatted(file.getFileName(), why, e),
        e);
  }
}
