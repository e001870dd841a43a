package dev.troupe.state;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Lets changes of concurrent callers ride together: the caller that finds no flush under way sends
 * its own change at once, the others go with the next flush.
 *
 * <p>A single caller never waits for another thread. Under load a flush carries all that came while
 * the one before was under way, so a store is asked once, and syncs once, for many callers. The
 * technique is flat combining (Hendler, Incze, Shavit, Tzafrir, SPAA 2010) with group commit behind
 * it. Safe for use by many threads; blocks until the answer is there, also when the caller is
 * interrupted, because a change that was sent may be done whoever stops waiting for it.
 */
public final class BatchingStore {
  /** A flush never carries more lines than this, so that nobody waits long for those before. */
  private static final int MAX_EDITS_A_FLUSH = 1024;

  private final StateStore store;
  private final StoreInfo info;
  private final AtomicBoolean flushing = new AtomicBoolean();
  private final ConcurrentLinkedQueue<Waiting> queue = new ConcurrentLinkedQueue<>();

  private static final class Waiting {
    final Change change;
    final Thread thread = Thread.currentThread();
    volatile @Nullable Outcome outcome;
    volatile @Nullable RuntimeException failure;
    volatile boolean leads;

    Waiting(Change change) {
      this.change = change;
    }

    boolean answered() {
      return outcome != null || failure != null;
    }
  }

  /**
   * Batches over a store.
   *
   * @param store where the changes go; not closed by this
   */
  public BatchingStore(StateStore store) {
    this.store = store;
    this.info = store.info();
  }

  /**
   * Does one change.
   *
   * @param change what to do
   * @return what became of it
   * @throws AgentException as {@link StateStore#apply}; a change that breaks a rule is refused here
   *     and spoils no one else's flush
   */
  public Outcome apply(Change change) {
    info.check(change);
    if (queue.isEmpty() && flushing.compareAndSet(false, true)) {
      try {
        return send(List.of(change)).get(0);
      } finally {
        handOver();
      }
    }
    Waiting mine = new Waiting(change);
    queue.add(mine);
    if (flushing.compareAndSet(false, true)) {
      lead(mine);
    }
    boolean interrupted = false;
    while (!mine.answered()) {
      if (mine.leads) {
        mine.leads = false;
        lead(mine);
      } else {
        LockSupport.park(this);
        interrupted |= Thread.interrupted();
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    RuntimeException failure = mine.failure;
    if (failure != null) {
      throw failure;
    }
    Outcome outcome = mine.outcome;
    if (outcome == null) {
      throw new IllegalStateException("answered without an answer");
    }
    return outcome;
  }

  private List<Outcome> send(List<Change> changes) {
    List<Outcome> outcomes = store.apply(changes);
    if (outcomes.size() != changes.size()) {
      throw new AgentException(
          ErrorCode.STORE_UNAVAILABLE,
          "store %s answered %d of %d changes"
              .formatted(info.name(), outcomes.size(), changes.size()));
    }
    return outcomes;
  }

  /** Flushes until the own change is answered, then hands the lead to one that waits. */
  private void lead(Waiting mine) {
    try {
      while (!mine.answered()) {
        flush();
      }
    } finally {
      handOver();
    }
  }

  private void handOver() {
    flushing.set(false);
    // whoever queued before the line above saw a flush under way and may be asleep
    Waiting next = queue.peek();
    if (next != null && flushing.compareAndSet(false, true)) {
      next = queue.peek();
      if (next == null) {
        flushing.set(false);
        if (!queue.isEmpty()) {
          handOver();
        }
      } else {
        next.leads = true;
        LockSupport.unpark(next.thread);
      }
    }
  }

  private void flush() {
    List<Waiting> riders = new ArrayList<>();
    List<Change> changes = new ArrayList<>();
    int edits = 0;
    Waiting next = queue.peek();
    while (next != null
        && (riders.isEmpty() || edits + next.change.edits().size() <= MAX_EDITS_A_FLUSH)) {
      queue.poll();
      riders.add(next);
      changes.add(next.change);
      edits += next.change.edits().size();
      next = queue.peek();
    }
    List<Outcome> outcomes;
    try {
      outcomes = send(changes);
    } catch (RuntimeException e) {
      for (Waiting rider : riders) {
        rider.failure = e;
        LockSupport.unpark(rider.thread);
      }
      return;
    } catch (Throwable t) {
      AgentException e =
          new AgentException(ErrorCode.STORE_UNAVAILABLE, "the store failed: " + t, t);
      for (Waiting rider : riders) {
        rider.failure = e;
        LockSupport.unpark(rider.thread);
      }
      throw t;
    }
    for (int i = 0; i < riders.size(); i++) {
      riders.get(i).outcome = outcomes.get(i);
      LockSupport.unpark(riders.get(i).thread);
    }
  }
}
