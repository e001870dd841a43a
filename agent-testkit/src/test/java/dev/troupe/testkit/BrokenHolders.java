package dev.troupe.testkit;

import dev.troupe.state.Change;
import dev.troupe.state.Claim;
import dev.troupe.state.Edit;
import dev.troupe.state.Grant;
import dev.troupe.state.Outcome;
import dev.troupe.state.Place;
import dev.troupe.state.RecordId;
import dev.troupe.state.Stored;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiPredicate;
import org.jspecify.annotations.Nullable;

/** Mistakes with grants and lanes: sentences 6 and 7, and the race of sentence 5. */
final class BrokenHolders {
  private BrokenHolders() {}

  /** A fence that takes one grant for another. */
  static final class LooseFence extends TamperedStore {
    private final BiPredicate<Grant, Grant> same;

    LooseFence(MovableClock clock, BiPredicate<Grant, Grant> same) {
      super(clock);
      this.same = same;
    }

    @Override
    Edit line(Change change, Edit edit) {
      if (edit instanceof Edit.Held guard) {
        Stored record = peek(guard.key());
        if (record != null
            && record.place() instanceof Place.Held held
            && same.test(held.grant(), guard.grant())) {
          return new Edit.Held(guard.key(), held.grant());
        }
      }
      return edit;
    }
  }

  /** Reads whether guards of one kind hold, and then writes without them. */
  static final class ChecksBeforehand extends TamperedStore {
    private final Class<? extends Edit> kind;

    ChecksBeforehand(MovableClock clock, Class<? extends Edit> kind) {
      super(clock);
      this.kind = kind;
    }

    @Override
    boolean exclusive() {
      return false;
    }

    @Override
    Outcome applyOne(Change change) {
      List<Edit> guards = change.edits().stream().filter(kind::isInstance).toList();
      if (guards.isEmpty() || guards.size() == change.edits().size()) {
        return super.applyOne(change);
      }
      Outcome checked = send(new Change(change.id() + " check", change.partition(), guards));
      if (checked instanceof Outcome.Refused) {
        return super.applyOne(change);
      }
      pause();
      List<Edit> unguarded =
          change.edits().stream()
              .map(e -> kind.isInstance(e) ? new Edit.NoRow(e.key(), "no such row") : e)
              .toList();
      return super.applyOne(new Change(change.id(), change.partition(), unguarded));
    }
  }

  private static Claim named(Claim claim, RecordId id) {
    return new Claim(claim.grant(), new Claim.From.Named(List.of(id)), claim.partitions(), 1, 0);
  }

  private static Edit.Queue queue(RecordId id, @Nullable String lane) {
    return new Edit.Queue(id.key(), "work", 1, MovableClock.START, lane, Long.MAX_VALUE);
  }

  static final class NamedTakesWhatIsHeld extends TamperedStore {
    NamedTakesWhatIsHeld(MovableClock clock) {
      super(clock);
    }

    @Override
    List<Stored> answer(Claim claim) {
      if (claim.from() instanceof Claim.From.Named ids) {
        for (RecordId id : ids.ids()) {
          Stored record = peek(id.key());
          if (record != null && record.place() instanceof Place.Held held) {
            meddle(id, queue(id, held.lane()));
          }
        }
      }
      return super.answer(claim);
    }
  }

  static final class NamedIgnoresLanes extends TamperedStore {
    NamedIgnoresLanes(MovableClock clock) {
      super(clock);
    }

    @Override
    List<Stored> answer(Claim claim) {
      if (claim.from() instanceof Claim.From.Named ids) {
        for (RecordId id : ids.ids()) {
          Stored record = peek(id.key());
          if (record != null
              && record.place() instanceof Place.Queued queued
              && queued.lane() != null) {
            meddle(id, queue(id, null));
          }
        }
      }
      return super.answer(claim);
    }
  }

  static final class SelectsThenUpdates extends TamperedStore {
    private final AtomicInteger under = new AtomicInteger();
    private final AtomicReference<@Nullable Stored> last = new AtomicReference<>();

    SelectsThenUpdates(MovableClock clock) {
      super(clock);
    }

    @Override
    boolean exclusive() {
      return false;
    }

    @Override
    List<Stored> answer(Claim claim) {
      under.incrementAndGet();
      List<Stored> claimed = new ArrayList<>(inner.claim(claim));
      if (!claimed.isEmpty()) {
        last.set(claimed.get(0));
      }
      pause();
      Stored selectedByAnother = last.get();
      if (under.getAndDecrement() > 1
          && selectedByAnother != null
          && !claimed.contains(selectedByAnother)) {
        claimed.add(selectedByAnother);
      }
      return claimed;
    }
  }

  static final class IgnoresLanes extends TamperedStore {
    IgnoresLanes(MovableClock clock) {
      super(clock);
    }

    @Override
    Edit line(Change change, Edit edit) {
      return edit instanceof Edit.Queue q
          ? new Edit.Queue(q.key(), q.queue(), q.priority(), q.due(), null, q.wakeAtMail())
          : edit;
    }
  }

  static final class ClaimFreesTheLane extends TamperedStore {
    ClaimFreesTheLane(MovableClock clock) {
      super(clock);
    }

    @Override
    List<Stored> answer(Claim claim) {
      List<Stored> claimed = new ArrayList<>();
      for (Stored stored : super.answer(claim)) {
        if (stored.place() instanceof Place.Held held && held.lane() != null) {
          meddle(stored.id(), queue(stored.id(), null));
          claimed.addAll(super.answer(named(claim, stored.id())));
        } else {
          claimed.add(stored);
        }
      }
      return claimed;
    }
  }

  static final class QueueingAgainLosesTheTurn extends TamperedStore {
    QueueingAgainLosesTheTurn(MovableClock clock) {
      super(clock);
    }

    @Override
    List<Edit> lines(Change change, Edit edit) {
      return edit instanceof Edit.Queue q && q.lane() != null && peek(q.key()) != null
          ? List.of(queue(id(q.key()), null), q)
          : List.of(edit);
    }
  }
}
