package dev.troupe.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** Signals, also those that Java does not know, and what became of them. */
final class ProcessStates {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private ProcessStates() {}

  /** Sends a signal; 0 when that was possible. */
  static int kill(String signal, long pid) throws InterruptedException {
    try {
      return quiet("kill", "-" + signal, Long.toString(pid)).waitFor();
    } catch (IOException e) {
      throw new UncheckedIOException("no command 'kill'", e);
    }
  }

  /** Sends a signal, or says that this was not possible. */
  static void signal(String signal, long pid) {
    try {
      if (kill(signal, pid) != 0) {
        throw new IllegalStateException("can't send " + signal + " to process " + pid);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    }
  }

  /** Kills a process and waits until it is gone. */
  static void end(Process process) {
    process.toHandle().destroyForcibly(); // that of the process would also drop its last output
    awaitEnd(process);
  }

  /** Waits until a process is gone, also on an interrupted thread. */
  static void awaitEnd(Process process) {
    boolean interrupted = false;
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    try {
      while (process.isAlive()) {
        try {
          if (!process.waitFor(deadline - System.nanoTime(), TimeUnit.NANOSECONDS)) {
            throw new IllegalStateException("process " + process.pid() + " does not end");
          }
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private static Process quiet(String... command) throws IOException {
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
        .start();
  }

  /** Whether every thread of a process stands still, or, without /proc, the process as a whole. */
  static boolean stopped(long pid) {
    Path tasks = Path.of("/proc", Long.toString(pid), "task");
    try {
      if (!Files.isDirectory(Path.of("/proc/self"))) {
        return asked(pid).startsWith("T");
      }
      try (DirectoryStream<Path> threads = Files.newDirectoryStream(tasks)) {
        for (Path thread : threads) {
          if (!standsStill(thread)) {
            return false;
          }
        }
      }
      return true;
    } catch (NoSuchFileException ended) {
      return false;
    } catch (IOException e) {
      throw new UncheckedIOException("can't see the state of process " + pid, e);
    }
  }

  private static boolean standsStill(Path thread) {
    String stat;
    try {
      stat = Files.readString(thread.resolve("stat"), StandardCharsets.ISO_8859_1);
    } catch (IOException gone) {
      return !Files.exists(thread);
    }
    // number (name) state: the name may hold anything, also a bracket
    int state = stat.lastIndexOf(')') + 2;
    return state < stat.length() && "TtZX".indexOf(stat.charAt(state)) >= 0;
  }

  private static String asked(long pid) throws IOException {
    Process ps = new ProcessBuilder("ps", "-o", "state=", "-p", Long.toString(pid)).start();
    try (var out = ps.getInputStream()) {
      return new String(out.readAllBytes(), StandardCharsets.US_ASCII).strip();
    }
  }
}
