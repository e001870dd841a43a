package dev.troupe.event;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/** Wakes those who wait for something to happen in this process. */
final class Arrivals {
  private final AtomicLong count = new AtomicLong();
  private final Set<Thread> waiting = ConcurrentHashMap.newKeySet();

  /** How much has happened; to be asked before one looks. */
  long count() {
    return count.get();
  }

  void signal() {
    count.incrementAndGet();
    if (!waiting.isEmpty()) {
      waiting.forEach(LockSupport::unpark);
    }
  }

  /** Waits until something has happened since the count was asked, at most so long. */
  void await(long seen, long nanos) {
    Thread me = Thread.currentThread();
    waiting.add(me);
    try {
      long end = System.nanoTime() + nanos;
      for (long left = nanos; left > 0 && count.get() == seen; left = end - System.nanoTime()) {
        LockSupport.parkNanos(this, left);
        if (me.isInterrupted()) {
          return;
        }
      }
    } finally {
      waiting.remove(me);
    }
  }
}
