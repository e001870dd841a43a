package dev.troupe.testkit;

import dev.troupe.state.Change;
import dev.troupe.state.Claim;
import dev.troupe.state.Edit;
import dev.troupe.state.Find;
import dev.troupe.state.Outcome;
import dev.troupe.state.Page;
import dev.troupe.state.Scan;
import dev.troupe.state.Stored;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.UnaryOperator;

/** Mistakes with time and reading: sentences 10, 11 and 12. */
final class BrokenReads {
  private BrokenReads() {}

  /** Answers with another time than the store's. */
  static final class OtherNow extends TamperedStore {
    private final UnaryOperator<Instant> wrong;

    OtherNow(MovableClock clock, UnaryOperator<Instant> wrong) {
      super(clock);
      this.wrong = wrong;
    }

    /** The clock of a second server, a little behind, answers every other time. */
    static OtherNow ofTwoServers(MovableClock clock) {
      boolean[] second = {false};
      return new OtherNow(
          clock,
          now -> {
            second[0] = !second[0];
            return second[0] ? now : now.minusMillis(20);
          });
    }

    @Override
    Instant shown(Instant now) {
      return wrong.apply(now);
    }

    @Override
    Stored shown(Stored s) {
      return copy(s, wrong.apply(s.now())).build();
    }
  }

  static final class RemembersListings extends TamperedStore {
    private final Map<Scan, Page<Stored>> listings = new HashMap<>();

    RemembersListings(MovableClock clock) {
      super(clock);
    }

    @Override
    Page<Stored> answer(Scan scan) {
      return scan instanceof Scan.Records
          ? listings.computeIfAbsent(scan, inner::scan)
          : inner.scan(scan);
    }
  }

  /** Each thread sees its own writes at once and those of others some milliseconds later. */
  static final class ReadsFromAReplica extends TamperedStore {
    private record Copy(Instant at, Page<Stored> page) {}

    private final MovableClock clock;
    private final Map<Thread, Map<Scan, Copy>> copies = new ConcurrentHashMap<>();

    ReadsFromAReplica(MovableClock clock) {
      super(clock);
      this.clock = clock;
    }

    @Override
    boolean exclusive() {
      return false;
    }

    @Override
    Outcome applyOne(Change change) {
      Outcome outcome = super.applyOne(change);
      copies.remove(Thread.currentThread());
      return outcome;
    }

    @Override
    List<Stored> answer(Claim claim) {
      copies.remove(Thread.currentThread());
      return inner.claim(claim);
    }

    @Override
    Page<Stored> answer(Scan scan) {
      Instant now = clock.instant();
      return copies
          .computeIfAbsent(Thread.currentThread(), t -> new HashMap<>())
          .compute(
              scan,
              (s, copy) ->
                  copy == null || copy.at().isBefore(now) ? new Copy(now, inner.scan(s)) : copy)
          .page();
    }
  }

  static final class IndexesTagsOnce extends TamperedStore {
    private final Map<String, Map<String, String>> firstTags = new HashMap<>();

    IndexesTagsOnce(MovableClock clock) {
      super(clock);
    }

    @Override
    Edit line(Change change, Edit edit) {
      if (edit instanceof Edit.Put put) {
        firstTags.putIfAbsent(put.key(), put.tags());
      }
      return edit;
    }

    @Override
    Page<Stored> answer(Find find) {
      Page<Stored> page = inner.find(find);
      List<Stored> indexed =
          page.items().stream()
              .filter(
                  s ->
                      firstTags
                          .getOrDefault(s.id().key(), Map.of())
                          .entrySet()
                          .containsAll(find.tags().entrySet()))
              .toList();
      return new Page<>(indexed, page.next());
    }
  }

  static final class OrdersByCodePoint extends TamperedStore {
    OrdersByCodePoint(MovableClock clock) {
      super(clock);
    }

    @Override
    Page<Stored> answer(Scan scan) {
      Page<Stored> page = inner.scan(scan);
      List<Stored> items = new ArrayList<>(page.items());
      items.sort(Comparator.comparing(s -> new String(codePoints(s.id().key()))));
      return new Page<>(items, page.next());
    }

    /** Characters beyond U+FFFF moved to the end of the others. */
    private static char[] codePoints(String key) {
      char[] chars = key.toCharArray();
      for (int i = 0; i < chars.length; i++) {
        chars[i] = Character.isSurrogate(chars[i]) ? Character.MAX_VALUE : chars[i];
      }
      return chars;
    }
  }

  static final class PagesByTimeAlone extends TamperedStore {
    PagesByTimeAlone(MovableClock clock) {
      super(clock);
    }

    @Override
    Page<Stored> answer(Find find) {
      Page<Stored> page = inner.find(find);
      String cursor = find.cursor();
      if (cursor == null) {
        return page;
      }
      Instant last = Instant.ofEpochMilli(Long.parseLong(cursor.split(" ")[0]));
      return new Page<>(
          page.items().stream().filter(s -> s.created().isBefore(last)).toList(), page.next());
    }
  }

  /** Removes what has expired only in some of its calls. */
  static final class ExpiresIn extends TamperedStore {
    private final MovableClock clock;
    private final Set<String> calls;
    private final Map<String, Instant> expiry = new HashMap<>();

    ExpiresIn(MovableClock clock, String... calls) {
      super(clock);
      this.clock = clock;
      this.calls = Set.of(calls);
    }

    private void sweep(String call) {
      if (calls.contains(call)) {
        expiry
            .entrySet()
            .removeIf(
                e -> {
                  boolean over = !e.getValue().isAfter(clock.instant());
                  if (over) {
                    meddle(id(e.getKey()), new Edit.Delete(e.getKey()));
                  }
                  return over;
                });
      }
    }

    @Override
    Outcome applyOne(Change change) {
      sweep("apply");
      return super.applyOne(change);
    }

    @Override
    Edit line(Change change, Edit edit) {
      return edit instanceof Edit.Put put
          ? new Edit.Put(put.key(), put.value(), put.tags(), null)
          : edit;
    }

    @Override
    void afterDone(Change change, Outcome.Done done) {
      for (Edit edit : change.edits()) {
        if (edit instanceof Edit.Put put) {
          Instant expires = put.expires();
          if (expires == null) {
            expiry.remove(put.key());
          } else {
            expiry.put(put.key(), expires);
          }
        } else if (edit instanceof Edit.Delete) {
          expiry.remove(edit.key());
        }
      }
    }

    @Override
    List<Stored> answer(Claim claim) {
      sweep("claim");
      return inner.claim(claim);
    }

    @Override
    Page<Stored> answer(Scan scan) {
      sweep("scan");
      return inner.scan(scan);
    }

    @Override
    Page<Stored> answer(Find find) {
      sweep("find");
      return inner.find(find);
    }
  }

  static final class PutKeepsTheOldExpiry extends TamperedStore {
    private final Map<String, Instant> expiry = new HashMap<>();

    PutKeepsTheOldExpiry(MovableClock clock) {
      super(clock);
    }

    @Override
    Edit line(Change change, Edit edit) {
      if (edit instanceof Edit.Put put) {
        Instant expires = put.expires();
        if (expires == null) {
          Instant old = expiry.get(put.key());
          return new Edit.Put(put.key(), put.value(), put.tags(), old);
        }
        expiry.put(put.key(), expires);
      }
      return edit;
    }
  }
}
