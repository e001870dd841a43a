package dev.troupe.state;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.NavigableSet;
import java.util.Objects;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** The records of one partition and what finds them, under one lock. */
final class MemoryPartition {
  /** One of so many records handed out is the one due longest, whatever its priority. */
  private static final int FAIRNESS = 8;

  private static final Comparator<MemoryRecord> BY_DUE =
      Comparator.comparing((MemoryRecord r) -> ((Place.Queued) r.place).due())
          .thenComparing(r -> r.id.key());

  private static final Comparator<MemoryRecord> BY_EXPIRY =
      Comparator.comparing((MemoryRecord r) -> Objects.requireNonNull(r.expires))
          .thenComparing(r -> r.id.key());

  private final int number;
  private final StoreClock clock;
  private final ReentrantLock lock = new ReentrantLock();
  private final TreeMap<String, MemoryRecord> records = new TreeMap<>();
  // what may be handed out: only the head of a lane stands here; the index is the priority
  private final Map<String, List<NavigableSet<MemoryRecord>>> queues = new HashMap<>();
  private final Map<String, LinkedHashSet<MemoryRecord>> held = new HashMap<>();
  private final Map<String, LinkedHashSet<MemoryRecord>> lanes = new HashMap<>();
  private final NavigableSet<MemoryRecord> expiring = new TreeSet<>(BY_EXPIRY);
  private int handedOut;

  MemoryPartition(int number, StoreClock clock) {
    this.number = number;
    this.clock = clock;
  }

  Outcome apply(Change change) {
    lock.lock();
    try {
      Instant now = tick();
      List<Edit> edits = change.edits();
      Edit failed = firstFailing(change, edits);
      if (failed != null) {
        MemoryRecord found = records.get(failed.key());
        return new Outcome.Refused(now, failed, found == null ? null : found.head(now));
      }
      return new Outcome.Done(now, ofOneRecord(edits) ? one(change, now) : many(change, now));
    } finally {
      lock.unlock();
    }
  }

  private static boolean ofOneRecord(List<Edit> edits) {
    String key = edits.get(0).key();
    for (int i = 1; i < edits.size(); i++) {
      if (!edits.get(i).key().equals(key)) {
        return false;
      }
    }
    return true;
  }

  /** Most changes are of one record: no map for them. */
  private List<Outcome.Seen> one(Change change, Instant now) {
    List<Edit> edits = change.edits();
    boolean accepted = true;
    for (int i = 0; i < edits.size(); i++) {
      accepted &= perform(change.id(), edits.get(i), now);
    }
    return List.of(seen(edits.get(0).key(), accepted));
  }

  private List<Outcome.Seen> many(Change change, Instant now) {
    Map<String, Boolean> accepted = new LinkedHashMap<>();
    for (Edit edit : change.edits()) {
      accepted.merge(edit.key(), perform(change.id(), edit, now), Boolean::logicalAnd);
    }
    List<Outcome.Seen> seen = new ArrayList<>(accepted.size());
    accepted.forEach((key, taken) -> seen.add(seen(key, taken)));
    return seen;
  }

  private Outcome.Seen seen(String key, boolean accepted) {
    MemoryRecord record = records.get(key);
    if (record == null) {
      return new Outcome.Seen(key, 0, 0, accepted, null);
    }
    Grant holder = record.place instanceof Place.Held holding ? holding.grant() : null;
    return new Outcome.Seen(key, record.version, record.mailNumber(), accepted, holder);
  }

  private @Nullable Edit firstFailing(Change change, List<Edit> edits) {
    for (int i = 0; i < edits.size(); i++) {
      Edit edit = edits.get(i);
      MemoryRecord record = records.get(edit.key());
      boolean holds;
      if (edit instanceof Edit.Held guard) {
        holds =
            record != null
                && record.place instanceof Place.Held holding
                && holding.grant().equals(guard.grant());
      } else if (edit instanceof Edit.Absent) {
        holds = record == null;
      } else if (edit instanceof Edit.AtVersion guard) {
        holds = record != null && record.version == guard.version();
      } else if (edit instanceof Edit.NoMailAfter guard) {
        holds = record == null || record.mailNumber() <= guard.mail();
      } else if (edit instanceof Edit.NoRow guard) {
        holds = record == null || !record.rows.containsKey(guard.row());
      } else if (edit instanceof Edit.Add) {
        holds = sumsHold(edits, i);
      } else {
        boolean raises =
            edit instanceof Edit.Put || edit instanceof Edit.Queue || edit instanceof Edit.Release;
        holds = !raises || record == null || !record.lastChange.equals(change.id());
      }
      if (!holds) {
        return edit;
      }
    }
    return null;
  }

  /** Judges an addition together with those before it to the same counter. */
  private boolean sumsHold(List<Edit> edits, int index) {
    Edit.Add add = (Edit.Add) edits.get(index);
    MemoryRecord record = records.get(add.key());
    long sum = record == null ? 0 : record.counters.getOrDefault(add.counter(), 0L);
    for (int i = 0; i <= index; i++) {
      if (edits.get(i) instanceof Edit.Add other
          && other.key().equals(add.key())
          && other.counter().equals(add.counter())) {
        try {
          sum = Math.addExact(sum, other.delta());
        } catch (ArithmeticException beyond) {
          return false; // no counter goes further than a long
        }
      }
    }
    return sum >= add.atLeast();
  }

  /** Makes one edit; false when it was mail that had to be dropped. */
  private boolean perform(String changeId, Edit edit, Instant now) {
    if (edit instanceof Edit.Row row) {
      if (row.value() != null) {
        obtain(row.key(), now).rows.put(row.row(), row.value());
      } else {
        MemoryRecord record = records.get(row.key());
        if (record != null) {
          record.rows.remove(row.row());
        }
      }
    } else if (edit instanceof Edit.Mail mail) {
      return deliver(mail, now);
    } else if (edit instanceof Edit.Put put) {
      MemoryRecord record = obtain(put.key(), now);
      record.value = put.value();
      record.tags = put.tags();
      expire(record, put.expires());
      record.raise(changeId);
    } else if (edit instanceof Edit.Queue queue) {
      MemoryRecord record = obtain(queue.key(), now);
      move(
          record,
          new Place.Queued(
              queue.queue(),
              queue.priority(),
              queue.due().isBefore(now) ? now : queue.due(),
              queue.lane(),
              queue.wakeAtMail()));
      record.raise(changeId);
    } else if (edit instanceof Edit.Release release) {
      MemoryRecord record = records.get(release.key());
      if (record != null) {
        move(record, Place.NONE);
        record.raise(changeId);
      }
    } else if (edit instanceof Edit.Add add) {
      obtain(add.key(), now).counters.merge(add.counter(), add.delta(), Long::sum);
    } else if (edit instanceof Edit.Delete delete) {
      MemoryRecord record = records.get(delete.key());
      if (record != null) {
        remove(record);
      }
    }
    return true;
  }

  private boolean deliver(Edit.Mail mail, Instant now) {
    MemoryRecord record = records.get(mail.key());
    if (record == null) {
      return false;
    }
    if (record.hasMail(mail.row())) {
      return true;
    }
    if (record.place instanceof Place.None) {
      return false;
    }
    record.accept(mail.row(), mail.value());
    if (record.place instanceof Place.Queued q
        && (mail.urgent() || record.mailNumber() >= q.wakeAtMail())
        && q.due().isAfter(now)) {
      move(record, new Place.Queued(q.queue(), q.priority(), now, q.lane(), q.wakeAtMail()));
    }
    return true;
  }

  private MemoryRecord obtain(String key, Instant now) {
    return records.computeIfAbsent(key, k -> new MemoryRecord(new RecordId(number, k), now));
  }

  private void expire(MemoryRecord record, @Nullable Instant expires) {
    if (record.expires != null) {
      expiring.remove(record);
    }
    record.expires = expires;
    if (expires != null) {
      expiring.add(record);
    }
  }

  private void remove(MemoryRecord record) {
    move(record, Place.NONE);
    expire(record, null);
    records.remove(record.id.key());
  }

  /** Changes a record's place and everything that finds it there. */
  private void move(MemoryRecord record, Place to) {
    String laneBefore = record.lane();
    unlist(record);
    record.place = to;
    String laneNow = record.lane();
    if (laneBefore != null && !laneBefore.equals(laneNow)) {
      LinkedHashSet<MemoryRecord> lane = Objects.requireNonNull(lanes.get(laneBefore));
      lane.remove(record);
      if (lane.isEmpty()) {
        lanes.remove(laneBefore);
      } else {
        list(lane.iterator().next());
      }
    }
    if (laneNow != null && !laneNow.equals(laneBefore)) {
      lanes.computeIfAbsent(laneNow, l -> new LinkedHashSet<>()).add(record);
    }
    list(record);
  }

  private void unlist(MemoryRecord record) {
    if (record.place instanceof Place.Queued q) {
      List<NavigableSet<MemoryRecord>> levels = queues.get(q.queue());
      if (levels != null) {
        levels.get(q.priority()).remove(record);
        if (levels.stream().allMatch(NavigableSet::isEmpty)) {
          queues.remove(q.queue());
        }
      }
    } else if (record.place instanceof Place.Held h) {
      LinkedHashSet<MemoryRecord> mine = held.get(h.grant().holder());
      if (mine != null && mine.remove(record) && mine.isEmpty()) {
        held.remove(h.grant().holder());
      }
    }
  }

  private void list(MemoryRecord record) {
    if (record.place instanceof Place.Queued q) {
      if (heads(record)) {
        queues
            .computeIfAbsent(
                q.queue(),
                name ->
                    List.of(new TreeSet<>(BY_DUE), new TreeSet<>(BY_DUE), new TreeSet<>(BY_DUE)))
            .get(q.priority())
            .add(record);
      }
    } else if (record.place instanceof Place.Held h) {
      held.computeIfAbsent(h.grant().holder(), name -> new LinkedHashSet<>()).add(record);
    }
  }

  private boolean heads(MemoryRecord record) {
    String lane = record.lane();
    return lane == null || Objects.requireNonNull(lanes.get(lane)).iterator().next() == record;
  }

  void takeDue(List<String> names, MemoryStateStore.Taken taken) {
    lock.lock();
    try {
      Instant now = tick();
      while (!taken.full()) {
        MemoryRecord next = nextDue(names, now, Turns.isLast(handedOut + 1, FAIRNESS));
        if (next == null) {
          return;
        }
        handedOut++;
        hand(next, taken, now);
      }
    } finally {
      lock.unlock();
    }
  }

  private @Nullable MemoryRecord nextDue(List<String> names, Instant now, boolean longestDue) {
    MemoryRecord best = null;
    for (int priority = 2; priority >= 0; priority--) {
      for (String name : names) {
        List<NavigableSet<MemoryRecord>> levels = queues.get(name);
        if (levels != null && !levels.get(priority).isEmpty()) {
          MemoryRecord first = levels.get(priority).first();
          boolean due = !((Place.Queued) first.place).due().isAfter(now);
          if (due && (best == null || BY_DUE.compare(first, best) < 0)) {
            best = first;
          }
        }
      }
      if (best != null && !longestDue) {
        return best;
      }
    }
    return best;
  }

  void takeNamed(String key, MemoryStateStore.Taken taken) {
    lock.lock();
    try {
      Instant now = tick();
      MemoryRecord record = records.get(key);
      if (record != null && record.place instanceof Place.Queued && heads(record)) {
        hand(record, taken, now);
      }
    } finally {
      lock.unlock();
    }
  }

  void takeHeld(Claim.From.HeldBy from, MemoryStateStore.Taken taken) {
    lock.lock();
    try {
      Instant now = tick();
      LinkedHashSet<MemoryRecord> his = held.get(from.holder());
      if (his == null) {
        return;
      }
      Grant grant = taken.claim.grant();
      for (MemoryRecord record : List.copyOf(his)) {
        Grant present = ((Place.Held) record.place).grant();
        if (!from.except().contains(present.number()) && !present.equals(grant) && !taken.full()) {
          hand(record, taken, now);
        }
      }
    } finally {
      lock.unlock();
    }
  }

  private void hand(MemoryRecord record, MemoryStateStore.Taken taken, Instant now) {
    move(record, new Place.Held(taken.claim.grant(), record.lane()));
    record.version++;
    taken.add(record.whole(now), record.size());
  }

  Page<Stored> scanRows(Scan.Rows scan) {
    lock.lock();
    try {
      Instant now = tick();
      MemoryRecord record = records.get(scan.id().key());
      if (record == null) {
        return MemoryStateStore.nothing();
      }
      NavigableMap<String, byte[]> rest =
          scan.after() == null ? record.rows : record.rows.tailMap(scan.after(), false);
      NavigableMap<String, byte[]> some = new TreeMap<>();
      for (Map.Entry<String, byte[]> row : rest.entrySet()) {
        if (some.size() == scan.limit()) {
          break;
        }
        some.put(row.getKey(), row.getValue());
      }
      String next = some.isEmpty() || some.size() == rest.size() ? null : some.lastKey();
      return new Page<>(List.of(record.part(now, some, scan.mailAfter())), next);
    } finally {
      lock.unlock();
    }
  }

  Page<Stored> scanRecords(Scan.Records scan) {
    lock.lock();
    try {
      Instant now = tick();
      String after = scan.after();
      boolean on = after != null && after.compareTo(scan.prefix()) >= 0;
      List<Stored> found = new ArrayList<>();
      NavigableMap<String, MemoryRecord> rest =
          on ? records.tailMap(after, false) : records.tailMap(scan.prefix(), true);
      for (MemoryRecord record : rest.values()) {
        if (!record.id.key().startsWith(scan.prefix())) {
          break;
        }
        if (found.size() == scan.limit()) {
          return new Page<>(found, found.get(found.size() - 1).id().key());
        }
        found.add(scan.rows() ? record.whole(now) : record.head(now));
      }
      return new Page<>(found, null);
    } finally {
      lock.unlock();
    }
  }

  void find(Find find, List<Stored> found) {
    lock.lock();
    try {
      Instant now = tick();
      Instant from = find.from();
      Instant to = find.to();
      for (MemoryRecord record : records.values()) {
        if ((from == null || !record.created.isBefore(from))
            && (to == null || record.created.isBefore(to))
            && record.tags.entrySet().containsAll(find.tags().entrySet())) {
          found.add(record.head(now));
        }
      }
    } finally {
      lock.unlock();
    }
  }

  /** The time, after which nothing that has expired is here any more. */
  private Instant tick() {
    Instant now = clock.instant();
    while (!expiring.isEmpty() && expiring.first().expired(now)) {
      remove(expiring.first());
    }
    return now;
  }
}
