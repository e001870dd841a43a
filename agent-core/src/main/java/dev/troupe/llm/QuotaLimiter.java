package dev.troupe.llm;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.resilience.Limit;
import dev.troupe.resilience.RateLimiter;
import dev.troupe.resilience.RateLimiter.Decision;
import dev.troupe.resilience.RateLimiter.Demand;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The limiter that all share, and while it does not answer one of this process alone, which allows
 * the process its share. Nobody waits for an answer for longer than the patience.
 */
final class QuotaLimiter implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(QuotaLimiter.class);
  private static final int MOST_ASKING = 64;
  private static final Demand PROBE =
      Demand.of("llm/probe", "probe", Limit.inFlight(1, Duration.ofSeconds(1)), 0);

  private final RateLimiter shared;
  private final boolean own;
  private final long patience;
  private final RateLimiter alone = RateLimiter.inMemory();
  private final @Nullable ExecutorService askers;
  private final AtomicBoolean away = new AtomicBoolean();
  private final QuotaMeters meters;
  private final QuotaSettler settler;

  /** A decision, and who made it. */
  record Answer(Decision decision, RateLimiter by) {}

  /**
   * Asks a limiter.
   *
   * @param shared the limiter of all
   * @param patience how long to wait for its answers; null for one in this process, which is then
   *     owned and asked by the caller's own thread
   */
  QuotaLimiter(RateLimiter shared, @Nullable Duration patience, QuotaMeters meters) {
    this.shared = shared;
    this.own = patience == null;
    this.patience = patience == null ? 0 : patience.toNanos();
    this.meters = meters;
    this.askers = patience == null ? null : askers();
    this.settler = new QuotaSettler(this);
  }

  private static ExecutorService askers() {
    return new ThreadPoolExecutor(
        0,
        MOST_ASKING,
        10,
        TimeUnit.SECONDS,
        new SynchronousQueue<>(),
        task -> {
          Thread thread = new Thread(task, "troupe-quota-asker");
          thread.setDaemon(true);
          return thread;
        });
  }

  QuotaSettler settler() {
    return settler;
  }

  RateLimiter shared() {
    return shared;
  }

  /** Whether a limiter lies in this process's memory, so that asking it takes no time. */
  boolean here(RateLimiter limiter) {
    return own || limiter == alone;
  }

  boolean away() {
    return away.get();
  }

  /** Decides. Interrupted or out of patience, what is granted later is given back. */
  Answer reserve(QuotaPlan.Want want) throws InterruptedException {
    if (!away.get()) {
      try {
        return new Answer(ask(want.shared().demand()), shared);
      } catch (AgentException e) {
        if (!lost(e)) {
          throw e;
        }
      }
    }
    return new Answer(alone.reserve(want.alone().demand()), alone);
  }

  /** Puts up a pause, at whoever decides now. Called in the background. */
  void pause(Demand pause) {
    try {
      // refused only when a thousand of them lie there already
      (away.get() ? alone : shared).reserve(pause);
    } catch (AgentException e) {
      if (lost(e)) {
        alone.reserve(pause);
      }
    }
  }

  private Decision ask(Demand demand) throws InterruptedException {
    if (askers == null) {
      return shared.reserve(demand);
    }
    CompletableFuture<Decision> answer = new CompletableFuture<>();
    try {
      askers.execute(() -> answer(demand, answer));
    } catch (RejectedExecutionException e) {
      throw new AgentException(
          ErrorCode.STORE_UNAVAILABLE,
          "%d callers wait for the limiter, none is added".formatted(MOST_ASKING),
          e);
    }
    try {
      return answer.get(patience, TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      abandon(answer);
      throw new AgentException(
          ErrorCode.STORE_UNAVAILABLE,
          "the limiter did not answer within %d ms".formatted(patience / 1_000_000),
          e);
    } catch (InterruptedException e) {
      abandon(answer);
      throw e;
    } catch (ExecutionException e) {
      if (e.getCause() instanceof AgentException why) {
        throw why;
      }
      throw new IllegalStateException("the limiter failed", e.getCause());
    }
  }

  private void answer(Demand demand, CompletableFuture<Decision> answer) {
    try {
      answer.complete(shared.reserve(demand));
    } catch (RuntimeException e) {
      answer.completeExceptionally(e);
    }
  }

  private void abandon(CompletableFuture<Decision> answer) {
    var unused =
        answer.whenComplete(
            (late, failed) -> {
              if (late instanceof Decision.Granted granted) {
                settler.settle(shared, granted.reservation().unused(), () -> {});
              }
            });
  }

  /** Whether the limiter did not answer, so that this process is alone from now on. */
  boolean lost(AgentException why) {
    if (why.code() != ErrorCode.STORE_UNAVAILABLE && why.code() != ErrorCode.STORE_FULL) {
      return false;
    }
    if (away.compareAndSet(false, true)) {
      meters.away();
      LOG.warn(
          "the limiter of the models' quotas does not answer; until it does this process takes its"
              + " share alone: {}",
          why.getMessage());
      settler.later(this::probe);
    }
    return true;
  }

  private void probe() {
    try {
      shared.reserve(PROBE);
    } catch (AgentException e) {
      settler.later(this::probe);
      return;
    }
    away.set(false);
    LOG.info("the limiter of the models' quotas answers again");
    settler.wake();
  }

  @Override
  public void close() {
    settler.close();
    if (askers != null) {
      askers.shutdown();
    }
    alone.close();
    if (own) {
      shared.close();
    }
  }
}
