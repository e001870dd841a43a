package dev.troupe.jdbc;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.SQLException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The write-ahead log that a crash left. SQLite drops an incomplete last transaction by itself and
 * says nothing; this says it once.
 *
 * @see <a href="https://www.sqlite.org/fileformat2.html#walformat">The format of the log</a>
 */
final class SqliteLog {
  private static final Logger LOG = LoggerFactory.getLogger(SqliteStateStore.class);
  private static final int FILE_HEADER = 32;
  private static final int FRAME_HEADER = 24;
  private static final int PAGE_SIZE_AT = 8;
  private static final int FILE_SALT_AT = 16;
  private static final int FRAME_SALT_AT = 8;

  private final long size;
  private final int pageSize;
  private final long lastOfSalt;

  private SqliteLog(long size, int pageSize, long lastOfSalt) {
    this.size = size;
    this.pageSize = pageSize;
    this.lastOfSalt = lastOfSalt;
  }

  /** Looks at the log before SQLite does. */
  static SqliteLog of(Path file) {
    Path log = file.resolveSibling(file.getFileName() + "-wal");
    if (!Files.exists(log)) {
      return new SqliteLog(0, 0, 0);
    }
    try (FileChannel channel = FileChannel.open(log, StandardOpenOption.READ)) {
      ByteBuffer header = ByteBuffer.allocate(FILE_HEADER);
      if (channel.read(header, 0) < FILE_HEADER) {
        return new SqliteLog(channel.size(), 0, 0);
      }
      int pageSize = header.getInt(PAGE_SIZE_AT);
      long salt = header.getLong(FILE_SALT_AT);
      return new SqliteLog(channel.size(), pageSize, end(channel, pageSize, salt));
    } catch (IOException e) {
      return new SqliteLog(0, 0, 0);
    }
  }

  /** Where the frames of the present round end; those of an earlier round may follow. */
  private static long end(FileChannel channel, int pageSize, long salt) throws IOException {
    ByteBuffer frame = ByteBuffer.allocate(FRAME_HEADER);
    long frameSize = (long) FRAME_HEADER + pageSize;
    long at = FILE_HEADER;
    while (pageSize > 0 && at < channel.size()) {
      frame.clear();
      boolean whole = channel.read(frame, at) == FRAME_HEADER;
      if (whole && frame.getLong(FRAME_SALT_AT) != salt) {
        return at;
      }
      at += frameSize;
    }
    return Math.min(at, channel.size());
  }

  /** Says what was dropped, after SQLite has read the log. */
  void report(Path file, SqliteSession session) throws SQLException {
    long dropped = size == 0 ? 0 : dropped(session.framesInLog());
    if (dropped > 0) {
      LOG.warn(
          "store {}: its log ends in {} bytes of a transaction that was never answered; dropped",
          file.getFileName(),
          dropped);
    }
  }

  /** How many bytes of the present round are no part of the frames that SQLite took. */
  long dropped(long frames) {
    long used = Math.min(size, FILE_HEADER) + frames * (FRAME_HEADER + pageSize);
    return Math.max(0, lastOfSalt - used);
  }
}
