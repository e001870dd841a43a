package dev.troupe.testkit;

import dev.troupe.state.Change;
import dev.troupe.state.Claim;
import dev.troupe.state.Edit;
import dev.troupe.state.Find;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.Outcome;
import dev.troupe.state.Place;
import dev.troupe.state.StateStore;
import dev.troupe.state.Stored;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Mistakes with what must survive: sentence 14. */
final class BrokenSurvival {
  private BrokenSurvival() {}

  static final class KeepsNothing extends SurvivingStore {
    private final MovableClock clock;

    KeepsNothing(MovableClock clock) {
      super(clock);
      this.clock = clock;
    }

    @Override
    StateStore reopened() {
      return new KeepsNothing(clock);
    }
  }

  static final class FreesWhatIsHeldWhenOpened extends SurvivingStore {
    FreesWhatIsHeldWhenOpened(MovableClock clock) {
      super(clock);
    }

    @Override
    StateStore reopened() {
      for (Stored stored : inner.find(new Find(Map.of(), null, null, null, 1_000)).items()) {
        if (stored.place() instanceof Place.Held held) {
          String key = stored.id().key();
          meddle(
              stored.id(),
              new Edit.Queue(key, "work", 1, stored.now(), held.lane(), Long.MAX_VALUE));
        }
      }
      return new SurvivingStore(inner);
    }
  }

  /** Answers before the last change is written. */
  static final class LosesTheLastAnswer extends SurvivingStore {
    private final MovableClock clock;
    private final List<Object> log;

    LosesTheLastAnswer(MovableClock clock) {
      this(clock, new MemoryStateStore(PARTITIONS, clock), new ArrayList<>());
    }

    private LosesTheLastAnswer(MovableClock clock, StateStore inner, List<Object> log) {
      super(inner);
      this.clock = clock;
      this.log = log;
    }

    @Override
    Outcome applyOne(Change change) {
      Outcome outcome = super.applyOne(change);
      log.add(change);
      return outcome;
    }

    @Override
    List<Stored> answer(Claim claim) {
      log.add(claim);
      return super.answer(claim);
    }

    @Override
    StateStore reopened() {
      StateStore replayed = new MemoryStateStore(PARTITIONS, clock);
      List<Object> written = log.subList(0, Math.max(0, log.size() - 1));
      for (Object call : written) {
        if (call instanceof Change change) {
          replayed.apply(List.of(change));
        } else if (call instanceof Claim claim) {
          replayed.claim(claim);
        }
      }
      return new LosesTheLastAnswer(clock, replayed, new ArrayList<>(written));
    }
  }

  /** Keeps in memory only which mail it has. */
  static final class ForgetsMailNames extends SurvivingStore {
    private final Set<String> forgotten = new HashSet<>();

    ForgetsMailNames(MovableClock clock) {
      super(clock);
    }

    private ForgetsMailNames(StateStore inner) {
      super(inner);
      for (Stored stored : inner.find(new Find(Map.of(), null, null, null, 1_000)).items()) {
        Stored whole = peek(stored.id().key());
        if (whole != null) {
          whole.mail().forEach(mail -> forgotten.add(whole.id().key() + " " + mail.name()));
        }
      }
    }

    @Override
    Edit line(Change change, Edit edit) {
      return edit instanceof Edit.Mail mail && forgotten.contains(mail.key() + " " + mail.row())
          ? new Edit.Mail(mail.key(), mail.row() + " again", mail.value(), mail.urgent())
          : edit;
    }

    @Override
    StateStore reopened() {
      return new ForgetsMailNames(inner);
    }
  }

  /** Keeps in memory only which changes it has done. */
  static final class ForgetsLastChanges extends SurvivingStore {
    private final int opening;

    ForgetsLastChanges(MovableClock clock) {
      super(clock);
      this.opening = 0;
    }

    private ForgetsLastChanges(StateStore inner, int opening) {
      super(inner);
      this.opening = opening;
    }

    @Override
    String sentId(Change change) {
      return change.id() + "~" + opening;
    }

    @Override
    Stored shown(Stored s) {
      String id = s.lastChange().split("~")[0];
      return copy(s, s.now()).version(s.version(), id).build();
    }

    @Override
    StateStore reopened() {
      return new ForgetsLastChanges(inner, opening + 1);
    }
  }

  static final class AnswersAfterClose extends TamperedStore {
    AnswersAfterClose(MovableClock clock) {
      super(clock);
    }

    @Override
    public void close() {}
  }
}
