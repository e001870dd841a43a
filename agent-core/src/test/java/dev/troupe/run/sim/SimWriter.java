package dev.troupe.run.sim;

import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.Outcome;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.function.Consumer;

/** Stores what a run writes; what follows happens under the guard of whoever writes. */
final class SimWriter {
  /** Runs a piece of a strand's or the run's own code. */
  interface Guard {
    void run(Runnable piece);
  }

  private final SimRun run;
  private final Deque<Runnable> afterRiders = new ArrayDeque<>();
  private boolean ridersUnderWay;

  SimWriter(SimRun run) {
    this.run = run;
  }

  /** The run begins again. */
  void clear() {
    afterRiders.clear();
    ridersUnderWay = false;
  }

  void write(Guard guard, List<Edit> edits, Runnable then) {
    if (edits.isEmpty()) {
      then.run();
      return;
    }
    attempt(
        guard,
        edits,
        outcome -> {
          if (outcome instanceof Outcome.Refused) {
            throw run.lost();
          }
          then.run();
        });
  }

  /** What is journaled after riders may build on them, so it is sent when they are stored. */
  void attempt(Guard guard, List<Edit> edits, Consumer<Outcome> then) {
    if (ridersUnderWay) {
      afterRiders.add(
          () ->
              guard.run(
                  () -> {
                    if (run.isLost()) {
                      throw new SimRun.Unwinding();
                    }
                    attempt(guard, edits, then);
                  }));
      return;
    }
    boolean rides = run.journal().riding() > 0 && run.process.mutation() != Mutation.LATE_RIDERS;
    ridersUnderWay = rides;
    send(
        rides ? piece -> ridersAnswered(guard, piece) : guard,
        run.journal().change(edits),
        outcome -> {
          boolean mail = false;
          if (outcome instanceof Outcome.Done done) {
            run.looks();
            for (Outcome.Seen seen : done.seen()) {
              if (!seen.key().equals(run.runId())) {
                run.process.wake(seen);
              } else {
                mail |= seen.mail() > run.journal().mailSeen();
              }
            }
          }
          if (mail) {
            run.fetchMail(() -> guard.run(() -> then.accept(outcome)));
          } else {
            then.accept(outcome);
          }
        });
  }

  void send(Guard guard, Change change, Consumer<Outcome> then) {
    run.process.access.write(
        change,
        outcome -> guard.run(() -> then.accept(outcome)),
        () ->
            guard.run(
                () -> {
                  throw run.lost();
                }));
  }

  private void ridersAnswered(Guard guard, Runnable piece) {
    ridersUnderWay = false;
    guard.run(piece);
    while (!ridersUnderWay && !afterRiders.isEmpty()) {
      afterRiders.poll().run();
    }
  }
}
