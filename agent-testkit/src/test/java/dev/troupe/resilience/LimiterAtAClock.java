package dev.troupe.resilience;

import dev.troupe.testkit.MovableClock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Limits that decide at exactly the time of a clock, where the limiter over a store counts on from
 * the store's last answer by itself. Safe for use by many threads.
 */
final class LimiterAtAClock implements RateLimiter {
  private final MovableClock clock;
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<String, Limits> groups = new HashMap<>();
  private long made;

  LimiterAtAClock(MovableClock clock) {
    this.clock = clock;
  }

  private Limits group(Demand demand) {
    return groups.computeIfAbsent(demand.group(), g -> new Limits());
  }

  private long now() {
    return TimeUnit.MILLISECONDS.toMicros(clock.millis());
  }

  @Override
  public List<Decision> reserve(List<Demand> demands) {
    demands.forEach(Demand::check);
    lock.lock();
    try {
      List<Decision> decisions = new ArrayList<>();
      for (Demand demand : demands) {
        decisions.add(group(demand).reserve(demand, "reservation " + ++made, now()));
      }
      return decisions;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void settle(List<Settlement> settlements) {
    lock.lock();
    try {
      settlements.forEach(one -> group(one.reservation().demand()).settle(one, now()));
    } finally {
      lock.unlock();
    }
  }
}
