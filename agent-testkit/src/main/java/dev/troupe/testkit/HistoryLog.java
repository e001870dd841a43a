package dev.troupe.testkit;

import java.io.FileOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The file of one process, and its share in the order of all.
 *
 * <p>The order is a number in a small file that every process maps into its memory and counts up
 * atomically: a ticket. It needs no clock and no lock between processes, so a process that stands
 * still or dies holds nobody up, and it respects what happened before what.
 *
 * <p>A thread looks often at the monotonic clock. Where that jumped, the process stood still, and a
 * line says so before any other line is written.
 *
 * <p>Safe for use by many threads.
 */
final class HistoryLog implements AutoCloseable {
  static final String SUFFIX = ".history";

  /** Standing still for so long is noted. Leases are longer. */
  static final long STALL_MILLIS = 100;

  private static final long BEAT_MILLIS = 20;
  private static final String ORDER = "order";
  private static final VarHandle COUNT =
      MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.nativeOrder());

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition closing = lock.newCondition();
  private final Path file;
  // not a channel: that is closed for good when a thread that writes is interrupted
  private final FileOutputStream out;
  private final ByteBuffer order;
  private final long opened = System.nanoTime();
  private final Thread beat;
  private long alive = opened;
  private long seen;
  private boolean closed;

  HistoryLog(Path folder, String process) {
    try {
      Files.createDirectories(folder);
      try (FileChannel channel =
          FileChannel.open(
              folder.resolve(ORDER),
              StandardOpenOption.CREATE,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE)) {
        order = channel.map(FileChannel.MapMode.READ_WRITE, 0, Long.BYTES);
      }
      file = Files.createFile(folder.resolve(process + SUFFIX));
      out = new FileOutputStream(file.toFile(), true);
    } catch (IOException e) {
      throw new UncheckedIOException("no history can be written to " + folder, e);
    }
    lock.lock();
    try {
      alive = System.nanoTime(); // what it took to come so far is not a standstill
      write(HistoryEvent.Kind.OPENED, process, Instant.now().toString());
    } finally {
      lock.unlock();
    }
    beat = new Thread(this::beat, "history-beat");
    beat.setDaemon(true);
    beat.start();
  }

  Path file() {
    return file;
  }

  void append(HistoryEvent.Kind kind, String... fields) {
    lock.lock();
    try {
      if (closed) {
        throw new IllegalStateException("the history " + file.getFileName() + " is closed");
      }
      noteStall();
      write(kind, fields);
    } finally {
      lock.unlock();
    }
  }

  private void noteStall() {
    long now = System.nanoTime();
    long still = TimeUnit.NANOSECONDS.toMillis(now - alive);
    long before = seen;
    alive = now;
    if (still >= STALL_MILLIS) {
      write(HistoryEvent.Kind.STALLED, Long.toString(before), Long.toString(still));
    }
  }

  private void write(HistoryEvent.Kind kind, String... fields) {
    long ticket = (long) COUNT.getAndAdd(order, 0, 1L);
    seen = ticket;
    long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - opened);
    try {
      out.write(HistoryEvent.line(ticket, millis, kind, fields)); // one call of the system
    } catch (IOException e) {
      shut(); // what follows a torn line could not be read
      throw new UncheckedIOException("the history " + file + " can't be written", e);
    }
  }

  private void beat() {
    lock.lock();
    try {
      while (!closed) {
        noteStall();
        seen = (long) COUNT.getVolatile(order, 0) - 1;
        closing.awaitNanos(TimeUnit.MILLISECONDS.toNanos(BEAT_MILLIS));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // somebody wants this thread to end
    } finally {
      lock.unlock();
    }
  }

  private void shut() {
    closed = true;
    closing.signalAll();
    try {
      out.close();
    } catch (IOException e) {
      throw new UncheckedIOException("the history " + file + " can't be closed", e);
    }
  }

  @Override
  public void close() {
    lock.lock();
    try {
      if (!closed) {
        shut();
      }
    } finally {
      lock.unlock();
    }
    boolean interrupted = Thread.interrupted();
    try {
      beat.join(5_000);
    } catch (InterruptedException e) {
      interrupted = true;
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
