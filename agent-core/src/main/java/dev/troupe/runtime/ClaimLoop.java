package dev.troupe.runtime;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.run.Journal;
import dev.troupe.run.RunHeader;
import dev.troupe.run.RunRecord;
import dev.troupe.run.Runs;
import dev.troupe.state.Claim;
import dev.troupe.state.Grant;
import dev.troupe.state.Place;
import dev.troupe.state.RecordId;
import dev.troupe.state.Stored;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Takes runs from the store and gives them threads: named ones as soon as someone hints at them,
 * and whatever is due at every poll. A hint may be lost; the poll finds the run.
 */
final class ClaimLoop implements Runnable {
  private static final int MAX_CLAIM = 64;
  private static final int MAX_HINTS = 1024;
  private static final int MAX_CLAIM_BYTES = 8 << 20;

  private final RuntimeCore core;
  private final Set<Integer> partitions;
  private final AtomicLong grants = new AtomicLong();

  /** Held while the upkeep has claimed what is no run to execute. */
  final ReentrantLock caring = new ReentrantLock();

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Set<String> hints = new LinkedHashSet<>();
  private final Map<String, Integer> busy = new HashMap<>();
  private int executing;
  private @Nullable Instant expected;
  private boolean backlog;
  private boolean stopped;
  private volatile boolean suspect;
  private volatile boolean unanswered;
  private volatile boolean full;
  private volatile boolean failing;

  ClaimLoop(RuntimeCore core) {
    this.core = core;
    this.partitions = core.access.info().all();
  }

  // told by others

  /** A run may be ready to be taken. */
  void hint(String run) {
    lock.lock();
    try {
      if (hints.size() < MAX_HINTS) {
        hints.add(run);
      } else {
        backlog = true;
      }
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Something is due at this time. */
  void expect(Instant due) {
    lock.lock();
    try {
      if (expected == null || due.isBefore(expected)) {
        expected = due;
        changed.signalAll();
      }
    } finally {
      lock.unlock();
    }
  }

  /** Time to look whether the store says that this process holds what it does not run. */
  void suspect() {
    suspect = true;
  }

  /** The store may have handed out records in an answer that did not come. */
  void unanswered() {
    unanswered = true;
    suspect = true;
  }

  /**
   * Whether there may be records that are held in this process's name and that it does not know. A
   * claim that was not answered may still be on its way to the store, so looking there is no proof.
   */
  boolean unsure() {
    return unanswered;
  }

  void freed(AgentDefinition<?, ?> agent) {
    lock.lock();
    try {
      executing--;
      busy.merge(agent.queue(), -1, (a, b) -> a + b == 0 ? null : a + b);
      full = stopped || executing >= core.options.maxConcurrentRuns();
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  boolean full() {
    return full;
  }

  void stop() {
    lock.lock();
    try {
      stopped = true;
      full = true; // who only waits leaves now
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Whether the last attempt to take runs from the store failed. */
  boolean failing() {
    return failing;
  }

  Grant newGrant() {
    return new Grant(core.fleet.claimant(), grants.incrementAndGet());
  }

  // the loop's own thread

  @Override
  public void run() {
    long nextPoll = 0;
    long pause = 0;
    while (true) {
      try {
        Work work = next(nextPoll, pause);
        if (work == null) {
          return;
        }
        if (suspect && mayCare()) {
          try {
            suspect = false;
            reclaim();
          } finally {
            caring.unlock();
          }
        }
        pause = 0;
        int free = work.limit;
        if (!work.named.isEmpty()) {
          List<Stored> named = claim(new Claim.From.Named(work.named), free);
          start(named);
          free -= named.size();
        }
        if (work.poll && free == 0) {
          remember(true);
        } else if (work.poll) {
          nextPoll = System.nanoTime() + RuntimeOptions.nanos(core.options.pollInterval());
          List<Stored> due = claim(new Claim.From.Due(work.queues), free);
          start(due);
          remember(due.size() >= free);
          failing = false;
        }
      } catch (Throwable e) { // also when memory is short: nobody else takes runs
        unanswered();
        failing = true;
        pause = Math.min(Math.max(50, pause * 2), 2_000);
        core.failed("no runs can be taken from the store now, and it is tried again", e);
      }
    }
  }

  /** The upkeep polls as often as this does: who only tried at once might never find it idle. */
  private boolean mayCare() {
    try {
      return caring.tryLock(100, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // the next wait ends this loop
      return false;
    }
  }

  private record Work(List<RecordId> named, List<String> queues, int limit, boolean poll) {}

  private void remember(boolean more) {
    lock.lock();
    try {
      backlog |= more;
    } finally {
      lock.unlock();
    }
  }

  private @Nullable Work next(long nextPoll, long pauseMillis) {
    lock.lock();
    try {
      if (pauseMillis > 0 && !stopped) {
        await(TimeUnit.MILLISECONDS.toNanos(pauseMillis));
      }
      while (!stopped) {
        int free = core.options.maxConcurrentRuns() - executing;
        List<String> queues = free > 0 && core.fleet.mayBegin() ? openQueues() : List.of();
        if (!queues.isEmpty()) {
          long now = System.nanoTime();
          Instant due = expected;
          boolean isDue = due != null && !due.isAfter(core.access.now());
          boolean poll = backlog || isDue || now - nextPoll >= 0;
          if (isDue) {
            expected = null;
          }
          if (hints.size() > free) {
            hints.clear(); // more than can be taken: let the store say what comes first
            poll = true;
          }
          if (poll || !hints.isEmpty()) {
            List<RecordId> named = hints.stream().map(core.access::place).toList();
            hints.clear();
            backlog &= !poll;
            return new Work(named, queues, Math.min(free, MAX_CLAIM), poll);
          }
          long rest = nextPoll - now;
          if (due != null) {
            rest = Math.min(rest, RuntimeOptions.nanos(Duration.between(core.access.now(), due)));
          }
          await(Math.max(rest, 100_000));
        } else {
          await(RuntimeOptions.nanos(core.options.pollInterval()));
          if (suspect && !stopped) { // who can't execute anything may hold something all the same
            return new Work(List.of(), List.of(), 0, false);
          }
        }
      }
      return null;
    } finally {
      lock.unlock();
    }
  }

  @SuppressWarnings("WaitNotInLoop") // the loop is the caller's
  private void await(long nanos) {
    try {
      long rest = changed.awaitNanos(nanos);
      if (rest <= 0) {
        return;
      }
    } catch (InterruptedException e) {
      stopped = true;
    }
  }

  private List<String> openQueues() {
    List<String> open = new ArrayList<>();
    for (AgentDefinition<?, ?> agent : core.registry.all()) {
      if (busy.getOrDefault(agent.queue(), 0) < agent.concurrency()) {
        open.add(agent.queue());
      }
    }
    return open;
  }

  private List<Stored> claim(Claim.From from, int limit) {
    return core.access.claim(new Claim(newGrant(), from, partitions, limit, MAX_CLAIM_BYTES));
  }

  /**
   * Gives back what the store says this process holds and that it does not run: after a claim whose
   * answer was lost, and after every heartbeat. Only this thread claims runs, and the upkeep's
   * claims exclude this, so nothing is under way meanwhile.
   */
  private void reclaim() {
    Set<Long> known = new HashSet<>();
    core.running.values().forEach(e -> known.add(e.run.journal().grant().number()));
    core.letGo.forEach(run -> known.add(run.journal().grant().number()));
    List<Stored> stranded;
    do {
      stranded =
          claim(new Claim.From.HeldBy(core.fleet.incarnation(), Set.copyOf(known)), MAX_CLAIM);
      for (Stored record : stranded) {
        try {
          putBack(record);
        } catch (AgentException later) {
          core.log.warn("run {} can't be put back now", record.id().key(), later);
          known.add(((Place.Held) record.place()).grant().number());
          unanswered(); // for the next time; others need not wait for it
        }
      }
    } while (!stranded.isEmpty());
  }

  private void putBack(Stored record) {
    try {
      Misfits.putBack(core, record);
    } catch (AgentException undecodable) {
      if (undecodable.code() != ErrorCode.UNDECODABLE) {
        throw undecodable;
      }
      Misfits.stop(core, record, undecodable);
    }
  }

  private void start(List<Stored> records) {
    for (Stored record : records) {
      try {
        start(record);
      } catch (Throwable e) {
        core.log.error("run {} can't be started", record.id().key(), e);
        unanswered(); // it may still be held
      }
    }
  }

  private void start(Stored record) {
    if (!RuntimeCore.isRun(record) || Runs.isStopped(record)) {
      Misfits.putBack(core, record); // a hint named what is not for claiming
      return;
    }
    RunHeader header;
    Journal journal;
    try {
      header = RunRecord.decode(record).header();
      journal = new Journal(header, record);
    } catch (AgentException undecodable) {
      Misfits.stop(core, record, undecodable);
      return;
    }
    Optional<AgentDefinition<?, ?>> agent = core.registry.get(header.agent(), header.version());
    if (agent.isEmpty() || !occupy(agent.get())) {
      // a hint named a run that is not for here, or not now
      core.access.write(journal.handBack(record.now()));
      return;
    }
    journal.executedBy(core.where, record.now());
    Execution execution = new Execution(core, agent.get(), journal);
    core.running.put(header.id(), execution);
    if (core.mailed.remove(header.id())) {
      try {
        execution.access.fetchMail(); // it came after the claim and before the line above
      } catch (AgentException later) {
        core.log.debug("run {} could not look for its mail", header.id(), later);
      }
    }
    try {
      core.executor.execute(execution::run);
    } catch (Throwable noThread) {
      execution.abandon();
      throw noThread;
    }
  }

  private boolean occupy(AgentDefinition<?, ?> agent) {
    lock.lock();
    try {
      if (busy.getOrDefault(agent.queue(), 0) >= agent.concurrency() || stopped) {
        return false;
      }
      busy.merge(agent.queue(), 1, Integer::sum);
      executing++;
      full = executing >= core.options.maxConcurrentRuns();
      return true;
    } finally {
      lock.unlock();
    }
  }
}
