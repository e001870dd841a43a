package dev.troupe.llm.log;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.state.Change;
import dev.troupe.state.Grant;
import dev.troupe.state.Outcome;
import dev.troupe.state.StateStore;
import dev.troupe.state.StoreTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Collects what runs of this process tell and writes it from one thread: a row for each run and
 * turn, all rows of a turn in one call of the store. Safe for use by many threads.
 */
final class LogWriters implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(RunLog.class);
  private static final int FULL = 4 * 1024;
  private static final int MOST_WAITING = 256 * 1024;
  private static final long IDLE = TimeUnit.MINUTES.toNanos(1);
  private static final long AFTER_CLOSE = TimeUnit.SECONDS.toNanos(5);
  private static final int MOST_CHANGES = 64;

  /** How often, and how many times at most, it is looked who ended a run. */
  private static final long LOOK_AGAIN = TimeUnit.MILLISECONDS.toNanos(20);

  private static final int MOST_LOOKS = 500;

  private final StateStore store;
  private final StoreTime time = new StoreTime();
  private final LogRows rows;
  private final LogBounds bounds;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition told = lock.newCondition();
  private final Condition written = lock.newCondition();

  /** In the order of their beginning: an execution's last words go before its successor's first. */
  private final Map<Owner, Desk> desks = new LinkedHashMap<>();

  private final Map<String, Owner> newest = new HashMap<>();
  private @Nullable Thread thread;
  private long turns;
  private long closeBy;
  private boolean closed;

  /** An execution of a run. */
  static final class Owner {
    private final String run;
    private final Grant grant;
    private volatile boolean ended;
    private volatile boolean over;

    Owner(String run, Grant grant) {
      this.run = run;
      this.grant = grant;
    }

    String run() {
      return run;
    }

    Grant grant() {
      return grant;
    }

    /** Whether this execution itself has ended the run. */
    boolean ended() {
      return ended;
    }

    /** Whether this execution tells nothing more. */
    boolean over() {
      return over;
    }
  }

  /** Where one execution's words wait. Guarded by the lock, but for the writer. */
  private static final class Desk {
    private final Owner owner;
    private final LogWriter writer;
    private List<Told> waiting = new ArrayList<>();
    private int size;
    private long oldest;
    private long touched = System.nanoTime();
    private boolean lost;
    private boolean over;
    private boolean busy;
    private long notBefore = touched;
    private int unknown;

    Desk(Owner owner, LogWriter writer) {
      this.owner = owner;
      this.writer = writer;
    }
  }

  LogWriters(StateStore store, LogRows rows, LogBounds bounds) {
    this.store = store;
    this.rows = rows;
    this.bounds = bounds;
  }

  /** From now on the steps of this run are told too. */
  Owner open(String run, Grant grant) {
    lock.lock();
    try {
      Owner known = newest.get(run);
      if (known != null && known.grant().equals(grant)) {
        return known;
      }
      Desk former = known == null ? null : desks.get(known);
      if (former != null) {
        former.over = true;
        former.owner.over = true;
        told.signal();
      }
      Owner owner = new Owner(run, grant);
      desk(owner);
      return owner;
    } finally {
      lock.unlock();
    }
  }

  private Desk desk(Owner owner) {
    Desk desk = new Desk(owner, new LogWriter(store, time, rows, bounds, owner));
    desks.put(owner, desk);
    newest.put(owner.run(), owner);
    return desk;
  }

  /** Notes what an execution tells; waits only when too much waits already. */
  void tell(Owner owner, Told one) {
    lock.lock();
    try {
      Desk desk = deskOf(owner);
      while (desk.size > MOST_WAITING && !desk.lost && !closed) {
        written.await();
      }
      check(desk);
      note(desk, one);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AgentException(
          ErrorCode.CLOSED,
          "run %s was interrupted while its log waited for the store".formatted(owner.run()),
          e);
    } finally {
      lock.unlock();
    }
  }

  private Desk deskOf(Owner owner) {
    Owner known = newest.get(owner.run());
    if (known != null && known != owner) {
      throw lost(owner);
    }
    Desk desk = desks.get(owner);
    return desk == null ? desk(owner) : desk;
  }

  private void check(Desk desk) {
    if (closed) {
      throw new AgentException(ErrorCode.CLOSED, "the log of runs was closed");
    }
    if (desk.lost) {
      throw lost(desk.owner);
    }
  }

  private static AgentException lost(Owner owner) {
    return new AgentException(
        ErrorCode.CLOSED,
        "run %s is executed by another now, which writes its log; this execution ends"
            .formatted(owner.run()));
  }

  private void note(Desk desk, Told one) {
    long now = System.nanoTime();
    if (desk.waiting.isEmpty()) {
      desk.oldest = now;
    }
    boolean wasFull = desk.size >= FULL;
    desk.waiting.add(one);
    desk.size += one.size();
    desk.touched = now;
    if (thread == null) {
      Thread own = new Thread(this::write, "troupe-run-log");
      own.setDaemon(true);
      thread = own;
      own.start();
    } else if (desk.waiting.size() == 1 || (desk.size >= FULL && !wasFull)) {
      told.signal();
    }
  }

  /**
   * Notes what happened to a run of this process, where its execution writes a log.
   *
   * @param one what to tell, null for nothing
   * @param over whether this execution tells nothing more
   */
  void happened(String run, @Nullable Told one, boolean over) {
    lock.lock();
    try {
      Owner owner = newest.get(run);
      Desk desk = owner == null ? null : desks.get(owner);
      if (desk == null || desk.lost || closed) {
        return;
      }
      desk.owner.ended |= one != null && one.what() == Told.What.ENDED;
      desk.over |= over;
      desk.owner.over |= over; // after it is known how
      if (one != null) {
        note(desk, one);
      }
      told.signal();
    } finally {
      lock.unlock();
    }
  }

  private void write() {
    long pause = 0;
    while (true) {
      List<Desk> due;
      try {
        due = await(pause);
      } catch (InterruptedException e) {
        return;
      }
      if (due.isEmpty()) {
        return;
      }
      try {
        turn(due);
        pause = 0;
      } catch (RuntimeException failed) {
        if (failed instanceof AgentException known && comesBack(known)) {
          pause = Math.min(1_000, Math.max(20, pause * 2));
        } else {
          LOG.warn("what runs tell could not be written; their logs end here", failed);
          due.forEach(this::lose);
        }
      }
    }
  }

  /** What is unknown, or had no room, is written again: the same under the same numbers. */
  private static boolean comesBack(AgentException failed) {
    return failed.code() == ErrorCode.STORE_UNAVAILABLE || failed.code() == ErrorCode.STORE_FULL;
  }

  /** Waits until something is to be written; nothing when all is and the log was closed. */
  private List<Desk> await(long pauseMillis) throws InterruptedException {
    lock.lock();
    try {
      for (long left = TimeUnit.MILLISECONDS.toNanos(pauseMillis); left > 0; ) {
        left = told.awaitNanos(left);
      }
      while (true) {
        long now = System.nanoTime();
        long wait = IDLE;
        List<Desk> due = new ArrayList<>();
        Set<String> runs = new HashSet<>();
        for (Desk desk : new ArrayList<>(desks.values())) {
          long left = left(desk, now);
          if (left <= 0) {
            if (due.size() < MOST_CHANGES && runs.add(desk.owner.run())) {
              desk.busy = true;
              due.add(desk);
            }
          } else if (desk.waiting.isEmpty() && (desk.over || now - desk.touched > IDLE)) {
            desks.remove(desk.owner);
            newest.remove(desk.owner.run(), desk.owner);
          }
          wait = Math.min(wait, Math.max(1, left));
        }
        if (!due.isEmpty() && (!closed || now - closeBy < 0)) {
          return due;
        }
        if (closed) {
          return List.of();
        }
        told.awaitNanos(wait);
      }
    } finally {
      lock.unlock();
    }
  }

  private long left(Desk desk, long now) {
    if (desk.lost || (desk.waiting.isEmpty() && !desk.busy)) {
      return IDLE;
    }
    if (desk.over || closed) {
      return 0;
    }
    boolean full = desk.busy || desk.size >= FULL;
    long collected = full ? 0 : desk.oldest + bounds.collect().toNanos() - now;
    return Math.max(collected, desk.notBefore - now);
  }

  private void turn(List<Desk> due) {
    List<Desk> writing = new ArrayList<>();
    List<Change> changes = new ArrayList<>();
    for (Desk desk : due) {
      Change change = next(desk);
      if (change != null) {
        writing.add(desk);
        changes.add(change);
      }
    }
    if (changes.isEmpty()) {
      return;
    }
    List<Outcome> outcomes = store.apply(changes);
    for (int i = 0; i < writing.size(); i++) {
      Desk desk = writing.get(i);
      if (!desk.writer.made(outcomes.get(i))) {
        lose(desk);
      } else if (!desk.writer.hasMore()) {
        rest(desk);
      }
    }
    lock.lock();
    try {
      turns++;
      written.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private @Nullable Change next(Desk desk) {
    try {
      LogWriter.Opening opening = desk.writer.open();
      if (opening != LogWriter.Opening.OPEN) {
        refused(desk, opening);
        return null;
      }
      if (!desk.writer.hasMore()) { // while the store is away, what waits is bounded
        desk.writer.take(taken(desk));
      }
      Change change = desk.writer.next();
      if (change == null) {
        rest(desk);
      }
      return change;
    } catch (AgentException failed) {
      if (comesBack(failed)) {
        throw failed;
      }
      LOG.warn("the log of run {} ends here: it can't be written", desk.owner.run(), failed);
      lose(desk);
      return null;
    }
  }

  private void refused(Desk desk, LogWriter.Opening opening) {
    if (opening == LogWriter.Opening.TAKEN || ++desk.unknown > MOST_LOOKS) {
      lose(desk);
      return;
    }
    lock.lock();
    try {
      desk.busy = false;
      desk.notBefore = System.nanoTime() + LOOK_AGAIN;
    } finally {
      lock.unlock();
    }
  }

  private List<Told> taken(Desk desk) {
    lock.lock();
    try {
      List<Told> all = desk.waiting;
      desk.waiting = new ArrayList<>();
      desk.size = 0;
      return all;
    } finally {
      lock.unlock();
    }
  }

  private void rest(Desk desk) {
    lock.lock();
    try {
      desk.busy = false;
    } finally {
      lock.unlock();
    }
  }

  /** The run is another's now: nothing more of this execution is written. */
  private void lose(Desk desk) {
    lock.lock();
    try {
      desk.lost = true;
      desk.busy = false;
      desk.waiting.clear();
      desk.size = 0;
      written.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** How often something was written; to be awaited by {@link #await(long, long)}. */
  long turns() {
    lock.lock();
    try {
      return turns;
    } finally {
      lock.unlock();
    }
  }

  /** Waits for a while, or until this process has written something. */
  void await(long seen, long nanos) throws InterruptedException {
    lock.lock();
    try {
      long left = nanos;
      while (turns == seen && left > 0 && !closed) {
        left = written.awaitNanos(left);
      }
      if (closed) {
        throw new AgentException(ErrorCode.CLOSED, "the log of runs was closed");
      }
    } finally {
      lock.unlock();
    }
  }

  /** Writes what waits, for some seconds at the most. */
  @Override
  public void close() {
    Thread own;
    lock.lock();
    try {
      if (!closed) {
        closed = true;
        closeBy = System.nanoTime() + AFTER_CLOSE;
      }
      own = thread;
      told.signalAll();
      written.signalAll();
    } finally {
      lock.unlock();
    }
    if (own != null && own != Thread.currentThread()) {
      try {
        own.join(TimeUnit.NANOSECONDS.toMillis(AFTER_CLOSE) + 1_000);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
