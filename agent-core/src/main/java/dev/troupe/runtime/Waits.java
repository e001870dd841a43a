package dev.troupe.runtime;

import dev.troupe.AgentException;
import dev.troupe.agent.RunEndingException;
import dev.troupe.run.Ending;
import dev.troupe.run.Runs;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The waits of one run. A strand that waits stays on its thread for a short time or while another
 * strand works; when all have nothing to do but wait, the run leaves. Guarded by the run's lock.
 */
final class Waits {
  /** How often a waiting thread looks around, should nobody have told it. */
  private static final long SLICE_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

  private record Wait(Strand strand, String what, @Nullable Instant due) {}

  private final HeldRun run;
  private final List<Wait> waiting = new ArrayList<>();
  private long quietSince;

  Waits(HeldRun run) {
    this.run = run;
  }

  /** Strands that were beaten no longer wait, though they have yet to notice. */
  void dropLost() {
    waiting.removeIf(wait -> wait.strand.isLost());
  }

  /** Whether this strand waits; under the run's lock. */
  boolean has(Strand strand) {
    return waiting.stream().anyMatch(wait -> wait.strand == strand);
  }

  /** Whether something waits; under the run's lock. */
  boolean any() {
    return !waiting.isEmpty();
  }

  void clear() {
    waiting.clear();
    quietSince = 0;
  }

  /** When the first of the present waits is over, null when only something can end them. */
  @Nullable Instant due() {
    Instant first = null;
    for (Wait wait : waiting) {
      if (wait.due != null && (first == null || wait.due.isBefore(first))) {
        first = wait.due;
      }
    }
    return first;
  }

  /**
   * Waits until the probe, asked under the run's lock, gives something, or until the time has come.
   *
   * @return what the probe gave, null when the time has come
   */
  <T> @Nullable T await(
      Strand strand, String what, @Nullable Instant due, Supplier<@Nullable T> probe) {
    Wait wait = new Wait(strand, what, due);
    boolean counted = false;
    boolean leaving = false;
    run.lock.lock();
    try {
      while (true) {
        run.check(strand);
        T got;
        try {
          got = probe.get();
        } catch (AgentException why) {
          throw run.stopping(why);
        }
        if (got != null) {
          return got;
        }
        Instant now = run.core.access.now();
        if (due != null && !due.isAfter(now)) {
          return null;
        }
        Ending ending = run.journal().ending();
        if (ending != Ending.NOT && !strand.undoes) {
          throw new RunEndingException(ending.code(), "run " + run.runId() + " " + ending.words());
        }
        if (!counted) {
          waiting.add(wait);
          counted = true;
        }
        if (nothingElseToDo(now)) {
          leaving = true;
          run.leaveBy(Leaving.How.PARK, words(), null);
          throw new Unwinding(words());
        }
        pause(due, now);
      }
    } finally {
      // a run that leaves needs to know what it waits for until it has left
      if (counted && !leaving && !run.departing()) {
        waiting.remove(wait);
        quietSince = 0;
      }
      run.lock.unlock();
    }
  }

  private boolean nothingElseToDo(Instant now) {
    if (waiting.size() < run.strands.count()) {
      quietSince = 0;
      return false;
    }
    if (quietSince == 0) {
      quietSince = System.nanoTime();
    }
    Duration hotWait = run.core.options.hotWait();
    if (run.core.pressed() || System.nanoTime() - quietSince >= RuntimeOptions.nanos(hotWait)) {
      return true;
    }
    Instant hotUntil = Runs.after(now, hotWait);
    for (Wait wait : waiting) {
      if (wait.due == null || !wait.due.isAfter(hotUntil)) {
        return false;
      }
    }
    return waiting.stream().allMatch(w -> w.what.startsWith(SLEEP));
  }

  /** How the words for a wait begin that only time can end. */
  static final String SLEEP = "the time";

  private String words() {
    return waiting.stream().map(Wait::what).distinct().collect(Collectors.joining(", "));
  }

  @SuppressWarnings("WaitNotInLoop") // the loop is the caller's
  private void pause(@Nullable Instant due, Instant now) {
    long nanos = SLICE_NANOS;
    if (due != null) {
      nanos = Math.min(nanos, Math.max(1, RuntimeOptions.nanos(Duration.between(now, due))));
    }
    try {
      long rest = run.changed.awaitNanos(nanos);
      if (rest > 0) {
        return; // somebody told us
      }
    } catch (InterruptedException askedToLook) {
      // cancel, shutdown and lost branches interrupt; what they want is seen by the next check
      Thread.interrupted();
    }
  }
}
