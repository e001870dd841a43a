package dev.troupe.jdbc;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import org.jspecify.annotations.Nullable;

/**
 * The right of this process to a file, as a lock of the system on {@code <file>.lock} that ends
 * with the process however it ends. The lock file says who has it.
 *
 * <p>Such locks belong to the process: closing any channel to a locked file gives the lock up, even
 * one opened only to find out that the file is locked. So whoever opens a file first asks the
 * system properties, the one place that all class loaders of a process share, whether this process
 * has it already.
 */
final class SqliteOwner implements AutoCloseable {
  /** One byte far behind the text, because some systems let nobody read what is locked. */
  private static final long LOCKED = Long.MAX_VALUE - 1;

  private static final String PROPERTY = SqliteStateStore.class.getName() + ":";

  private final String property;
  private final FileChannel channel;

  private SqliteOwner(String property, FileChannel channel) {
    this.property = property;
    this.channel = channel;
  }

  /**
   * Takes the right to a file.
   *
   * @param file the real path, so that every way to name the file leads to the same lock
   */
  static SqliteOwner take(Path file) {
    Path lockFile = file.resolveSibling(file.getFileName() + ".lock");
    ProcessHandle me = ProcessHandle.current();
    String command =
        me.info().command().map(Path::of).map(Path::getFileName).map(Path::toString).orElse("java");
    String owner =
        "process %d (%s), which opened it at %s"
            .formatted(me.pid(), command, Instant.now().truncatedTo(ChronoUnit.SECONDS));
    String property = PROPERTY + file;
    Object present = System.getProperties().putIfAbsent(property, owner);
    if (present != null) {
      throw new AgentException(
          ErrorCode.STORE_IN_USE,
          "store %s is open in this %s; use that one, or close it first"
              .formatted(file.getFileName(), present));
    }
    FileChannel channel = null;
    try {
      channel =
          FileChannel.open(
              lockFile,
              StandardOpenOption.CREATE,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE);
      if (lock(channel) == null) {
        throw new AgentException(
            ErrorCode.STORE_IN_USE,
            "store %s belongs to %s; stop that process, or give this one a file of its own"
                .formatted(file.getFileName(), read(channel)));
      }
      channel.truncate(0);
      channel.write(ByteBuffer.wrap((owner + "\n").getBytes(StandardCharsets.UTF_8)), 0);
      return new SqliteOwner(property, channel);
    } catch (IOException | RuntimeException e) {
      System.getProperties().remove(property);
      if (channel != null) {
        SqliteSession.closeAfter(channel, e);
      }
      if (e instanceof AgentException refused) {
        throw refused;
      }
      throw new AgentException(
          ErrorCode.STORE_UNAVAILABLE,
          "store %s can't be locked: %s; make its folder writable for this user"
              .formatted(file.getFileName(), e),
          e);
    }
  }

  private static @Nullable FileLock lock(FileChannel channel) throws IOException {
    try {
      return channel.tryLock(LOCKED, 1, false);
    } catch (OverlappingFileLockException e) {
      // only when somebody replaced the system properties since
      return null;
    }
  }

  private static String read(FileChannel channel) throws IOException {
    ByteBuffer text = ByteBuffer.allocate(500);
    channel.read(text, 0);
    String owner = new String(text.array(), 0, text.position(), StandardCharsets.UTF_8).strip();
    return owner.isEmpty() ? "another process that has just opened it" : owner;
  }

  @Override
  public void close() throws IOException {
    boolean interrupted = Thread.interrupted();
    try (channel) {
      channel.truncate(0);
    } finally {
      System.getProperties().remove(property);
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
