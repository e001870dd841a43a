package dev.troupe.runtime;

import dev.troupe.run.Ending;
import java.time.Duration;
import java.time.Instant;

/** Whether the threads of a run react: to its end, or at all. Asked from another thread. */
final class SignsOfLife {
  private final HeldRun run;
  private final Waits waits;

  /** Since when it should be ending, 0 when it should not. Guarded by the run's lock. */
  private long endingSince;

  SignsOfLife(HeldRun run, Waits waits) {
    this.run = run;
    this.waits = waits;
  }

  /** Watches the deadline; true when the run has to be ended over the head of its thread. */
  boolean overdue(Instant now, Duration grace) {
    run.lock.lock();
    try {
      Instant deadline = run.header().terms().deadline();
      if (deadline != null && !deadline.isAfter(now) && run.journal().ending() == Ending.NOT) {
        run.journal().end(Ending.DEADLINE);
        run.lookAround();
      }
      // while the code has not reached all that was done, nobody knows what has to be undone
      if (run.journal().ending() == Ending.NOT
          || run.settling()
          || run.journal().mismatch() != null) {
        endingSince = 0;
        return false;
      }
      // whoever replays on the way to where the run stood is not stuck
      endingSince = Math.max(endingSince, run.lastSeen());
      if (endingSince == 0) {
        endingSince = System.nanoTime();
      }
      return System.nanoTime() - endingSince > RuntimeOptions.nanos(grace);
    } finally {
      run.lock.unlock();
    }
  }

  /**
   * Whether a strand that does not wait has given no sign of life for so long in which it could.
   */
  boolean stuck(Duration silence, long awakeSince) {
    run.lock.lock();
    try {
      if (!run.goesOn()) {
        return false;
      }
      long now = System.nanoTime();
      return run.strands.any(
          strand -> {
            long silent = Math.min(now - strand.lastSign, now - awakeSince);
            return silent > RuntimeOptions.nanos(silence) && !waits.has(strand);
          });
    } finally {
      run.lock.unlock();
    }
  }
}
