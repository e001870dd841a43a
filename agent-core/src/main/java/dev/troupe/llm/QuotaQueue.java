package dev.troupe.llm;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.Condition;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * In which order those go that wait: the most urgent first, among equals one tenant after the other
 * in turn, within a tenant as they came. Who has waited for long becomes more urgent by one, so
 * that nobody waits for ever. Not safe for several threads.
 */
final class QuotaQueue {
  private static final int LEVELS = 3;

  private final long patience;
  private final List<Map<String, Deque<Waiter>>> levels = new ArrayList<>();
  private int size;

  /** One that waits. */
  static final class Waiter {
    final QuotaPlan.Want want;
    final String tenant;
    final Condition wake;
    int level;
    private long since;

    Waiter(QuotaPlan.Want want, String tenant, int level, Condition wake) {
      this.want = want;
      this.tenant = tenant;
      this.level = level;
      this.wake = wake;
    }
  }

  /**
   * Empty.
   *
   * @param patience after how many nanoseconds somebody becomes more urgent
   */
  QuotaQueue(long patience) {
    this.patience = patience;
    for (int i = 0; i < LEVELS; i++) {
      levels.add(new LinkedHashMap<>());
    }
  }

  boolean isEmpty() {
    return size == 0;
  }

  void add(Waiter waiter, long now) {
    waiter.since = now;
    level(waiter).computeIfAbsent(waiter.tenant, tenant -> new ArrayDeque<>()).addLast(waiter);
    size++;
  }

  /** Takes somebody out whose turn it was not. */
  void remove(Waiter waiter) {
    Deque<Waiter> same = level(waiter).get(waiter.tenant);
    if (same != null && same.remove(waiter)) {
      size--;
      if (same.isEmpty()) {
        level(waiter).remove(waiter.tenant);
      }
    }
  }

  /** Takes somebody out whose turn it was: the tenant's next comes after all other tenants. */
  void served(Waiter waiter) {
    remove(waiter);
    Deque<Waiter> rest = level(waiter).remove(waiter.tenant);
    if (rest != null) {
      level(waiter).put(waiter.tenant, rest);
    }
  }

  /** Makes those more urgent that have waited for long. */
  void age(long now) {
    for (int level = LEVELS - 2; level >= 0; level--) {
      for (Deque<Waiter> same : List.copyOf(levels.get(level).values())) {
        for (Waiter first = same.peekFirst();
            first != null && now - first.since >= patience;
            first = same.peekFirst()) {
          remove(first);
          first.level++;
          add(first, now);
        }
      }
    }
  }

  /** The first in order for whom something holds; null when it holds for nobody. */
  @Nullable Waiter first(Predicate<Waiter> test) {
    for (int level = LEVELS - 1; level >= 0; level--) {
      for (Deque<Waiter> same : levels.get(level).values()) {
        for (Waiter waiter : same) {
          if (test.test(waiter)) {
            return waiter;
          }
        }
      }
    }
    return null;
  }

  /** Of one limit, how much those want who would go before somebody who comes now. */
  long ahead(String name, String tenant, int priority) {
    long sum = 0;
    for (int level = LEVELS - 1; level >= priority; level--) {
      Deque<Waiter> own = levels.get(level).get(tenant);
      int turns = own == null ? 1 : own.size() + 1;
      for (Deque<Waiter> same : levels.get(level).values()) {
        int left = level > priority ? same.size() : turns;
        for (Waiter waiter : same) {
          if (left-- == 0) {
            break;
          }
          sum += waiter.want.permits(name);
        }
      }
    }
    return sum;
  }

  private Map<String, Deque<Waiter>> level(Waiter waiter) {
    return levels.get(waiter.level);
  }
}
