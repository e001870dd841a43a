package dev.troupe.event;

import dev.troupe.event.Cursor.Taken;
import dev.troupe.event.Feed.ShardState;
import dev.troupe.event.GroupCursors.Held;
import dev.troupe.event.ShardLog.Chunk;
import dev.troupe.event.ShardLog.Entry;
import dev.troupe.state.Change;
import dev.troupe.state.Outcome;
import dev.troupe.state.RecordId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** A shard that feeds in mode SHARED take deliveries from, as one of them sees it. */
final class SharedShard {
  /** So many deliveries may lie behind one that is not settled. */
  private static final int WINDOW = 2_000;

  private final GroupCursors group;
  private final ShardLog log;
  private final String me;
  private final EventText texts;
  private final TreeMap<Long, Entry> window = new TreeMap<>();
  private final TreeMap<Long, Delivery> mine = new TreeMap<>();
  private final List<Settlement> settled = new ArrayList<>();
  private @Nullable Held known;
  private @Nullable Held next;
  private List<Delivery> taking = List.of();
  private boolean renew;
  private long readTo = -1;
  private long seenAppends = -1;
  private long nextLook = System.nanoTime();

  SharedShard(GroupCursors group, ShardLog log, EventText texts, String me) {
    this.texts = texts;
    this.group = group;
    this.log = log;
    this.me = me;
  }

  GroupCursors group() {
    return group;
  }

  RecordId about() {
    return group.about();
  }

  void settle(Settlement settlement) {
    if (!(settlement instanceof Settlement.Keep)
        && mine.containsKey(StoreFeed.position(settlement.delivery()))) {
      settled.add(settlement);
    }
  }

  void renew() {
    renew = !mine.isEmpty();
  }

  void giveBack() {
    mine.values().forEach(delivery -> settled.add(new Settlement.Again(delivery)));
  }

  boolean planned() {
    return next != null;
  }

  /** Reckons what to write; returns how many deliveries that would take. */
  int plan(int wanted, long now, long lease, long idle) {
    next = null;
    taking = List.of();
    if (settled.isEmpty() && !renew && !mayFind(wanted, idle)) {
      return 0;
    }
    Held from = known == null ? group.look(log.shard.number()) : known;
    known = from;
    Cursor cursor = from.cursor(); // changed in place: what is not written is read anew
    boolean changed = false;
    for (Settlement one : settled) {
      changed |= settle(cursor, one);
    }
    if (renew) {
      changed |= keep(cursor, now + lease);
    }
    if (wanted > 0) {
      taking = take(cursor, wanted, now, now + lease);
      changed |= !taking.isEmpty();
    }
    advance(cursor);
    if (changed) {
      next = new Held(from.number(), from.version(), cursor);
    } else {
      settled.clear();
      renew = false;
    }
    return taking.size();
  }

  private boolean mayFind(int wanted, long idle) {
    long nanos = System.nanoTime();
    if (wanted <= 0 || (log.appends() == seenAppends && nextLook - nanos > 0)) {
      return false;
    }
    if (log.appends() == seenAppends) {
      known = null; // others may have given back what they took
    }
    nextLook = nanos + idle;
    return true;
  }

  private boolean settle(Cursor cursor, Settlement settlement) {
    long position = StoreFeed.position(settlement.delivery());
    Taken taken = cursor.taken.get(position);
    if (taken == null || !taken.owner().equals(me)) {
      return false; // it was taken away
    }
    if (settlement instanceof Settlement.Done) {
      cursor.taken.remove(position);
      cursor.done.add(position);
    } else {
      cursor.taken.put(position, new Taken(Cursor.NOBODY, 0, taken.count()));
    }
    return true;
  }

  private boolean keep(Cursor cursor, long until) {
    boolean changed = false;
    for (Map.Entry<Long, Taken> entry : cursor.taken.entrySet()) {
      Taken taken = entry.getValue();
      if (taken.owner().equals(me)) {
        entry.setValue(new Taken(me, until, taken.count()));
        changed = true;
      }
    }
    return changed;
  }

  private List<Delivery> take(Cursor cursor, int wanted, long now, long until) {
    long appends = log.appends();
    fill(cursor);
    List<Delivery> found = new ArrayList<>();
    boolean all = false;
    while (found.size() < wanted && !all) {
      for (Entry entry : window.tailMap(cursor.prefix, false).values()) {
        if (found.size() == wanted) {
          break;
        }
        long position = entry.position();
        Taken taken = cursor.taken.get(position);
        if (!cursor.done.contains(position) && (taken == null || taken.until() <= now)) {
          int count = taken == null ? 1 : taken.count() + 1;
          cursor.taken.put(position, new Taken(me, until, count));
          found.add(StoreFeed.delivery(texts, log.shard, entry, count));
        }
      }
      all = found.size() == wanted || !fill(cursor);
    }
    if (found.isEmpty()) {
      seenAppends = appends;
    }
    return found;
  }

  private boolean fill(Cursor cursor) {
    window.headMap(cursor.prefix, true).clear();
    if (readTo < cursor.prefix) {
      readTo = cursor.prefix;
    }
    if (window.size() >= WINDOW) {
      return false;
    }
    Chunk chunk = log.read(readTo);
    readTo = chunk.next();
    for (Entry entry : chunk.entries()) {
      window.put(entry.position(), entry);
    }
    return !chunk.entries().isEmpty();
  }

  /** Moves the prefix over everything that is settled. */
  private void advance(Cursor cursor) {
    for (long position : window.tailMap(cursor.prefix, false).keySet()) {
      if (!cursor.done.remove(position)) {
        break;
      }
      cursor.prefix = position;
    }
  }

  Change change() {
    Held planned = next;
    if (planned == null) {
      throw new IllegalStateException("nothing was planned");
    }
    return group.write(planned);
  }

  /** Takes in what became of a write; false when it has to be planned again. */
  boolean written(Outcome outcome, List<Delivery> out) {
    Held planned = next;
    next = null;
    if (planned == null) {
      return true;
    }
    Held now = GroupCursors.written(planned, outcome);
    if (now == null) {
      known = group.found(planned, outcome);
      return false;
    }
    known = now;
    settled.forEach(one -> mine.remove(StoreFeed.position(one.delivery())));
    settled.clear();
    renew = false;
    for (Delivery delivery : taking) {
      mine.put(StoreFeed.position(delivery), delivery);
      out.add(delivery);
    }
    return true;
  }

  /** After a failure it is unknown how the cursor stands. */
  void forget() {
    known = null;
    next = null;
    taking = List.of();
  }

  ShardState state() {
    @Nullable Delivery oldest = mine.isEmpty() ? null : mine.firstEntry().getValue();
    Held at = known;
    long prefix = at == null ? 0 : at.cursor().prefix;
    return new ShardState(
        log.shard,
        log.behind(Math.max(prefix, readTo)) + window.tailMap(prefix, false).size(),
        oldest == null ? null : oldest.appended());
  }
}
