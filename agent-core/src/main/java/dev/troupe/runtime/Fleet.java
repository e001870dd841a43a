package dev.troupe.runtime;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.run.Membership;
import dev.troupe.run.Membership.Standing;
import dev.troupe.run.RunRecord;
import dev.troupe.run.Runs;
import dev.troupe.state.Change;
import dev.troupe.state.Find;
import dev.troupe.state.Outcome;
import dev.troupe.state.Page;
import dev.troupe.state.StoreInfo;
import dev.troupe.state.Stored;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * This process among the others that use the store: sends its heartbeats, keeps its lease, and
 * begins anew when it was declared dead. Over a store for one process there are no others, and the
 * lease never ends.
 */
final class Fleet implements Runnable {
  /** How many heartbeats an expiry holds. */
  private static final int BEATS = 5;

  /** What containers are called; no look-up, which could hang. */
  static final String HOST =
      Optional.ofNullable(System.getenv("HOSTNAME")).filter(h -> !h.isBlank()).orElse("-");

  private final StoreAccess access;
  private final Duration expiry;
  private final boolean shared;
  private final ReentrantLock lock = new ReentrantLock();
  private final List<String> former = new ArrayList<>();
  private volatile Membership member;

  /** The incarnation that has a record, so that others take over what is claimed in its name. */
  private volatile @Nullable String joined;

  private @Nullable RuntimeCore core;
  private volatile long beginsUntil;
  private volatile long leaseUntil;
  private volatile boolean draining;
  private volatile boolean stopped;
  private @Nullable Thread thread;

  Fleet(StoreAccess access, Duration expiry) {
    this.access = access;
    this.expiry = expiry;
    this.shared = access.info().sharing() == StoreInfo.Sharing.FLEET;
    this.member = incarnate();
  }

  private Membership incarnate() {
    // short, because it is part of every change's id
    String name =
        Long.toString(UUID.randomUUID().getMostSignificantBits() >>> 1, 36)
            + Long.toString(UUID.randomUUID().getMostSignificantBits() >>> 1, 36);
    return new Membership(name, access.info().partitions(), expiry);
  }

  /** Whether other processes use the store, too. */
  boolean shared() {
    return shared;
  }

  Duration expiry() {
    return expiry;
  }

  String incarnation() {
    return member.incarnation();
  }

  Membership member() {
    return member;
  }

  /**
   * In whose name records may be claimed.
   *
   * @throws AgentException while this process was declared dead and has not joined again: nobody
   *     would take over what is held by one that has no record
   */
  String claimant() {
    String name = joined;
    if (name == null) {
      throw new AgentException(
          ErrorCode.STORE_UNAVAILABLE, "this process is no member of its fleet at present");
    }
    return name;
  }

  // heartbeats

  /** Joins; afterwards heartbeats go out from a thread of their own. */
  void start(RuntimeCore runtime) {
    this.core = runtime;
    if (shared) {
      access.learnTime();
    }
    access.patiently(
        () -> {
          beat();
          return true;
        });
    if (shared) {
      Thread beats = new Thread(this, "troupe-heartbeat");
      beats.setDaemon(true);
      thread = beats;
      beats.start();
    }
  }

  @Override
  public void run() {
    long interval = expiry.toNanos() / BEATS;
    long pause = interval;
    while (!stopped) {
      LockSupport.parkNanos(pause);
      if (stopped) {
        return;
      }
      try {
        beat();
        pause = interval;
      } catch (Throwable e) { // without this thread the process would never be a member again
        pause = interval / 4;
        core().failed("the heartbeat failed and is tried again", e);
      }
    }
  }

  private RuntimeCore core() {
    return Objects.requireNonNull(core);
  }

  private void beat() {
    Standing standing = Standing.UNSURE;
    for (int tries = 0; standing == Standing.UNSURE && tries < 4; tries++) {
      Membership me = member;
      Instant now = shared ? access.now() : Runs.NEVER;
      long sent = System.nanoTime();
      Change change;
      lock.lock();
      try {
        change = me.beat(RunIds.random(), value(), now);
      } finally {
        lock.unlock();
      }
      Outcome outcome = access.once(change);
      long received = System.nanoTime();
      lock.lock();
      try {
        standing = me.answered(outcome, now, sent, received);
        boolean alive = standing == Standing.MEMBER;
        if (standing != Standing.UNSURE) {
          joined = alive ? me.incarnation() : null;
        }
        beginsUntil = alive ? me.beginsUntil() : sent;
        leaseUntil = alive ? me.leaseUntil() : sent;
      } finally {
        lock.unlock();
      }
      if (standing == Standing.DEAD) {
        beginAnew();
        standing = Standing.UNSURE;
      }
    }
    core().beaten();
  }

  /** Others took over what this process held: it goes on as another. */
  private void beginAnew() {
    Membership dead = member;
    lock.lock();
    try {
      former.add(dead.incarnation());
      member = incarnate();
    } finally {
      lock.unlock();
    }
    core()
        .log
        .warn(
            "this process gave no sign of life for {} and was declared dead; its runs go on elsewhere, it goes on as a new member",
            expiry);
    core().interruptAll("the process was declared dead");
  }

  private byte[] value() {
    RuntimeCore runtime = core();
    String hosted =
        runtime.options.maxConcurrentRuns() == 0
            ? ""
            : runtime.registry.all().stream().map(a -> a.queue()).collect(Collectors.joining(" "));
    return String.join(
            "\n",
            "pid " + ProcessHandle.current().pid(),
            "host " + HOST,
            "since " + runtime.since,
            "running " + runtime.running.size(),
            "capacity " + runtime.options.maxConcurrentRuns(),
            "draining " + draining,
            "formats 1",
            "agents " + hosted)
        .getBytes(StandardCharsets.UTF_8);
  }

  /** The incarnations that this process was before and whose late claims are to be looked for. */
  List<String> former() {
    lock.lock();
    try {
      return List.copyOf(former);
    } finally {
      lock.unlock();
    }
  }

  /** What an earlier incarnation held was looked for. */
  void forget(String incarnation) {
    lock.lock();
    try {
      former.remove(incarnation);
    } finally {
      lock.unlock();
    }
  }

  // the lease

  /** Whether an effect may begin now. */
  boolean mayBegin() {
    return !shared || beginsUntil - System.nanoTime() > 0;
  }

  boolean holdsLease() {
    return !shared || leaseUntil - System.nanoTime() > 0;
  }

  boolean mayJudge() {
    if (!shared) {
      return false;
    }
    lock.lock();
    try {
      return member.mayJudge(System.nanoTime());
    } finally {
      lock.unlock();
    }
  }

  // leaving

  /** Says that it takes no more work. */
  void drain() {
    draining = true;
    wakeUp();
  }

  void stop() {
    stopped = true;
    wakeUp();
  }

  /** The store's clock went ahead of the lease: time to learn what others made of it. */
  void beatNow() {
    wakeUp();
  }

  private void wakeUp() {
    Thread beats = thread;
    if (beats != null) {
      LockSupport.unpark(beats);
    }
  }

  /**
   * Leaves; the next process need not wait.
   *
   * @param empty whether nothing is held any more
   */
  void leave(boolean empty) {
    Thread beats = thread;
    if (beats != null) {
      try {
        beats.join(TimeUnit.SECONDS.toMillis(1));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
    access.write(member.leave(RunIds.random(), empty, access.now()));
  }

  // the registry

  List<ProcessView> processes() {
    List<ProcessView> all = new ArrayList<>();
    Find find = Find.tagged(RunRecord.KIND, Membership.PROCESS, 100);
    Page<Stored> page;
    do {
      page = access.find(find);
      page.items().stream()
          .filter(process -> !Membership.isGone(process))
          .map(ProcessView::of)
          .forEach(all::add);
      find = new Find(find.tags(), null, null, page.next(), 100);
    } while (page.next() != null);
    return all;
  }
}
