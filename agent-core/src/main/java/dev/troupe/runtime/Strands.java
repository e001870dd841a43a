package dev.troupe.runtime;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;

/** The strands that a run has at present. Guarded by the run's lock. */
final class Strands {
  private final ReentrantLock lock;
  private final Condition changed;
  private final List<Strand> strands = new ArrayList<>();

  Strands(ReentrantLock lock, Condition changed) {
    this.lock = lock;
    this.changed = changed;
  }

  void begin(Strand strand) {
    lock.lock();
    try {
      strands.add(strand);
    } finally {
      lock.unlock();
    }
  }

  void end(Strand strand) {
    lock.lock();
    try {
      strands.remove(strand);
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Takes out those that another branch has beaten, with all below them. */
  void lose(List<Strand> losers) {
    lock.lock();
    try {
      losers.forEach(s -> s.lost = true);
      for (Strand strand : strands) {
        if (strand.isLost()) {
          interrupt(strand);
        }
      }
      strands.removeIf(Strand::isLost);
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  void clear() {
    strands.clear();
  }

  int count() {
    return strands.size();
  }

  boolean any(Predicate<Strand> what) {
    for (Strand strand : strands) {
      if (what.test(strand)) {
        return true;
      }
    }
    return false;
  }

  /** Interrupts the actions that are under way. */
  void interrupt() {
    for (Strand strand : strands) {
      interrupt(strand);
    }
  }

  private static void interrupt(Strand strand) {
    Thread acting = strand.acting;
    if (acting != null) {
      acting.interrupt();
    }
  }
}
