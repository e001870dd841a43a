package dev.troupe.event;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Tasks that wait for a worker. Tasks of one lane go one after another in the order in which they
 * were put; a lane whose first task has to wait some time, or for other lanes, waits with it. A
 * worker takes several tasks at once while they are short, so that the lock is not what counts.
 */
final class Lanes {
  /** Tasks that take longer than this on average are taken one by one. */
  private static final long SHORT_NANOS = 50_000;

  private static final int MOST_TOGETHER = 32;

  /** So many empty lanes are kept, because most keys come again. */
  private static final int KEPT = 4_096;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition work = lock.newCondition();
  private final Condition less = lock.newCondition();
  private final Map<Object, Lane> lanes = new HashMap<>();
  private final ArrayDeque<Lane> ready = new ArrayDeque<>();
  private final PriorityQueue<Lane> later =
      new PriorityQueue<>(Comparator.comparingLong(l -> l.due));

  /** Lanes that wait for others to be empty, with those. */
  private final IdentityHashMap<Lane, Set<Lane>> gated = new IdentityHashMap<>();

  private final Set<Task> working = Collections.newSetFromMap(new IdentityHashMap<>());
  private final ArrayDeque<Lane> spare = new ArrayDeque<>();
  private final List<Bundle> bundles = new ArrayList<>();

  /** What the thread does that polls, and nobody else at that time. */
  private final Bundle polling = new Bundle(List.of());

  private final int workers;
  private final boolean bundling;
  private @Nullable Thread poller;
  private int idle;
  private int inside;
  private int readyTasks;
  private long changes;
  private long missed;
  private boolean shut;
  private boolean closed;
  private long averageNanos = SHORT_NANOS;

  private static final class Lane {
    final @Nullable Object name;
    final ArrayDeque<Task> tasks = new ArrayDeque<>(1);
    long due;

    Lane(@Nullable Object name) {
      this.name = name;
    }
  }

  /** What is taken together can't be dropped any more, so those who drop take one by one. */
  Lanes(int workers, boolean bundling) {
    this.workers = workers;
    this.bundling = bundling;
  }

  /**
   * Puts tasks that stand in no lane, and takes out what is then too much.
   *
   * @return what was dropped; its number is noted in the task behind it
   */
  List<Task> put(List<Task> tasks, int most, Overflow overflow) {
    lock.lock();
    try {
      int room = Math.max(0, most - inside);
      boolean oldest = overflow == Overflow.DROP_OLDEST;
      List<Task> stay = oldest ? tasks : tasks.subList(0, Math.min(room, tasks.size()));
      List<Task> dropped = new ArrayList<>(tasks.subList(stay.size(), tasks.size()));
      for (Task task : stay) {
        task.missed = missed;
        missed = 0;
        put(task);
      }
      missed += dropped.size();
      inside += stay.size();
      while (inside > most && !ready.isEmpty()) {
        Task first = ready.removeFirst().tasks.removeFirst();
        readyTasks--;
        inside--;
        dropped.add(first);
        Lane next = ready.peekFirst();
        if (next == null) {
          missed += first.missed + 1;
        } else {
          next.tasks.getFirst().missed += first.missed + 1;
        }
      }
      work.signalAll();
      return dropped;
    } finally {
      lock.unlock();
    }
  }

  /** Returns false, and takes none of them, once nothing more is taken. */
  boolean put(List<Task> tasks) {
    lock.lock();
    try {
      if (shut) {
        return false;
      }
      for (Task task : tasks) {
        put(task);
      }
      inside += tasks.size();
      if (readyTasks > 1) {
        work.signalAll();
      } else {
        work.signal();
      }
      return true;
    } finally {
      lock.unlock();
    }
  }

  /**
   * As {@link #put(List)}, by the thread that polls. When this is the only task inside and there is
   * a thread that has nothing to do, the latter polls from now on, and this one does the task: that
   * is sooner than if the other had to wake up first.
   *
   * @return what the caller, which does not poll any more, is to do; null when it polls on
   */
  @Nullable Bundle putOrDo(List<Task> tasks) {
    lock.lock();
    try {
      boolean none = inside == 0; // else events come faster than it takes to change places
      if (!put(tasks) || !none || ready.size() != 1 || idle == 0 || closed) {
        return null;
      }
      poller = null;
      return taken();
    } finally {
      lock.unlock();
    }
  }

  /** Takes nothing more: it might overtake what is given back. */
  void shut() {
    lock.lock();
    try {
      shut = true;
    } finally {
      lock.unlock();
    }
  }

  private void put(Task task) {
    Object name = task.lane;
    if (name == null) {
      Lane alone = spare.isEmpty() ? new Lane(null) : spare.removeLast();
      alone.tasks.add(task);
      offer(alone);
      return;
    }
    Lane lane = lanes.get(name);
    if (lane == null) {
      lane = new Lane(name);
      lanes.put(name, lane);
    }
    lane.tasks.add(task);
    if (lane.tasks.size() == 1 && !(task.afterOthers && waitsForOthers(lane, task))) {
      offer(lane);
    }
  }

  private boolean waitsForOthers(Lane lane, Task first) {
    Set<Lane> others = Collections.newSetFromMap(new IdentityHashMap<>());
    for (Lane other : lanes.values()) {
      Task one = other == lane ? null : other.tasks.peekFirst();
      if (one != null && one.shard.equals(first.shard)) {
        others.add(other);
      }
    }
    if (!others.isEmpty()) {
      gated.put(lane, others);
    }
    return !others.isEmpty();
  }

  /** A lane is empty: those that waited for it alone may go. */
  private void emptied(Lane lane) {
    for (Lane waiting : List.copyOf(gated.keySet())) {
      Set<Lane> others = gated.getOrDefault(waiting, Set.of());
      if (others.remove(lane) && others.isEmpty()) {
        gated.remove(waiting);
        offer(waiting);
      }
    }
  }

  private void offer(Lane lane) {
    ready.add(lane);
    readyTasks++;
  }

  /** Whether tasks of a lane are inside. */
  boolean has(Object lane) {
    lock.lock();
    try {
      Lane known = lanes.get(lane);
      return known != null && !known.tasks.isEmpty();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Tasks that a worker took together. Others who have nothing to do take from it what it has not
   * begun, so that nothing waits behind a task that takes long.
   */
  static final class Bundle {
    private final List<Task> tasks;
    private final AtomicInteger next = new AtomicInteger();

    Bundle(List<Task> tasks) {
      this.tasks = tasks;
    }

    /** The next one to begin; null when all have begun. */
    @Nullable Task next() {
      int i = next.get() < tasks.size() ? next.getAndIncrement() : tasks.size();
      return i < tasks.size() ? tasks.get(i) : null;
    }

    private boolean begun() {
      return next.get() >= tasks.size();
    }
  }

  /** Whether this stands for polling. */
  boolean isPolling(Bundle some) {
    return some == polling;
  }

  /** Who polls; null for nobody. Stays as it is when closed. */
  @Nullable Thread poller() {
    lock.lock();
    try {
      return poller;
    } finally {
      lock.unlock();
    }
  }

  /**
   * The next tasks, each the first of its lane, or polling when nobody does that; waits for one.
   * Null when closed.
   */
  @Nullable Bundle take() {
    lock.lock();
    try {
      while (true) {
        if (closed) {
          return null;
        }
        if (poller == null) {
          poller = Thread.currentThread();
          return polling;
        }
        long wait = wake();
        if (!ready.isEmpty()) {
          return taken();
        }
        bundles.removeIf(Bundle::begun);
        if (!bundles.isEmpty()) {
          return bundles.get(0);
        }
        idle++;
        try {
          work.awaitNanos(wait);
        } catch (InterruptedException e) {
          // a handler that interrupted its own thread; the thread goes on with other events
        } finally {
          idle--;
        }
      }
    } finally {
      lock.unlock();
    }
  }

  private Bundle taken() {
    boolean many = bundling && averageNanos <= SHORT_NANOS;
    int share = many ? Math.min(MOST_TOGETHER, ready.size() / workers) : 1;
    int count = Math.max(1, share);
    List<Task> some = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      Lane lane = ready.removeFirst();
      Task task = lane.tasks.getFirst();
      if (lane.name == null) {
        lane.tasks.clear();
        if (spare.size() < KEPT) {
          spare.add(lane);
        }
      }
      some.add(task);
      working.add(task);
      readyTasks--;
    }
    if (!ready.isEmpty()) {
      work.signal();
    }
    Bundle bundle = new Bundle(some);
    if (count > 1) {
      bundles.removeIf(Bundle::begun);
      bundles.add(bundle);
      work.signal(); // who has nothing to do may take from it
    }
    return bundle;
  }

  /** Moves lanes whose time has come to the ready ones; how long until the next, in nanoseconds. */
  private long wake() {
    long now = System.nanoTime();
    while (!later.isEmpty()) {
      long wait = later.element().due - now;
      if (wait > 0) {
        return wait;
      }
      offer(later.remove());
    }
    return Long.MAX_VALUE;
  }

  /** These are over; what stands behind them in their lanes may go. */
  void over(List<Task> tasks, long nanos) {
    lock.lock();
    try {
      if (nanos > 0) {
        averageNanos += (nanos / tasks.size() - averageNanos) / 8;
      }
      for (Task task : tasks) {
        inside--;
        working.remove(task);
        if (task.lane != null) {
          Lane lane = lanes.get(task.lane);
          if (lane != null) {
            lane.tasks.removeFirst();
            if (!lane.tasks.isEmpty()) {
              offer(lane);
              continue;
            }
            if (lanes.size() > KEPT) {
              lanes.remove(task.lane);
            }
            if (!gated.isEmpty()) {
              emptied(lane);
            }
          }
        }
      }
      if (!ready.isEmpty()) {
        work.signal();
      }
      changes++;
      less.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** This one is to be tried again after a while; its lane waits. */
  void retry(Task task, long waitNanos) {
    lock.lock();
    try {
      working.remove(task);
      Lane lane = task.lane == null ? null : lanes.get(task.lane);
      if (lane == null) {
        lane = new Lane(null);
        lane.tasks.add(task);
      }
      lane.due = System.nanoTime() + waitNanos;
      later.add(lane);
      work.signal(); // somebody has to know how long to wait
    } finally {
      lock.unlock();
    }
  }

  /**
   * Takes out tasks that nobody works on.
   *
   * @return whether some of them are being worked on and therefore still inside
   */
  boolean drop(Predicate<Task> which) {
    lock.lock();
    try {
      Set<Lane> waiting = Collections.newSetFromMap(new IdentityHashMap<>());
      waiting.addAll(ready);
      waiting.addAll(later);
      waiting.addAll(gated.keySet());
      Set<Lane> all = Collections.newSetFromMap(new IdentityHashMap<>());
      all.addAll(waiting);
      all.addAll(lanes.values());
      boolean busy = working.stream().anyMatch(which);
      for (Lane lane : all) {
        Task first = waiting.contains(lane) ? null : lane.tasks.peekFirst();
        int before = lane.tasks.size();
        if (before == 0) {
          continue;
        }
        lane.tasks.removeIf(task -> task != first && which.test(task));
        inside -= before - lane.tasks.size();
        if (lane.tasks.isEmpty()) {
          readyTasks -= ready.remove(lane) ? 1 : 0;
          later.remove(lane);
          gated.remove(lane);
          if (lane.name != null) {
            lanes.remove(lane.name);
          }
          emptied(lane);
        }
      }
      if (!ready.isEmpty()) {
        work.signal();
      }
      changes++;
      less.signalAll();
      return busy;
    } finally {
      lock.unlock();
    }
  }

  /** How many tasks are inside: waiting, being handled, or to be tried again. */
  int inside() {
    lock.lock();
    try {
      return inside;
    } finally {
      lock.unlock();
    }
  }

  /** Waits until fewer than so many are inside; false when the time was over first. */
  boolean awaitFewerThan(int most, long nanos) {
    long left = nanos;
    lock.lock();
    try {
      while (inside >= most) {
        if (left <= 0) {
          return false;
        }
        left = less.awaitNanos(left);
      }
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return inside < most;
    } finally {
      lock.unlock();
    }
  }

  /** Waits until something is over, at most so long. */
  void awaitLess(long nanos) {
    long left = nanos;
    lock.lock();
    try {
      for (long before = changes; changes == before && left > 0; ) {
        left = less.awaitNanos(left);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      lock.unlock();
    }
  }

  void close() {
    lock.lock();
    try {
      closed = true;
      work.signalAll();
      changes++;
      less.signalAll();
    } finally {
      lock.unlock();
    }
  }
}
