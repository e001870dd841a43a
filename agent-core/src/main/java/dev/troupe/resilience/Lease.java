package dev.troupe.resilience;

import dev.troupe.resilience.RateLimiter.Decision;
import dev.troupe.resilience.RateLimiter.Demand;
import dev.troupe.resilience.RateLimiter.Line;
import dev.troupe.resilience.RateLimiter.Reservation;
import dev.troupe.resilience.RateLimiter.Settlement;
import dev.troupe.state.Combiner;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The block of one rate that this process has. It is as if its permits had been reserved one after
 * another: each part that is handed out knows when what was reserved up to it will have come back,
 * so it can be settled anywhere like a reservation of its own. Safe for use by many threads.
 */
final class Lease {
  private static final int MOST_TOGETHER = 256;

  private final RateLimiter limiter;
  private final long size;
  private final long life;
  private final LongSupplier nanos;

  /** Who finds too little asks together with the others that do. */
  private final Combiner<Demand, Decision> asking;

  private final ReentrantLock lock = new ReentrantLock();
  private @Nullable Block block;
  private List<Settlement> unused = new ArrayList<>();
  private long handedOut;

  /** Until when no whole block is asked for, because there was none; only for who asks. */
  private @Nullable Long scarceUntil;

  /** What was reserved ahead. Belongs to who has the lock. */
  private static final class Block {
    final Reservation reservation;
    final Line line;
    final long over;
    long left;

    Block(Reservation reservation, long over) {
      this.reservation = reservation;
      this.line = reservation.demand().lines().get(0);
      this.over = over;
      this.left = line.permits();
    }

    /** When what was handed out so far will have come back. */
    Map<String, Long> ends() {
      long end = reservation.ends().getOrDefault(line.name(), 0L);
      return Map.of(line.name(), end - ((Limit.Rate) line.limit()).micros(left));
    }
  }

  Lease(RateLimiter limiter, long size, long life, LongSupplier nanos) {
    this.limiter = limiter;
    this.size = size;
    this.life = life;
    this.nanos = nanos;
    this.asking = new Combiner<>(this::ask, demand -> 1, MOST_TOGETHER);
  }

  Decision reserve(Demand demand) {
    Decision here = take(demand);
    return here != null ? here : asking.ask(demand);
  }

  private @Nullable Decision take(Demand demand) {
    lock.lock();
    try {
      Block here = alive();
      long permits = permits(demand);
      if (here == null || here.left < permits) {
        return null;
      }
      here.left -= permits;
      String id = here.reservation.id() + "/" + ++handedOut;
      return new Decision.Granted(new Reservation(id, demand, here.ends()));
    } finally {
      lock.unlock();
    }
  }

  private static long permits(Demand demand) {
    return demand.lines().get(0).permits();
  }

  /** The block, unless its life is over. */
  private @Nullable Block alive() {
    Block here = block;
    if (here != null && nanos.getAsLong() - here.over >= 0) {
      replace(null);
      return null;
    }
    return here;
  }

  private void replace(@Nullable Block next) {
    Block old = block;
    block = next;
    if (old != null && old.left > 0) {
      String group = old.reservation.demand().group();
      Demand rest = Demand.of(group, old.line.name(), old.line.limit(), old.left);
      String id = old.reservation.id() + "/rest";
      unused.add(new Reservation(id, rest, old.reservation.ends()).unused());
    }
  }

  /** Takes what is here, for what was used already. */
  long takeUpTo(long permits) {
    lock.lock();
    try {
      Block here = alive();
      long taken = here == null ? 0 : Math.min(here.left, permits);
      if (here != null) {
        here.left -= taken;
      }
      return taken;
    } finally {
      lock.unlock();
    }
  }

  boolean isOver() {
    lock.lock();
    try {
      return alive() == null;
    } finally {
      lock.unlock();
    }
  }

  /** Gives all back that was not handed out. */
  void giveBack() {
    lock.lock();
    try {
      replace(null);
    } finally {
      lock.unlock();
    }
    settleUnused();
  }

  private void settleUnused() {
    List<Settlement> some;
    lock.lock();
    try {
      alive();
      some = unused;
      unused = new ArrayList<>();
    } finally {
      lock.unlock();
    }
    if (!some.isEmpty()) {
      limiter.settle(some);
    }
  }

  // one thread at a time

  private List<Decision> ask(List<Demand> demands) {
    settleUnused();
    long wanted = demands.stream().mapToLong(Lease::permits).sum();
    @Nullable Decision[] decisions = new Decision[demands.size()];
    List<Integer> open = new ArrayList<>();
    for (int i = 0; i < decisions.length; i++) {
      Demand demand = demands.get(i);
      decisions[i] = take(demand);
      if (decisions[i] == null && open.isEmpty() && fetch(demand, wanted)) {
        decisions[i] = take(demand);
      }
      if (decisions[i] == null) {
        open.add(i);
      }
      wanted -= permits(demand);
    }
    if (!open.isEmpty()) {
      List<Decision> rest = limiter.reserve(open.stream().map(demands::get).toList());
      for (int i = 0; i < rest.size(); i++) {
        decisions[open.get(i)] = rest.get(i);
      }
    }
    return Arrays.asList(decisions);
  }

  /** Tries to get a block, which is enough for all who ask now when that may be had at once. */
  private boolean fetch(Demand demand, long wanted) {
    Line line = demand.lines().get(0);
    long most = Math.min(line.limit().most(), Math.max(size, wanted));
    long asked = nanos.getAsLong();
    Long until = scarceUntil;
    if (most <= line.permits() || (until != null && asked - until < 0)) {
      return false;
    }
    Demand whole = Demand.of(demand.group(), line.name(), line.limit(), most);
    Decision decision = limiter.reserve(whole);
    if (decision instanceof Decision.Refused refused) {
      scarceUntil = asked + Math.min(life, refused.retryAfter().toNanos());
      return false;
    }
    scarceUntil = null;
    lock.lock();
    try {
      replace(new Block(((Decision.Granted) decision).reservation(), asked + life));
    } finally {
      lock.unlock();
    }
    return true;
  }
}
