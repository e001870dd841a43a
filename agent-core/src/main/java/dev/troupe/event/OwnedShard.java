package dev.troupe.event;

import dev.troupe.event.Delivery.Shard;
import dev.troupe.event.Feed.ShardState;
import dev.troupe.event.GroupCursors.Held;
import dev.troupe.event.ShardLog.Chunk;
import dev.troupe.event.ShardLog.Entry;
import dev.troupe.state.Outcome;
import dev.troupe.state.RecordId;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** A shard that a feed in mode ORDERED owns. */
final class OwnedShard {
  /** So many deliveries may lie behind one that is not settled. */
  private static final int WINDOW = 5_000;

  /** So many deliveries are noted ahead as handed out, so that noting them costs no write each. */
  private static final int AHEAD = 256;

  Held held;
  private final GroupCursors group;
  private final ShardLog log;
  private final TreeMap<Long, Delivery> open = new TreeMap<>();
  private final TreeMap<Long, Delivery> again = new TreeMap<>();
  private final ArrayDeque<Entry> buffer = new ArrayDeque<>();
  private final long suspect;
  private long readTo;
  private long handedTo;
  private long seenAppends = -1;
  private long nextLook = System.nanoTime();
  private long deadline;
  private boolean dirty;
  private boolean settledSome;

  OwnedShard(GroupCursors group, ShardLog log, Held held, long deadline) {
    this.group = group;
    this.log = log;
    this.held = held;
    this.deadline = deadline;
    Cursor cursor = held.cursor();
    this.readTo = cursor.prefix;
    this.handedTo = cursor.prefix;
    this.suspect = cursor.restarts > 0 ? cursor.suspect : 0;
  }

  Shard shard() {
    return log.shard;
  }

  GroupCursors group() {
    return group;
  }

  RecordId about() {
    return group.about();
  }

  boolean dirty() {
    if (settledSome) {
      advance();
    }
    return dirty;
  }

  /** Whether the lease has more than a quarter left. */
  boolean sure(long now, Duration lease) {
    return deadline - now > lease.toNanos() / 4;
  }

  /** Whether the lease has more than two thirds left. */
  boolean fresh(long now, Duration lease) {
    return deadline - now > lease.toNanos() * 2 / 3;
  }

  void settle(Settlement settlement) {
    long position = StoreFeed.position(settlement.delivery());
    if (settlement instanceof Settlement.Done && open.remove(position) != null) {
      again.remove(position);
      held.cursor().done.add(position);
      settledSome = true;
    } else if (settlement instanceof Settlement.Again && open.containsKey(position)) {
      again.put(position, settlement.delivery());
    }
  }

  /** Moves the prefix to the last one before which nothing is open. */
  private void advance() {
    settledSome = false;
    dirty = true;
    Cursor cursor = held.cursor();
    long prefix = handedTo;
    if (!open.isEmpty()) {
      Long before = cursor.done.lower(open.firstKey());
      prefix = before == null ? cursor.prefix : before;
    }
    if (prefix > cursor.prefix) {
      cursor.prefix = prefix;
      cursor.done.headSet(prefix, true).clear();
      cursor.restarts = prefix >= suspect ? 0 : Math.min(cursor.restarts, 1);
    }
  }

  void hand(List<Delivery> out, int max, long now, long idle) {
    while (out.size() < max && !again.isEmpty()) {
      Delivery back = again.pollFirstEntry().getValue();
      Delivery next =
          new Delivery(
              back.shard(), back.offset(), back.appended(), back.count() + 1, back.content());
      open.put(StoreFeed.position(next), next);
      out.add(next);
    }
    while (out.size() < max && open.size() + held.cursor().done.size() < WINDOW) {
      if (buffer.isEmpty() && !fill(now, idle)) {
        return;
      }
      Entry entry = buffer.removeFirst();
      handedTo = entry.position();
      if (held.cursor().done.contains(handedTo)) {
        settledSome = true;
      } else {
        Delivery next = StoreFeed.delivery(log.shard, entry, count(handedTo));
        open.put(handedTo, next);
        out.add(next);
        note(handedTo);
      }
    }
  }

  /** Keeps what was about to be handed out and could not be. */
  void takeBack(Delivery delivery) {
    Delivery before =
        new Delivery(
            delivery.shard(),
            delivery.offset(),
            delivery.appended(),
            delivery.count() - 1,
            delivery.content());
    again.put(StoreFeed.position(delivery), before);
  }

  private int count(long position) {
    int restarts = held.cursor().restarts;
    if (open.isEmpty()) {
      return 1 + restarts; // the first one that is not settled
    }
    return position <= suspect ? 1 + Math.min(restarts, 1) : 1;
  }

  /** Says in the store, ahead of time, which deliveries may have been handed out. */
  private void note(long position) {
    if (position > held.cursor().suspect) {
      long mark = position;
      int ahead = 0;
      for (Entry next : buffer) {
        if (++ahead > AHEAD) {
          break;
        }
        mark = next.position();
      }
      held.cursor().suspect = mark;
      dirty = true;
    }
  }

  private boolean fill(long now, long idle) {
    long appends = log.appends();
    if (appends == seenAppends && nextLook - now > 0) {
      return false;
    }
    Chunk chunk = log.read(readTo);
    readTo = chunk.next();
    buffer.addAll(chunk.entries());
    if (buffer.isEmpty()) {
      seenAppends = appends;
      nextLook = now + idle;
    }
    return !buffer.isEmpty();
  }

  /** Takes in what became of a write; false when the shard belongs to somebody else. */
  boolean written(Outcome outcome, String member, long newDeadline) {
    Held now = GroupCursors.written(held, outcome);
    if (now == null) {
      Held found = group.found(held, outcome);
      if (found == null || !found.cursor().owner.equals(member)) {
        return false;
      }
      // an answer was lost: nobody else writes what is this member's
      held = new Held(held.number(), found.version(), held.cursor());
      dirty = true;
      return true;
    }
    held = now;
    deadline = newDeadline;
    dirty = false;
    return true;
  }

  void letGo() {
    advance();
    Cursor cursor = held.cursor();
    cursor.owner = Cursor.NOBODY;
    cursor.until = 0;
    cursor.suspect = cursor.restarts > 0 ? suspect : 0;
  }

  ShardState state() {
    @Nullable Delivery oldest = open.isEmpty() ? null : open.firstEntry().getValue();
    return new ShardState(
        log.shard, log.behind(handedTo) + open.size(), oldest == null ? null : oldest.appended());
  }
}
