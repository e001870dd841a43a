package dev.troupe.runtime;

import java.util.Collection;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;

/** What undoes the steps that a run has done so far. Guarded by the run's lock. */
final class Undos {
  /** A compensation that may be needed. */
  record Undo(String path, Undoing action) {}

  /** Undoes one step. */
  @FunctionalInterface
  interface Undoing {
    void undo(RunContext context);
  }

  private final ReentrantLock lock;

  /** By the order in which the steps were journaled. */
  private final NavigableMap<Long, Undo> undos = new TreeMap<>();

  Undos(ReentrantLock lock) {
    this.lock = lock;
  }

  Undo put(long number, Undo undo) {
    undos.put(number, undo);
    return undo;
  }

  boolean isEmpty() {
    return undos.isEmpty();
  }

  Collection<Undo> latestFirst() {
    return undos.descendingMap().values();
  }

  void clear() {
    undos.clear();
  }

  /** What the losers of a group did is not undone: a replay does not know of it. */
  void forgetLosers(String group, int winner) {
    lock.lock();
    try {
      undos
          .values()
          .removeIf(
              undo ->
                  undo.path().startsWith(group) && !undo.path().startsWith(group + winner + "/"));
    } finally {
      lock.unlock();
    }
  }
}
