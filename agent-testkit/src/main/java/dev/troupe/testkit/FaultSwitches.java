package dev.troupe.testkit;

import dev.troupe.testkit.FaultProxy.Way;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.UnaryOperator;

/** The faults of a proxy as they are now. Safe for use by many threads. */
final class FaultSwitches {
  /** What is done to the bytes that go one way. */
  record Faults(long delay, int slice, double corrupt, boolean swallow) {
    static final Faults NONE = new Faults(0, Integer.MAX_VALUE, 0, false);

    Faults delay(long nanos) {
      return new Faults(nanos, slice, corrupt, swallow);
    }

    Faults slice(int bytes) {
      return new Faults(delay, bytes, corrupt, swallow);
    }

    Faults corrupt(double probability) {
      return new Faults(delay, slice, probability, swallow);
    }

    Faults swallow(boolean all) {
      return new Faults(delay, slice, corrupt, all);
    }
  }

  private static final long NO_CUT = Long.MAX_VALUE;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Map<Way, Faults> faults = new EnumMap<>(Way.class);
  private final long[] untilCut = {NO_CUT, NO_CUT};

  FaultSwitches() {
    for (Way way : Way.values()) {
      faults.put(way, Faults.NONE);
    }
  }

  void change(Way way, UnaryOperator<Faults> change) {
    lock.lock();
    try {
      faults.computeIfPresent(way, (w, before) -> change.apply(before));
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  void cutAfter(Way way, long bytes) {
    lock.lock();
    try {
      untilCut[way.index] = bytes;
    } finally {
      lock.unlock();
    }
  }

  void heal() {
    lock.lock();
    try {
      for (Way way : Way.values()) {
        faults.put(way, Faults.NONE);
        untilCut[way.index] = NO_CUT;
      }
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Lets those who wait look again. */
  void wake() {
    lock.lock();
    try {
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Waits until what came at a time may go on; the faults that hold then. */
  Faults await(Way way, long came, BooleanSupplier over) throws InterruptedException {
    lock.lock();
    try {
      while (true) {
        Faults now = faults.getOrDefault(way, Faults.NONE);
        long left = came + now.delay - System.nanoTime();
        if (left <= 0 || now.delay == 0 || over.getAsBoolean()) {
          return now;
        }
        changed.awaitNanos(left);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Waits as long as bytes of a way are swallowed. */
  void awaitUnswallowed(Way way, BooleanSupplier over) throws InterruptedException {
    lock.lock();
    try {
      while (faults.getOrDefault(way, Faults.NONE).swallow && !over.getAsBoolean()) {
        changed.await();
      }
    } finally {
      lock.unlock();
    }
  }

  /** How many bytes may pass; when all is to be cut after those, the complement of that number. */
  int pass(Way way, int bytes) {
    lock.lock();
    try {
      long left = untilCut[way.index];
      if (left == NO_CUT) {
        return bytes;
      }
      if (left > bytes) {
        untilCut[way.index] = left - bytes;
        return bytes;
      }
      untilCut[way.index] = NO_CUT;
      return ~(int) left;
    } finally {
      lock.unlock();
    }
  }
}
