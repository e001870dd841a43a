package dev.troupe.resilience;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;

/** Limits of one process, in its memory. One lock, because nothing under it takes longer. */
final class MemoryRateLimiter implements RateLimiter {
  /** How many calls it takes until what does not matter any more is looked for. */
  private static final int LOOK_EACH = 1_024;

  private final LongSupplier micros;
  private final String process = UUID.randomUUID().toString().replace("-", "") + "-";
  private final ReentrantLock lock = new ReentrantLock();

  // under the lock
  private final Map<String, Limits> groups = new HashMap<>();
  private long latest;
  private long made;
  private int calls;

  MemoryRateLimiter() {
    this(since(System.nanoTime()));
  }

  /** On a clock of microseconds, from any time on that is not negative. */
  MemoryRateLimiter(LongSupplier micros) {
    this.micros = micros;
  }

  private static LongSupplier since(long began) {
    return () -> (System.nanoTime() - began) / 1_000;
  }

  @Override
  public List<Decision> reserve(List<Demand> demands) {
    demands.forEach(Demand::check);
    List<Decision> decisions = new ArrayList<>(demands.size());
    lock.lock();
    try {
      long now = now();
      for (Demand demand : demands) {
        String id = process + Long.toString(++made, Character.MAX_RADIX);
        decisions.add(group(demand).reserve(demand, id, now));
      }
    } finally {
      lock.unlock();
    }
    return decisions;
  }

  @Override
  public void settle(List<Settlement> settlements) {
    lock.lock();
    try {
      long now = now();
      for (Settlement settlement : settlements) {
        group(settlement.reservation().demand()).settle(settlement, now);
      }
    } finally {
      lock.unlock();
    }
  }

  /** How many are remembered. */
  int groups() {
    return groups.size();
  }

  private Limits group(Demand demand) {
    return groups.computeIfAbsent(demand.group(), group -> new Limits());
  }

  /** Never back. */
  private long now() {
    latest = Math.max(latest, micros.getAsLong());
    if (++calls % LOOK_EACH == 0) {
      groups.values().removeIf(limits -> limits.forget(latest));
    }
    return latest;
  }
}
