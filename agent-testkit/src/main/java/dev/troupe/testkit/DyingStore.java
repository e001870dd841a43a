package dev.troupe.testkit;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.state.Change;
import dev.troupe.state.Claim;
import dev.troupe.state.Find;
import dev.troupe.state.Outcome;
import dev.troupe.state.Page;
import dev.troupe.state.Scan;
import dev.troupe.state.StateStore;
import dev.troupe.state.StoreInfo;
import dev.troupe.state.Stored;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A store as a process sees it that dies at its k-th call: the call is made, made in part or not
 * made at all, and nothing is ever answered again. Only calls that change something count; a claim
 * that hands out nothing and a read leave the same world behind whether the process dies before or
 * after.
 */
final class DyingStore implements StateStore {
  /** What becomes of the last call. */
  enum Moment {
    /** It never reaches the store. */
    BEFORE,
    /** Of several changes the first half is made. */
    AMID,
    /** It is made, its answer is lost. */
    AFTER
  }

  private final StateStore store;
  private final int fatal;
  private final Moment moment;
  private final AtomicInteger calls = new AtomicInteger();
  private final CountDownLatch death = new CountDownLatch(1);
  private final ReentrantLock oneAtATime = new ReentrantLock();

  DyingStore(StateStore store, int fatal, Moment moment) {
    this.store = store;
    this.fatal = fatal;
    this.moment = moment;
  }

  int calls() {
    return calls.get();
  }

  boolean isDead() {
    return death.getCount() == 0;
  }

  CountDownLatch death() {
    return death;
  }

  @Override
  public List<Outcome> apply(List<Change> changes) {
    oneAtATime.lock(); // so that nothing is under way when the process is dead
    try {
      alive();
      if (calls.incrementAndGet() != fatal) {
        return store.apply(changes);
      }
      if (moment == Moment.AFTER) {
        store.apply(changes);
      } else if (moment == Moment.AMID && changes.size() > 1) {
        store.apply(changes.subList(0, changes.size() / 2));
      }
      throw die();
    } finally {
      oneAtATime.unlock();
    }
  }

  @Override
  public List<Stored> claim(Claim claim) {
    oneAtATime.lock();
    try {
      alive();
      List<Stored> records = store.claim(claim);
      if (!records.isEmpty() && calls.incrementAndGet() == fatal) {
        throw die();
      }
      return records;
    } finally {
      oneAtATime.unlock();
    }
  }

  @Override
  public Page<Stored> scan(Scan scan) {
    alive();
    return store.scan(scan);
  }

  @Override
  public Page<Stored> find(Find find) {
    alive();
    return store.find(find);
  }

  @Override
  public StoreInfo info() {
    return store.info();
  }

  private void alive() {
    if (isDead()) {
      throw dead();
    }
  }

  private AgentException die() {
    death.countDown();
    return dead();
  }

  private AgentException dead() {
    return new AgentException(ErrorCode.CLOSED, "the process died at call " + fatal);
  }
}
