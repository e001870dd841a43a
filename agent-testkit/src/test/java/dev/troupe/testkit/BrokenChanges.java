package dev.troupe.testkit;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.state.Change;
import dev.troupe.state.Claim;
import dev.troupe.state.Edit;
import dev.troupe.state.Outcome;
import dev.troupe.state.Page;
import dev.troupe.state.Place;
import dev.troupe.state.Scan;
import dev.troupe.state.StoreInfo;
import dev.troupe.state.Stored;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Mistakes with changes as such: sentences 1, 2, 3, 9 and 13. */
final class BrokenChanges {
  private BrokenChanges() {}

  static final class HalfDone extends TamperedStore {
    HalfDone(MovableClock clock) {
      super(clock);
    }

    @Override
    Outcome applyOne(Change change) {
      Outcome outcome = super.applyOne(change);
      if (outcome instanceof Outcome.Refused refused) {
        List<Edit> before = new ArrayList<>();
        for (Edit edit : change.edits()) {
          if (edit == refused.because()) {
            break;
          }
          if (edit instanceof Edit.Row || edit instanceof Edit.Put || edit instanceof Edit.Mail) {
            before.add(edit);
          }
        }
        if (!before.isEmpty()) {
          meddle(id(change.edits().get(0).key()), before.toArray(new Edit[0]));
        }
      }
      return outcome;
    }
  }

  static final class StopsAtTheFirstRefusal extends TamperedStore {
    StopsAtTheFirstRefusal(MovableClock clock) {
      super(clock);
    }

    @Override
    public List<Outcome> apply(List<Change> changes) {
      info().check(changes);
      List<Outcome> outcomes = new ArrayList<>();
      Outcome.@Nullable Refused refused = null;
      for (Change change : changes) {
        if (refused != null) {
          outcomes.add(new Outcome.Refused(refused.now(), change.edits().get(0), null));
        } else {
          Outcome outcome = guarded(() -> applyOne(change));
          outcomes.add(outcome);
          refused = outcome instanceof Outcome.Refused first ? first : null;
        }
      }
      return outcomes;
    }
  }

  static final class ReadsValueAndRowsApart extends TamperedStore {
    ReadsValueAndRowsApart(MovableClock clock) {
      super(clock);
    }

    @Override
    boolean exclusive() {
      return false;
    }

    @Override
    Page<Stored> answer(Scan scan) {
      Page<Stored> first = inner.scan(scan);
      pause();
      Page<Stored> second = inner.scan(scan);
      if (first.items().size() != 1 || second.items().size() != 1) {
        return second;
      }
      Stored rows = second.items().get(0);
      byte[] value = first.items().get(0).value();
      return new Page<>(List.of(copy(rows, rows.now()).value(value).build()), second.next());
    }
  }

  static final class SplitsByPartition extends TamperedStore {
    SplitsByPartition(MovableClock clock) {
      super(clock);
    }

    @Override
    public List<Outcome> apply(List<Change> changes) {
      List<Change> parts = new ArrayList<>();
      for (Change change : changes) {
        Map<Integer, List<Edit>> split = new TreeMap<>();
        for (Edit edit : change.edits()) {
          split.computeIfAbsent(id(edit.key()).partition(), p -> new ArrayList<>()).add(edit);
        }
        if (split.isEmpty()) {
          parts.add(change);
        }
        split.forEach((partition, edits) -> parts.add(new Change(change.id(), partition, edits)));
      }
      return super.apply(parts);
    }
  }

  static final class ChecksPartitionsOneByOne extends TamperedStore {
    ChecksPartitionsOneByOne(MovableClock clock) {
      super(clock);
    }

    @Override
    public List<Outcome> apply(List<Change> changes) {
      for (int i = 0; i < changes.size(); i++) {
        int partition = changes.get(i).partition();
        if (changes.get(i).edits().stream().anyMatch(e -> id(e.key()).partition() != partition)) {
          inner.apply(changes.subList(0, i));
        }
      }
      return super.apply(changes);
    }
  }

  /** Shows versions that differ from the true ones. */
  private abstract static class OtherVersions extends TamperedStore {
    private final Map<String, Long> extra = new HashMap<>();

    OtherVersions(MovableClock clock) {
      super(clock);
    }

    final void raise(String key, long by) {
      extra.merge(key, by, Long::sum);
    }

    private long extra(String key) {
      return extra.getOrDefault(key, 0L);
    }

    @Override
    Edit line(Change change, Edit edit) {
      return edit instanceof Edit.AtVersion at
          ? new Edit.AtVersion(at.key(), at.version() - extra(at.key()))
          : edit;
    }

    @Override
    void afterDone(Change change, Outcome.Done done) {
      change.edits().stream()
          .filter(e -> e instanceof Edit.Delete)
          .forEach(e -> extra.remove(e.key()));
    }

    @Override
    Outcome.Seen shown(Change change, Outcome.Seen seen) {
      long version = seen.version() + extra(seen.key());
      return new Outcome.Seen(seen.key(), version, seen.mail(), seen.mailAccepted(), seen.holder());
    }

    @Override
    Stored shown(Stored s) {
      return copy(s, s.now()).version(s.version() + extra(s.id().key()), s.lastChange()).build();
    }
  }

  static final class RowRaisesTheVersion extends OtherVersions {
    RowRaisesTheVersion(MovableClock clock) {
      super(clock);
    }

    @Override
    void afterDone(Change change, Outcome.Done done) {
      for (Edit edit : change.edits()) {
        if (edit instanceof Edit.Row row && row.value() != null) {
          raise(row.key(), 1);
        }
      }
      super.afterDone(change, done);
    }
  }

  static final class ClaimLeavesTheVersion extends OtherVersions {
    ClaimLeavesTheVersion(MovableClock clock) {
      super(clock);
    }

    @Override
    List<Stored> answer(Claim claim) {
      List<Stored> claimed = super.answer(claim);
      claimed.forEach(s -> raise(s.id().key(), -1));
      return claimed;
    }
  }

  static final class RaisesOncePerChange extends OtherVersions {
    RaisesOncePerChange(MovableClock clock) {
      super(clock);
    }

    @Override
    void afterDone(Change change, Outcome.Done done) {
      for (Outcome.Seen seen : done.seen()) {
        long raising =
            change.edits().stream()
                .filter(e -> e.key().equals(seen.key()))
                .filter(e -> e instanceof Edit.Put || e instanceof Edit.Queue)
                .count();
        if (raising > 1 && seen.version() > 0) {
          raise(seen.key(), 1 - raising);
        }
      }
      super.afterDone(change, done);
    }
  }

  /** Gives changes other ids than they came with. */
  private abstract static class OtherIds extends TamperedStore {
    OtherIds(MovableClock clock) {
      super(clock);
    }

    @Override
    Stored shown(Stored s) {
      String id = s.lastChange();
      int mark = id.indexOf('~');
      return mark < 0 ? s : copy(s, s.now()).version(s.version(), id.substring(0, mark)).build();
    }
  }

  static final class ForgetsChangeIds extends OtherIds {
    ForgetsChangeIds(MovableClock clock) {
      super(clock);
    }

    @Override
    String sentId(Change change) {
      return change.id() + "~" + next();
    }
  }

  static final class ClaimHidesTheLastChange extends OtherIds {
    private final Map<String, Integer> claims = new HashMap<>();

    ClaimHidesTheLastChange(MovableClock clock) {
      super(clock);
    }

    @Override
    String sentId(Change change) {
      int claimed = change.edits().stream().mapToInt(e -> claims.getOrDefault(e.key(), 0)).sum();
      return change.id() + "~" + claimed;
    }

    @Override
    List<Stored> answer(Claim claim) {
      List<Stored> claimed = super.answer(claim);
      claimed.forEach(s -> claims.merge(s.id().key(), 1, Integer::sum));
      return claimed;
    }
  }

  static final class RefusesWithoutLastChange extends TamperedStore {
    RefusesWithoutLastChange(MovableClock clock) {
      super(clock);
    }

    @Override
    Outcome applyOne(Change change) {
      Outcome outcome = super.applyOne(change);
      if (outcome instanceof Outcome.Refused refused && refused.found() != null) {
        Stored found = refused.found();
        Stored bare = copy(found, found.now()).version(found.version(), "").build();
        return new Outcome.Refused(refused.now(), refused.because(), bare);
      }
      return outcome;
    }
  }

  static final class AddsWithoutAGuard extends TamperedStore {
    AddsWithoutAGuard(MovableClock clock) {
      super(clock);
    }

    @Override
    public List<Outcome> apply(List<Change> changes) {
      List<Change> guarded = new ArrayList<>();
      for (Change change : changes) {
        List<Edit> edits = new ArrayList<>(change.edits());
        if (edits.stream().anyMatch(e -> e instanceof Edit.Add)) {
          String row = "guard-" + next();
          edits.add(new Edit.NoRow(edits.get(0).key(), row));
          edits.add(new Edit.Row(edits.get(0).key(), row, new byte[0]));
          edits.add(new Edit.Row(edits.get(0).key(), row, null));
        }
        guarded.add(new Change(change.id(), change.partition(), edits));
      }
      return super.apply(guarded);
    }
  }

  static final class RepeatedMailWakes extends TamperedStore {
    RepeatedMailWakes(MovableClock clock) {
      super(clock);
    }

    @Override
    List<Edit> lines(Change change, Edit edit) {
      if (edit instanceof Edit.Mail mail && mail.urgent()) {
        Stored now = peek(mail.key());
        if (now != null
            && now.place() instanceof Place.Queued q
            && now.mail().stream().anyMatch(m -> m.name().equals(mail.row()))) {
          Edit woken =
              new Edit.Queue(
                  mail.key(), q.queue(), q.priority(), now.now(), q.lane(), q.wakeAtMail());
          return List.of(mail, woken);
        }
      }
      return List.of(edit);
    }
  }

  static final class TruncatesContent extends TamperedStore {
    TruncatesContent(MovableClock clock) {
      super(clock);
    }

    @Override
    public List<Outcome> apply(List<Change> changes) {
      List<Change> cut = new ArrayList<>();
      for (Change change : changes) {
        List<Edit> edits = change.edits().stream().map(TruncatesContent::cut).toList();
        cut.add(new Change(change.id(), change.partition(), edits));
      }
      return super.apply(cut);
    }

    private static Edit cut(Edit edit) {
      if (edit instanceof Edit.Row row
          && row.value() != null
          && row.value().length > StoreInfo.MAX_BYTES) {
        byte[] cut = Arrays.copyOf(row.value(), StoreInfo.MAX_BYTES);
        return new Edit.Row(row.key(), row.row(), cut);
      }
      return edit;
    }
  }

  static final class ChecksLimitsOneByOne extends TamperedStore {
    ChecksLimitsOneByOne(MovableClock clock) {
      super(clock);
    }

    @Override
    public List<Outcome> apply(List<Change> changes) {
      for (int i = 0; i < changes.size(); i++) {
        try {
          info().check(changes.get(i));
        } catch (AgentException e) {
          if (e.code() == ErrorCode.LIMIT_EXCEEDED) {
            inner.apply(changes.subList(0, i));
          }
          throw e;
        }
      }
      return super.apply(changes);
    }
  }

  static final class NamesNoLimit extends TamperedStore {
    NamesNoLimit(MovableClock clock) {
      super(clock);
    }

    @Override
    public List<Outcome> apply(List<Change> changes) {
      try {
        return super.apply(changes);
      } catch (AgentException e) {
        throw e.code() == ErrorCode.LIMIT_EXCEEDED
            ? new AgentException(e.code(), "a value is too long", e)
            : e;
      }
    }
  }

  static final class RefusesExactlyTheLimit extends TamperedStore {
    RefusesExactlyTheLimit(MovableClock clock) {
      super(clock);
    }

    @Override
    public List<Outcome> apply(List<Change> changes) {
      info().check(changes);
      for (Change change : changes) {
        for (Edit edit : change.edits()) {
          if (edit instanceof Edit.Mail mail && mail.value().length == StoreInfo.MAX_BYTES) {
            throw new AgentException(ErrorCode.LIMIT_EXCEEDED, "change " + change.id());
          }
        }
      }
      return super.apply(changes);
    }
  }
}
