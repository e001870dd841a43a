package dev.troupe.llm;

import dev.troupe.resilience.RateLimiter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Grants as many demands as it was told to, and remembers what it was asked. */
final class GateLimiter implements RateLimiter {
  final AtomicInteger open = new AtomicInteger();
  final AtomicInteger asked = new AtomicInteger();
  final AtomicInteger atOnce = new AtomicInteger();
  final AtomicInteger mostAtOnce = new AtomicInteger();
  final List<Demand> granted = new CopyOnWriteArrayList<>();
  final List<Settlement> settled = new CopyOnWriteArrayList<>();
  final AtomicInteger settleCalls = new AtomicInteger();

  /** By which limit a demand is refused whatever is open; null for none. */
  volatile Function<Demand, @Nullable String> shut = demand -> null;

  volatile Duration wait = Duration.ofMillis(4);
  volatile Runnable before = () -> {};

  @Override
  public List<Decision> reserve(List<Demand> demands) {
    mostAtOnce.accumulateAndGet(atOnce.incrementAndGet(), Math::max);
    try {
      before.run();
      List<Decision> all = new ArrayList<>();
      demands.forEach(demand -> all.add(decide(demand)));
      return all;
    } finally {
      atOnce.decrementAndGet();
    }
  }

  private Decision decide(Demand demand) {
    asked.incrementAndGet();
    String by = shut.apply(demand);
    if (by != null) {
      return new Decision.Refused(by, wait);
    }
    if (open.getAndUpdate(n -> Math.max(0, n - 1)) == 0) {
      return new Decision.Refused(demand.lines().get(0).name(), wait);
    }
    granted.add(demand);
    return new Decision.Granted(new Reservation("r" + granted.size(), demand, Map.of()));
  }

  @Override
  public void settle(List<Settlement> settlements) {
    settleCalls.incrementAndGet();
    settled.addAll(settlements);
  }
}
