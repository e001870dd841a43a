package dev.troupe.llm;

import dev.troupe.llm.QuotaLimiter.Answer;
import dev.troupe.llm.QuotaPlan.Want;
import dev.troupe.llm.QuotaQueue.Waiter;
import dev.troupe.resilience.RateLimiter.Decision;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Where calls of one group wait in this process. One of those that wait asks the limiter at a time:
 * the first in order of whom it is not known that the limiter would refuse. The others sleep until
 * it is their turn. Who waits holds nothing.
 */
final class QuotaLine {
  /** Others end calls without telling this process: how often it is looked whether they did. */
  private static final long LOOK_NANOS = 50_000_000;

  /** So much later than told at most, the less urgent the later, so that processes do not meet. */
  private static final long LATER_NANOS = 20_000_000;

  private static final int EVERYBODY = Integer.MAX_VALUE;

  private final QuotaLimiter limiter;
  private final ReentrantLock lock = new ReentrantLock();
  private final QuotaQueue queue;
  private final Map<String, Block> blocks = new HashMap<>();
  private @Nullable Waiter asking;
  private boolean closed;

  /** Until when a limit is used up for calls that are no more urgent than a level. */
  private record Block(long until, int level) {}

  /** Who is to ask next, and when. */
  private record Next(Waiter waiter, long at) {}

  /** What came of it. */
  sealed interface Outcome {
    /** It was granted. */
    record Granted(Answer answer) implements Outcome {}

    /** It would be so long until it is granted by a limit. */
    record Refused(String name, Duration retryAfter) implements Outcome {}

    /** Nobody waits here any more. */
    record Closed() implements Outcome {}
  }

  QuotaLine(QuotaLimiter limiter, Duration aging) {
    this.limiter = limiter;
    this.queue = new QuotaQueue(aging.toNanos());
  }

  /** Waits until it is granted, or says at once that it would take longer than there is time. */
  Outcome acquire(Want want, String tenant, int priority, long nanos) throws InterruptedException {
    long deadline = System.nanoTime() + nanos;
    boolean nobody;
    lock.lock();
    try {
      if (closed) {
        return new Outcome.Closed();
      }
      nobody = queue.isEmpty() && asking == null && !paused(want);
    } finally {
      lock.unlock();
    }
    if (nobody) {
      Answer answer = limiter.reserve(want);
      if (!(answer.decision() instanceof Decision.Refused refused)) {
        return new Outcome.Granted(answer);
      }
      if (nanos <= 0 || tooLong(want, refused, deadline)) {
        return refused(want, refused);
      }
      lock.lockInterruptibly();
      try {
        block(want, refused, priority);
      } finally {
        lock.unlock();
      }
    }
    lock.lockInterruptibly();
    try {
      Outcome.Refused expected = expected(want, tenant, priority, deadline);
      return expected != null ? expected : waitFor(want, tenant, priority, deadline);
    } finally {
      lock.unlock();
    }
  }

  private Outcome waitFor(Want want, String tenant, int priority, long deadline)
      throws InterruptedException {
    Waiter self = new Waiter(want, tenant, priority, lock.newCondition());
    queue.add(self, System.nanoTime());
    boolean served = false;
    Outcome.Refused last = null;
    try {
      while (!closed) {
        long now = System.nanoTime();
        if (now - deadline >= 0) {
          return last != null ? last : outOfTime(want, now);
        }
        long until = deadline;
        Next next = asking == null ? next(now) : null;
        if (next != null && next.waiter != self) {
          next.waiter.wake.signal();
        } else if (next != null && next.at - now > 0) {
          until = next.at - deadline < 0 ? next.at : deadline;
        } else if (next != null) {
          Answer answer = ask(self);
          if (!(answer.decision() instanceof Decision.Refused refused)) {
            served = true;
            return new Outcome.Granted(answer);
          }
          last = refused(want, refused);
          if (tooLong(want, refused, deadline)) {
            return last;
          }
          block(want, refused, self.level);
          continue;
        }
        long left = self.wake.awaitNanos(until - now);
        assert left <= until - now;
      }
      return new Outcome.Closed();
    } finally {
      if (served) {
        queue.served(self);
      } else {
        queue.remove(self);
      }
      wakeNext();
    }
  }

  private Answer ask(Waiter self) throws InterruptedException {
    asking = self;
    lock.unlock();
    try {
      return limiter.reserve(self.want);
    } finally {
      lock.lock();
      asking = null;
    }
  }

  private void wakeNext() {
    Next next = asking == null ? next(System.nanoTime()) : null;
    if (next != null) {
      next.waiter.wake.signal();
    }
  }

  private @Nullable Next next(long now) {
    blocks.values().removeIf(block -> block.until - now <= 0);
    queue.age(now);
    Waiter[] soonest = new Waiter[1];
    long[] at = {0};
    Waiter free =
        queue.first(
            waiter -> {
              long until = blockedUntil(waiter, now);
              if (soonest[0] == null || until - at[0] < 0) {
                soonest[0] = waiter;
                at[0] = until;
              }
              return until - now <= 0;
            });
    if (free != null) {
      return new Next(free, now);
    }
    return soonest[0] == null ? null : new Next(soonest[0], at[0]);
  }

  private long blockedUntil(Waiter waiter, long now) {
    long until = now;
    for (Map.Entry<String, Block> entry : blocks.entrySet()) {
      Block block = entry.getValue();
      if (block.level >= waiter.level
          && block.until - until > 0
          && waiter.want.names().contains(entry.getKey())) {
        until = block.until;
      }
    }
    return until;
  }

  // what is known of the limits

  private boolean paused(Want want) {
    if (blocks.isEmpty()) {
      return false;
    }
    long now = System.nanoTime();
    blocks.values().removeIf(block -> block.until - now <= 0);
    for (Map.Entry<String, Block> entry : blocks.entrySet()) {
      if (entry.getValue().level == EVERYBODY && want.names().contains(entry.getKey())) {
        return true;
      }
    }
    return false;
  }

  private void block(Want want, Decision.Refused refused, int level) {
    long wait = refused.retryAfter().toNanos();
    if (want.plan().entry(refused.name()).kind() == QuotaKind.IN_FLIGHT) {
      wait = Math.min(wait, LOOK_NANOS);
    }
    long latest = Math.min(LATER_NANOS, wait / 50 + 1_000_000) * Math.max(0, 2 - level) / 2;
    wait += latest == 0 ? 0 : ThreadLocalRandom.current().nextLong(latest);
    blocks.put(refused.name(), new Block(System.nanoTime() + wait, level));
  }

  /** All that ask for a limit wait from now on, however urgent they are. */
  void pause(String name, Duration length) {
    lock.lock();
    try {
      long until = System.nanoTime() + length.toNanos();
      Block known = blocks.get(name);
      if (known == null || known.level != EVERYBODY || until - known.until > 0) {
        blocks.put(name, new Block(until, EVERYBODY));
      }
    } finally {
      lock.unlock();
    }
  }

  /** Something was given back: who waits for it may look again. */
  void freed(Want want) {
    lock.lock();
    try {
      if (!queue.isEmpty()) {
        for (QuotaPlan.Entry entry : want.plan().entries()) {
          if (entry.kind() == QuotaKind.IN_FLIGHT || entry.kind().estimated()) {
            blocks.remove(entry.name());
          }
        }
        wakeNext();
      }
    } finally {
      lock.unlock();
    }
  }

  /** What is known to take too long already: a pause, or the calls ahead by themselves. */
  private Outcome.@Nullable Refused expected(
      Want want, String tenant, int priority, long deadline) {
    long now = System.nanoTime();
    for (QuotaPlan.Entry entry : want.plan().entries()) {
      Block block = blocks.get(entry.name());
      if (block == null || block.until - now <= 0) {
        continue;
      }
      long ahead = 0;
      if (entry.kind() == QuotaKind.REQUESTS) {
        ahead = queue.ahead(entry.name(), tenant, priority);
      }
      long until = block.until + (long) (ahead * entry.nanosEach());
      if ((ahead > 0 || block.level == EVERYBODY) && until - deadline > 0) {
        return new Outcome.Refused(entry.name(), Duration.ofNanos(until - now));
      }
    }
    return null;
  }

  private static boolean tooLong(Want want, Decision.Refused refused, long deadline) {
    // calls in flight may end at any moment, so nothing is known of them
    return want.plan().entry(refused.name()).kind() != QuotaKind.IN_FLIGHT
        && System.nanoTime() + refused.retryAfter().toNanos() - deadline > 0;
  }

  private static Outcome.Refused refused(Want want, Decision.Refused refused) {
    Duration wait = refused.retryAfter();
    if (want.plan().entry(refused.name()).kind() == QuotaKind.IN_FLIGHT) {
      Duration look = Duration.ofSeconds(1);
      wait = wait.compareTo(look) < 0 ? wait : look;
    }
    return new Outcome.Refused(refused.name(), wait);
  }

  /** Out of time before it was anybody's turn to ask: by the limit that is known to be used up. */
  private Outcome outOfTime(Want want, long now) {
    String name = want.plan().entries().get(0).name();
    long longest = 0;
    for (Map.Entry<String, Block> entry : blocks.entrySet()) {
      long wait = entry.getValue().until - now;
      if (wait > longest && want.names().contains(entry.getKey())) {
        longest = wait;
        name = entry.getKey();
      }
    }
    return new Outcome.Refused(name, Duration.ofNanos(longest));
  }

  /** Sends away all that wait. */
  void close() {
    lock.lock();
    try {
      closed = true;
      Waiter none =
          queue.first(
              waiter -> {
                waiter.wake.signal();
                return false;
              });
      assert none == null;
    } finally {
      lock.unlock();
    }
  }
}
