package dev.troupe.llm;

import dev.troupe.AgentException;
import dev.troupe.resilience.Limit;
import dev.troupe.resilience.RateLimiter;
import dev.troupe.resilience.RateLimiter.Demand;
import dev.troupe.resilience.RateLimiter.Line;
import dev.troupe.resilience.RateLimiter.Reservation;
import dev.troupe.resilience.RateLimiter.Settlement;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Settles in the background, on one thread: what comes while it waits for the limiter goes with the
 * next call. While the limiter is away, settlements are kept up to a bound; what is dropped counts
 * as used, and in flight until it expires.
 */
final class QuotaSettler implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(QuotaSettler.class);
  private static final int MOST_WAITING = 10_000;
  private static final int TOGETHER = 250;
  private static final long PROBE_MILLIS = 500;
  private static final long CLOSE_SECONDS = 3;

  private final QuotaLimiter limiter;
  private final Queue<Told> waiting = new ConcurrentLinkedQueue<>();
  private final AtomicInteger count = new AtomicInteger();
  private final AtomicBoolean awake = new AtomicBoolean();
  private final ScheduledThreadPoolExecutor thread;

  private record Told(RateLimiter to, Settlement settlement, Runnable then) {}

  QuotaSettler(QuotaLimiter limiter) {
    this.limiter = limiter;
    this.thread =
        new ScheduledThreadPoolExecutor(
            1,
            task -> {
              Thread made = new Thread(task, "troupe-quota-settler");
              made.setDaemon(true);
              return made;
            },
            new ThreadPoolExecutor.DiscardPolicy());
    thread.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
  }

  /**
   * Settles soon, and does the rest when that is done. Waits for nothing but memory, never throws.
   */
  void settle(RateLimiter to, Settlement settlement, Runnable then) {
    if (limiter.here(to)) {
      // sooner done than handed over to another thread
      to.settle(List.of(settlement));
      then.run();
      return;
    }
    if (count.incrementAndGet() > MOST_WAITING) {
      count.decrementAndGet();
      return;
    }
    waiting.add(new Told(to, settlement, then));
    wake();
  }

  /** Does something soon, on the same thread. */
  void run(Runnable task) {
    thread.execute(task);
  }

  /** Does something in a while, on the same thread. */
  void later(Runnable task) {
    var unused = thread.schedule(task, PROBE_MILLIS, TimeUnit.MILLISECONDS);
  }

  void wake() {
    if (awake.compareAndSet(false, true)) {
      thread.execute(this::flush);
    }
  }

  private void flush() {
    awake.set(false);
    List<Told> kept = new ArrayList<>();
    while (true) {
      Map<RateLimiter, List<Told>> some = new LinkedHashMap<>(2);
      int taken = 0;
      for (Told told; taken < TOGETHER && (told = waiting.poll()) != null; taken++) {
        if (told.to == limiter.shared() && limiter.away()) {
          kept.add(told);
        } else {
          some.computeIfAbsent(told.to, to -> new ArrayList<>()).add(told);
        }
      }
      if (taken == 0) {
        break;
      }
      some.forEach((to, all) -> send(to, all, kept));
    }
    waiting.addAll(kept);
  }

  private void send(RateLimiter to, List<Told> all, List<Told> kept) {
    try {
      to.settle(all.stream().map(Told::settlement).toList());
      count.addAndGet(-all.size());
      all.forEach(told -> told.then.run());
    } catch (AgentException e) {
      count.addAndGet(-all.size());
      if (to != limiter.shared() || !limiter.lost(e)) {
        LOG.debug("settlements were dropped: {}", e.getMessage());
        return;
      }
      for (Told told : all) {
        Settlement again = landed(told.settlement);
        if (again != null) {
          kept.add(new Told(to, again, told.then));
          count.incrementAndGet();
        }
      }
    }
  }

  /** What may be said twice: that something is no longer in flight. Null when nothing was. */
  private static @Nullable Settlement landed(Settlement settlement) {
    Reservation whole = settlement.reservation();
    List<Line> lines =
        whole.demand().lines().stream()
            .filter(line -> line.limit() instanceof Limit.InFlight && line.permits() > 0)
            .toList();
    if (lines.isEmpty()) {
      return null;
    }
    return new Reservation(whole.id(), new Demand(whole.demand().group(), lines), Map.of()).used();
  }

  /** Settles what waits, for at most some seconds, and ends the thread. */
  @Override
  public void close() {
    thread.execute(this::flush);
    thread.shutdown();
    boolean interrupted = false;
    try {
      if (!thread.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS)) {
        thread.shutdownNow();
      }
    } catch (InterruptedException e) {
      interrupted = true;
    }
    if (interrupted) {
      thread.shutdownNow();
      Thread.currentThread().interrupt();
    }
  }
}
