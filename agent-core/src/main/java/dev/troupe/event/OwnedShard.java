package dev.troupe.event;

import dev.troupe.event.Delivery.Shard;
import dev.troupe.event.Feed.ShardState;
import dev.troupe.event.GroupCursors.Held;
import dev.troupe.event.ShardLog.Chunk;
import dev.troupe.event.ShardLog.Entry;
import dev.troupe.state.Change;
import dev.troupe.state.Outcome;
import dev.troupe.state.RecordId;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;

/** A shard that a feed in mode ORDERED owns. */
final class OwnedShard {
  /** So many deliveries may lie behind one that is not settled. */
  private static final int WINDOW = 5_000;

  /** So many deliveries are noted ahead as handed out, so that noting them costs no write each. */
  private static final int AHEAD = 256;

  private Held held;
  private final GroupCursors group;
  private final ShardLog log;
  private final EventText texts;
  private final Handed handed = new Handed();
  private final TreeMap<Long, Delivery> again = new TreeMap<>();
  private final ArrayDeque<Entry> buffer = new ArrayDeque<>();

  /** What an owner before has settled and this one has not read yet. */
  private final TreeSet<Long> unread;

  private final long suspect;
  private long readTo;
  private long handedTo;
  private long seenAppends = -1;
  private long nextLook = System.nanoTime();
  private long deadline;
  private boolean dirty;

  OwnedShard(GroupCursors group, ShardLog log, EventText texts, Held held, long deadline) {
    this.group = group;
    this.log = log;
    this.texts = texts;
    this.held = held;
    this.deadline = deadline;
    Cursor cursor = held.cursor();
    this.unread = new TreeSet<>(cursor.done);
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
    if (settlement instanceof Settlement.Done) {
      if (handed.settle(position)) {
        if (!again.isEmpty()) {
          again.remove(position);
        }
        dirty = true;
      }
    } else if (settlement instanceof Settlement.Again && handed.has(position)) {
      again.put(position, settlement.delivery());
    }
  }

  void hand(List<Delivery> out, int max, long now, long idle) {
    while (out.size() < max && !again.isEmpty()) {
      Delivery back = again.pollFirstEntry().getValue();
      out.add(
          new Delivery(
              back.shard(), back.offset(), back.appended(), back.count() + 1, back.content()));
    }
    while (out.size() < max && handed.size() < WINDOW) {
      if (buffer.isEmpty() && !fill(now, idle)) {
        return;
      }
      Entry entry = buffer.removeFirst();
      handedTo = entry.position();
      if (!unread.isEmpty() && unread.remove(handedTo)) {
        handed.add(handedTo, null);
        dirty = true;
      } else {
        Delivery next = StoreFeed.delivery(texts, log.shard, entry, count(handedTo));
        handed.add(handedTo, next);
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
    if (handed.open() == 0) {
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

  /** What to write. */
  Change change(long until) {
    advance();
    held.cursor().until = until;
    return group.write(held);
  }

  /** Moves the prefix to the last one before which nothing is open. */
  private void advance() {
    Cursor cursor = held.cursor();
    long passed = handed.pass();
    if (passed > cursor.prefix) {
      cursor.prefix = passed;
      cursor.restarts = passed >= suspect ? 0 : Math.min(cursor.restarts, 1);
    }
    cursor.done.clear();
    cursor.done.addAll(unread);
    for (long position : handed.settledBehind()) {
      cursor.done.add(position);
    }
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

  /** The last thing to write. */
  Change letGo() {
    advance();
    Cursor cursor = held.cursor();
    cursor.owner = Cursor.NOBODY;
    cursor.until = 0;
    cursor.suspect = cursor.restarts > 0 ? suspect : 0;
    return group.write(held);
  }

  ShardState state() {
    Delivery oldest = handed.first();
    return new ShardState(
        log.shard, log.behind(handedTo) + handed.open(), oldest == null ? null : oldest.appended());
  }
}
