package dev.troupe.testkit;

import dev.troupe.state.Change;
import dev.troupe.state.Claim;
import dev.troupe.state.Edit;
import dev.troupe.state.Place;
import dev.troupe.state.Scan;
import dev.troupe.state.Stored;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Mistakes with what is due: sentence 8. */
final class BrokenOrder {
  static final Comparator<Stored> PRIORITY =
      Comparator.comparing((Stored s) -> queued(s).priority()).reversed();
  static final Comparator<Stored> DUE =
      Comparator.comparing((Stored s) -> queued(s).due()).thenComparing(s -> s.id().key());
  static final Comparator<Stored> KEY = Comparator.comparing(s -> s.id().key());
  static final Comparator<Stored> PARTITION = Comparator.comparing(s -> s.id().partition());

  private BrokenOrder() {}

  private static Place.Queued queued(Stored stored) {
    return (Place.Queued) stored.place();
  }

  /** Hands out strictly in an order of its own. */
  static final class InOrder extends TamperedStore {
    private final Comparator<Stored> order;

    InOrder(MovableClock clock, Comparator<Stored> order) {
      super(clock);
      this.order = order;
    }

    @Override
    List<Stored> answer(Claim claim) {
      if (!(claim.from() instanceof Claim.From.Due due)) {
        return super.answer(claim);
      }
      List<Stored> taken = new ArrayList<>();
      long bytes = 0;
      for (Stored candidate : candidates(claim, due.queues())) {
        if (taken.size() == claim.limit() || (bytes > claim.maxBytes() && !taken.isEmpty())) {
          break;
        }
        Claim.From one = new Claim.From.Named(List.of(candidate.id()));
        for (Stored stored :
            inner.claim(new Claim(claim.grant(), one, claim.partitions(), 1, claim.maxBytes()))) {
          taken.add(stored);
          bytes += stored.value().length;
          bytes += stored.rows().values().stream().mapToInt(row -> row.length).sum();
          bytes += stored.mail().stream().mapToInt(mail -> mail.value().length).sum();
        }
      }
      return taken;
    }

    private List<Stored> candidates(Claim claim, List<String> queues) {
      List<Stored> candidates = new ArrayList<>();
      for (int partition : claim.partitions()) {
        Scan all = new Scan.Records(partition, "", null, false, Integer.MAX_VALUE);
        for (Stored stored : inner.scan(all).items()) {
          if (stored.place() instanceof Place.Queued queued
              && queues.contains(queued.queue())
              && !queued.due().isAfter(stored.now())) {
            candidates.add(stored);
          }
        }
      }
      candidates.sort(order);
      return candidates;
    }
  }

  static final class IgnoresPriority extends TamperedStore {
    IgnoresPriority(MovableClock clock) {
      super(clock);
    }

    @Override
    Edit line(Change change, Edit edit) {
      return edit instanceof Edit.Queue q
          ? new Edit.Queue(q.key(), q.queue(), 0, q.due(), q.lane(), q.wakeAtMail())
          : edit;
    }
  }

  /** Compares with the clock of the caller's machine, which is ahead of the store's. */
  static final class ClockAhead extends TamperedStore {
    ClockAhead(MovableClock clock) {
      super(clock);
    }

    @Override
    Edit line(Change change, Edit edit) {
      return edit instanceof Edit.Queue q
          ? new Edit.Queue(
              q.key(),
              q.queue(),
              q.priority(),
              q.due().minus(StoreFixture.SPAN),
              q.lane(),
              q.wakeAtMail())
          : edit;
    }

    @Override
    Stored shown(Stored s) {
      return s.place() instanceof Place.Queued q
          ? copy(s, s.now())
              .place(
                  new Place.Queued(
                      q.queue(),
                      q.priority(),
                      q.due().plus(StoreFixture.SPAN),
                      q.lane(),
                      q.wakeAtMail()))
              .build()
          : s;
    }
  }

  /** Asks one queue after the other, and the next only when the one before has nothing. */
  static final class FirstQueueFirst extends TamperedStore {
    FirstQueueFirst(MovableClock clock) {
      super(clock);
    }

    @Override
    List<Stored> answer(Claim claim) {
      if (!(claim.from() instanceof Claim.From.Due due)) {
        return super.answer(claim);
      }
      for (String queue : due.queues()) {
        Claim.From one = new Claim.From.Due(List.of(queue));
        List<Stored> taken =
            inner.claim(
                new Claim(claim.grant(), one, claim.partitions(), claim.limit(), claim.maxBytes()));
        if (!taken.isEmpty()) {
          return taken;
        }
      }
      return List.of();
    }
  }
}
