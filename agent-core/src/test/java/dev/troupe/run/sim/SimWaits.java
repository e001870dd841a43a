package dev.troupe.run.sim;

import dev.troupe.agent.RunEndingException;
import dev.troupe.run.Ending;
import dev.troupe.run.Runs;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The waits of one run: the runtime's {@code Waits}. */
final class SimWaits {
  private static final long HOT_WAIT = Timeline.millis(600);
  private static final long SLICE = Timeline.millis(250);

  /** A strand that waits. */
  private static final class Wait {
    final SimStrand strand;
    final String what;
    final @Nullable Instant due;
    final Supplier<Boolean> probe;
    final Consumer<Boolean> then;
    boolean over;
    int looks;

    Wait(
        SimStrand strand,
        String what,
        @Nullable Instant due,
        Supplier<Boolean> probe,
        Consumer<Boolean> then) {
      this.strand = strand;
      this.what = what;
      this.due = due;
      this.probe = probe;
      this.then = then;
    }
  }

  private final SimRun run;
  private final List<Wait> waiting = new ArrayList<>();
  private long quietSince;

  SimWaits(SimRun run) {
    this.run = run;
  }

  void clear() {
    waiting.clear();
    quietSince = 0;
  }

  boolean any() {
    return !waiting.isEmpty();
  }

  /** Strands that were beaten no longer wait. */
  void dropLost() {
    waiting.removeIf(wait -> wait.strand.isLost());
  }

  /** When the first of the present waits is over; null when only something can end them. */
  @Nullable Instant due() {
    Instant first = null;
    for (Wait wait : waiting) {
      if (wait.due != null && (first == null || wait.due.isBefore(first))) {
        first = wait.due;
      }
    }
    return first;
  }

  /** Waits until the probe says so (true), or until the time has come (false). */
  void await(
      SimStrand strand,
      String what,
      @Nullable Instant due,
      Supplier<Boolean> probe,
      Consumer<Boolean> then) {
    look(new Wait(strand, what, due, probe, then));
  }

  private void look(Wait wait) {
    int turn = ++wait.looks;
    run.check(wait.strand);
    boolean got = wait.probe.get();
    Instant now = run.process.access.now();
    if (got || (wait.due != null && !wait.due.isAfter(now))) {
      wait.over = true;
      if (waiting.remove(wait)) {
        quietSince = 0;
      }
      wait.then.accept(got);
      return;
    }
    Ending ending = run.journal().ending();
    if (ending != Ending.NOT && !wait.strand.undoes) {
      waiting.remove(wait);
      throw new RunEndingException(ending.code(), ending.words());
    }
    if (!waiting.contains(wait)) {
      waiting.add(wait);
    }
    if (nothingElseToDo(now)) {
      run.leaveBy(SimRun.Exit.PARK);
      throw new SimRun.Unwinding();
    }
    long pause = SLICE;
    if (wait.due != null) {
      pause = Math.min(pause, Math.max(1, Duration.between(now, wait.due).toNanos()));
    }
    run.process.after(pause, () -> again(wait, turn));
  }

  private void again(Wait wait, int turn) {
    if (!wait.over && wait.looks == turn) {
      wait.strand.guard(() -> look(wait));
    }
  }

  void changed() {
    for (Wait wait : List.copyOf(waiting)) {
      int turn = wait.looks;
      run.process.after(1, () -> again(wait, turn));
    }
  }

  private boolean nothingElseToDo(Instant now) {
    if (waiting.size() < run.strandCount()) {
      quietSince = 0;
      return false;
    }
    if (quietSince == 0) {
      quietSince = run.process.access.nanos();
    }
    if (run.process.pressed() || run.process.access.nanos() - quietSince >= HOT_WAIT) {
      return true;
    }
    Instant hotUntil = Runs.after(now, Duration.ofNanos(HOT_WAIT));
    for (Wait wait : waiting) {
      if (wait.due == null || !wait.due.isAfter(hotUntil)) {
        return false;
      }
    }
    return waiting.stream().allMatch(w -> w.what.equals("sleep"));
  }
}
