package dev.troupe.event;

import dev.troupe.state.Edit;
import dev.troupe.state.RecordId;
import dev.troupe.state.Stored;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Says which events kill their processes. That an event was delivered before says only that a
 * process died that had it, among others. So before such a suspect is handled it is noted in the
 * store, and after that the note is deleted: what is noted again and again has killed. Used by the
 * threads of one subscriber.
 */
final class Trials {
  /** Who has to wait asks again after this. */
  static final Duration TURN = Duration.ofMillis(20);

  private static final Duration KEPT = Duration.ofDays(7);
  private static final long RESERVED_NANOS = Duration.ofSeconds(1).toNanos();

  private final StoreAccess access;
  private final String group;
  private final int maxDeliveries;
  private final ReentrantLock lock = new ReentrantLock();

  /** Suspects that are being handled. */
  private final Set<Task> entered = Collections.newSetFromMap(new IdentityHashMap<>());

  /** Whether the one that entered has to stay the only one. */
  private boolean alone;

  /** Until then nobody enters but who has to be alone. */
  private long reservedUntil = System.nanoTime();

  Trials(StoreAccess access, String group, int maxDeliveries) {
    this.access = access;
    this.group = group;
    this.maxDeliveries = maxDeliveries;
  }

  private RecordId id(Task task) {
    return access.id("$try:" + Hash.of(group + ":" + task.shard + ":" + task.identity()));
  }

  static boolean suspect(Task task) {
    return task.parked == null ? task.count > 1 : task.parked.note().deaths() > 0;
  }

  /** What may be done with a task. */
  enum Verdict {
    HANDLE,

    /** It is not its turn. */
    WAIT,

    /** It has killed often enough. */
    BURY
  }

  /** Says whether a task may be handled; that a suspect is about to be is noted before. */
  Verdict begin(Task task) {
    if (!suspect(task) || task.onTrial) {
      return Verdict.HANDLE;
    }
    RecordId id = id(task);
    if (task.killed < 0) { // not looked up again: a note whose fate is unknown may be this one's
      Stored found = access.look(id, false);
      task.killed =
          found == null
              ? 0
              : Integer.parseInt(new String(found.value(), StandardCharsets.US_ASCII));
    }
    int now = task.killed + 1; // the first time it was no suspect, and was not noted
    if (now >= maxDeliveries) {
      return Verdict.BURY;
    }
    if (!enter(task, now + 1 >= maxDeliveries)) {
      return Verdict.WAIT;
    }
    try {
      byte[] value = Integer.toString(now).getBytes(StandardCharsets.US_ASCII);
      Instant expires = Instant.ofEpochMilli(access.now(id)).plus(KEPT);
      access.apply(id.partition(), List.of(new Edit.Put(id.key(), value, Map.of(), expires)));
      task.onTrial = true;
      return Verdict.HANDLE;
    } finally {
      if (!task.onTrial) {
        leave(task);
      }
    }
  }

  /** It did not kill. */
  void end(Task task) {
    if (task.onTrial) {
      try {
        RecordId id = id(task);
        access.apply(id.partition(), List.of(new Edit.Delete(id.key())));
        task.onTrial = false;
      } finally {
        leave(task);
      }
    }
  }

  /** It is a dead letter: should it be replayed, it begins anew. */
  void forget(Task task) {
    if (suspect(task)) {
      RecordId id = id(task);
      access.apply(id.partition(), List.of(new Edit.Delete(id.key())));
    }
  }

  /**
   * Suspects are handled beside each other while all have another chance. Who has none is handled
   * while no other suspect is: if that one killed, this one would be blamed.
   */
  private boolean enter(Task task, boolean lastChance) {
    lock.lock();
    try {
      long now = System.nanoTime();
      if (lastChance) {
        reservedUntil = now + RESERVED_NANOS; // it asks again before that, if it is still here
        alone |= entered.isEmpty();
        return entered.isEmpty() && entered.add(task);
      }
      return !alone && reservedUntil - now <= 0 && entered.add(task);
    } finally {
      lock.unlock();
    }
  }

  private void leave(Task task) {
    lock.lock();
    try {
      entered.remove(task);
      if (entered.isEmpty()) {
        alone = false;
      }
    } finally {
      lock.unlock();
    }
  }
}
