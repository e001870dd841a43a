package dev.troupe.examples.benchmarks;

import java.io.FileOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/**
 * What one process did, line by line, in a file that survives it: each line is one call of the
 * system, so only the last one can be torn. A number in a file that all processes map into their
 * memory puts the lines of all in one order without any clock.
 *
 * <p>A thread looks at the clock; where that jumped, the process stood still, and a line says so.
 * Safe for use by many threads.
 */
final class ChaosLog implements AutoCloseable {
  static final String SUFFIX = ".chaos";

  private static final long BEAT = TimeUnit.MILLISECONDS.toNanos(50);
  private static final long STILL_MILLIS = 500;
  private static final VarHandle COUNT =
      MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.nativeOrder());

  private final ReentrantLock lock = new ReentrantLock();
  private final FileOutputStream out;
  private final ByteBuffer order;
  private final Thread beat = new Thread(this::beat, "chaos-beat");
  private volatile boolean closed;

  ChaosLog(Path folder, String process) {
    try {
      Files.createDirectories(folder);
      try (FileChannel channel =
          FileChannel.open(
              folder.resolve("order"),
              StandardOpenOption.CREATE,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE)) {
        order = channel.map(FileChannel.MapMode.READ_WRITE, 0, Long.BYTES);
      }
      Path file = Files.createFile(folder.resolve(process + SUFFIX));
      out = new FileOutputStream(file.toFile(), true);
    } catch (IOException e) {
      throw new UncheckedIOException("nothing can be written to " + folder, e);
    }
    beat.setDaemon(true);
    beat.start();
  }

  /** Writes a line of words without spaces. */
  void write(String kind, Object... words) {
    lock.lock();
    try {
      if (closed) {
        return; // a handler that ends after its process has said that it is done
      }
      long ticket = (long) COUNT.getAndAdd(order, 0, 1L);
      StringBuilder line = new StringBuilder(64);
      line.append(ticket).append(' ').append(System.currentTimeMillis()).append(' ').append(kind);
      for (Object word : words) {
        line.append(' ').append(word);
      }
      out.write(line.append('\n').toString().getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException("the history can't be written", e);
    } finally {
      lock.unlock();
    }
  }

  private void beat() {
    long last = System.nanoTime();
    while (!closed) {
      LockSupport.parkNanos(BEAT);
      long now = System.nanoTime();
      long still = TimeUnit.NANOSECONDS.toMillis(now - last);
      if (still >= STILL_MILLIS) {
        write(ChaosLine.STILL, still);
      }
      last = now;
    }
  }

  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      out.close();
    } catch (IOException e) {
      throw new UncheckedIOException("the history can't be closed", e);
    } finally {
      lock.unlock();
    }
    LockSupport.unpark(beat);
  }
}
