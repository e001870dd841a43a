package dev.troupe.testkit;

import java.io.BufferedReader;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;

/** The lines of a process, read by a daemon thread until they end. Safe for use by many threads. */
final class ChildOutput {
  private static final int MOST = 100_000;
  private static final int SHOWN = 30;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition more = lock.newCondition();
  private final List<String> lines = new ArrayList<>();
  private final Thread thread;
  private long dropped;
  private boolean over;

  ChildOutput(BufferedReader reader, String name) {
    thread = new Thread(() -> read(reader), name);
    thread.setDaemon(true);
    thread.start();
  }

  private void read(BufferedReader reader) {
    try (reader) {
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        add(line);
      }
    } catch (IOException e) {
      add("(its output could not be read any further: " + e.getMessage() + ")");
    } finally {
      lock.lock();
      try {
        over = true;
        more.signalAll();
      } finally {
        lock.unlock();
      }
    }
  }

  private void add(String line) {
    lock.lock();
    try {
      lines.add(line);
      if (lines.size() >= 2 * MOST) {
        lines.subList(0, MOST).clear(); // seldom, so that a line costs nothing
        dropped += MOST;
      }
      more.signalAll();
    } finally {
      lock.unlock();
    }
  }

  List<String> lines() {
    lock.lock();
    try {
      return List.copyOf(lines.subList(Math.max(0, lines.size() - MOST), lines.size()));
    } finally {
      lock.unlock();
    }
  }

  /** The last lines, for an error. */
  String last() {
    lock.lock();
    try {
      if (lines.isEmpty()) {
        return "it said nothing";
      }
      int from = Math.max(0, lines.size() - SHOWN);
      return (from + dropped > 0 ? "its last lines:\n  " : "it said:\n  ")
          + String.join("\n  ", lines.subList(from, lines.size()));
    } finally {
      lock.unlock();
    }
  }

  boolean isOver() {
    lock.lock();
    try {
      return over;
    } finally {
      lock.unlock();
    }
  }

  /** The first lines that are wanted; fewer when time or output is over before. */
  List<String> await(Predicate<String> wanted, int count, Duration atMost)
      throws InterruptedException {
    List<String> found = new ArrayList<>();
    long left = atMost.toNanos();
    lock.lockInterruptibly();
    try {
      long next = 0;
      while (true) {
        for (next = Math.max(next, dropped); next < dropped + lines.size(); next++) {
          String line = lines.get((int) (next - dropped));
          if (wanted.test(line)) {
            found.add(line);
            if (found.size() == count) {
              return found;
            }
          }
        }
        if (over || left <= 0) {
          return found;
        }
        left = more.awaitNanos(left);
      }
    } finally {
      lock.unlock();
    }
  }

  /** True when everything was read and the thread is gone. */
  boolean awaitEnd(Duration atMost) throws InterruptedException {
    thread.join(Math.max(1, atMost.toMillis()));
    return !thread.isAlive();
  }
}
