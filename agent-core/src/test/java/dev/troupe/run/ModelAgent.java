package dev.troupe.run;

import dev.troupe.run.ModelRecord.Letter;
import dev.troupe.state.Edit;
import dev.troupe.state.Place;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/**
 * The agents of the model. As in the runtime an agent is executed from the top each time, on a
 * journal that was read again, and says what comes next.
 */
interface ModelAgent {
  /** What an agent that was executed from the top comes to. */
  sealed interface Move {
    /** An effect begins. */
    record Effect(String path) implements Move {}

    /** Something is to be stored before it goes on. */
    record Write(List<Edit> edits, String words) implements Move {}

    /** There is nothing to do before mail comes or, if given, the time has come. */
    record Wait(Instant due) implements Move {}

    /** It returns. */
    record Return() implements Move {}
  }

  Move next(Journal journal, Instant now);

  /** Whether a run that is queued until mail comes is right to wait, as things are. */
  boolean waitsRightly(ModelStore store, ModelRecord run);

  String EFFECT = "work#1";
  String CALL = "call#1";
  String SIGNAL = "go";

  /** Makes one effect, then ends. */
  ModelAgent WORKER =
      new ModelAgent() {
        @Override
        public Move next(Journal journal, Instant now) {
          return effect(journal, now) ? new Move.Effect(EFFECT) : new Move.Return();
        }

        @Override
        public boolean waitsRightly(ModelStore store, ModelRecord run) {
          return false;
        }
      };

  /** Makes one effect, waits for one signal, then ends. */
  ModelAgent WAITER =
      new ModelAgent() {
        @Override
        public Move next(Journal journal, Instant now) {
          if (effect(journal, now)) {
            return new Move.Effect(EFFECT);
          }
          List<Edit> edits = new ArrayList<>();
          Journal.Received received = journal.signal("signal go#1", SIGNAL, now, edits);
          if (received == null) {
            return new Move.Wait(null);
          }
          return edits.isEmpty() ? new Move.Return() : new Move.Write(edits, "notes the signal");
        }

        @Override
        public boolean waitsRightly(ModelStore store, ModelRecord run) {
          return run.mail.isEmpty();
        }
      };

  /** Waits for one signal at most for a while, then ends. */
  ModelAgent TIMER =
      new ModelAgent() {
        @Override
        public Move next(Journal journal, Instant now) {
          String path = "signal go#1";
          List<Edit> edits = new ArrayList<>();
          Journal.Received received = journal.signal(path, SIGNAL, now, edits);
          if (received == null) {
            Instant due = journal.signalLimit(path, Duration.ofMillis(ModelState.TICK), now);
            return due.isAfter(now)
                ? new Move.Wait(due)
                : new Move.Write(journal.signalTimedOut(path, due), "notes that no signal came");
          }
          return edits.isEmpty() ? new Move.Return() : new Move.Write(edits, "notes the signal");
        }

        @Override
        public boolean waitsRightly(ModelStore store, ModelRecord run) {
          return false;
        }
      };

  /** Calls one child under a given id, waits for its result, then ends. */
  static ModelAgent parent(RunHeader child, ModelAgent callee) {
    return new ModelAgent() {
      @Override
      public Move next(Journal journal, Instant now) {
        Look look = journal.call(CALL);
        if (look instanceof Look.Begin) {
          return new Move.Write(journal.called(CALL, child, null, now), "calls its child");
        }
        return look instanceof Look.Finished ? new Move.Return() : new Move.Wait(null);
      }

      @Override
      public boolean waitsRightly(ModelStore store, ModelRecord run) {
        ModelRecord called = store.get(child.id());
        return run.mail.stream().map(Letter::name).noneMatch(n -> n.startsWith("c"))
            && called != null
            && called.place instanceof Place.Queued
            && callee.waitsRightly(store, called);
      }
    };
  }

  private static boolean effect(Journal journal, Instant now) {
    return journal.step(EFFECT, now) instanceof Look.Begin;
  }
}
