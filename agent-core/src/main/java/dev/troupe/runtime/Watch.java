package dev.troupe.runtime;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Watches the lease of this process and the threads of its runs. Never waits for the store, so that
 * a lease that ends is noticed whatever the store does.
 */
final class Watch implements Runnable {
  private static final long TICK_MILLIS = 20;

  private final RuntimeCore core;
  private volatile boolean enough;

  Watch(RuntimeCore core) {
    this.core = core;
  }

  /** It ends with the present round. */
  void stop() {
    enough = true;
  }

  @Override
  public void run() {
    boolean held = true;
    long awakeSince = System.nanoTime();
    long last = awakeSince;
    while (!enough) {
      try {
        long now = System.nanoTime();
        if (now - last > TimeUnit.MILLISECONDS.toNanos(20 * TICK_MILLIS)) {
          awakeSince = now; // the whole process stood still, agents as well
        }
        last = now;
        boolean holds = core.fleet.holdsLease();
        if (held && !holds) {
          core.log.warn("no heartbeat went through in time; runs are interrupted until one does");
          core.interruptAll("the process's lease has ended");
        }
        held = holds;
        endOverdue(awakeSince);
      } catch (Throwable e) { // also when memory is short: the lease has to be watched
        core.failed("the watch failed and goes on", e);
      }
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(TICK_MILLIS));
    }
  }

  private void endOverdue(long awakeSince) {
    Instant now = core.access.now();
    for (Execution execution : core.running.values()) {
      if (execution.signs.overdue(now, core.options.endGrace())) {
        core.executor.execute(execution::endOverHead);
      }
      Optional<Duration> silence = execution.run.definition.stuckAfter();
      if (silence.isPresent() && execution.signs.stuck(silence.get(), awakeSince)) {
        core.executor.execute(execution::restart);
      }
    }
  }
}
