package dev.troupe.runtime;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.run.Ending;
import dev.troupe.run.Journal;
import dev.troupe.run.RunHeader;
import dev.troupe.runtime.RunEvent.LetGo;
import dev.troupe.state.Stored;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * One run while this process holds it: its journal, its strands and what they may do, and whether
 * it leaves. Guarded by its lock.
 */
final class HeldRun {
  final RuntimeCore core;
  final AgentDefinition<?, ?> definition;
  final ReentrantLock lock = new ReentrantLock();

  /** Told whenever a strand that waits should look around. */
  final Condition changed = lock.newCondition();

  final Strands strands = new Strands(lock, changed);
  final Undos undos = new Undos(lock);
  private volatile Journal journal;
  private volatile Leaving leaving = Leaving.NOT;
  private boolean settling;
  private boolean told;
  private long lastSeen;

  HeldRun(RuntimeCore core, AgentDefinition<?, ?> definition, Journal journal) {
    this.core = core;
    this.definition = definition;
    this.journal = journal;
  }

  RunHeader header() {
    return journal.header();
  }

  Journal journal() {
    return journal;
  }

  String runId() {
    return journal.header().id();
  }

  /** Goes on with what is in the store, from the top. */
  void reread(Stored whole) {
    lock.lock();
    try {
      journal = journal.reread(whole);
    } finally {
      lock.unlock();
    }
  }

  void reset() {
    lock.lock();
    try {
      leaving = Leaving.NOT;
      settling = false;
      strands.clear();
      undos.clear();
    } finally {
      lock.unlock();
    }
  }

  // how it comes out

  /** Whoever is told true, and nobody else, writes how this execution came out. */
  boolean beginSettling() {
    lock.lock();
    try {
      boolean first = !settling;
      settling = true;
      return first;
    } finally {
      lock.unlock();
    }
  }

  /** Whether somebody writes how it came out; under the lock. */
  boolean settling() {
    return settling;
  }

  /** Whether it neither ends nor leaves; under the lock. */
  boolean goesOn() {
    return !settling && !departing() && journal.ending() == Ending.NOT;
  }

  /** Nothing goes on but compensation, on a strand of its own. */
  void compensate(Strand undoing) {
    lock.lock();
    try {
      journal.compensate();
      strands.clear();
      strands.begin(undoing);
    } finally {
      lock.unlock();
    }
  }

  // whether it leaves

  Leaving leaving() {
    return leaving;
  }

  /** Whether the run no longer needs its thread. */
  boolean departing() {
    return leaving.how() != Leaving.How.NOT;
  }

  void leaveBy(Leaving.How how, String waitsFor, @Nullable AgentException reason) {
    lock.lock();
    try {
      if (how.compareTo(leaving.how()) > 0) {
        leaving = new Leaving(how, waitsFor, reason, journal.mailSeen());
      }
      interrupt();
    } finally {
      lock.unlock();
    }
  }

  /** Takes its strands out of their actions and waits; under the lock. */
  void interrupt() {
    strands.interrupt();
    changed.signalAll();
  }

  /** Mail came, or the deadline; under the lock. */
  void lookAround() {
    if (journal.ending() != Ending.NOT && !settling) {
      strands.interrupt();
    }
    changed.signalAll();
  }

  Unwinding unwinding() {
    return new Unwinding(leaving.waitsFor());
  }

  Unwinding fenced() {
    return lost(LetGo.Reason.FENCED, "its grant is no longer valid");
  }

  Unwinding lost(LetGo.Reason reason, String why) {
    leaveBy(Leaving.How.LOST, "nothing, it was lost: " + why, null);
    tell(reason);
    return unwinding();
  }

  void letGo(LetGo.Reason reason) {
    tell(reason);
    core.letGo(this);
  }

  void tell(LetGo.Reason reason) {
    lock.lock();
    try {
      if (told) {
        return;
      }
      told = true;
    } finally {
      lock.unlock();
    }
    core.tell(new LetGo(runId(), definition.name(), reason));
  }

  /** Stops the run from inside a context call, whatever the code makes of the error. */
  AgentException stopping(AgentException why) {
    if (stops(why.code())) {
      leaveBy(Leaving.How.STOP, "nothing, it was stopped", why);
    }
    return why;
  }

  static boolean stops(ErrorCode code) {
    return code == ErrorCode.NON_DETERMINISM
        || code == ErrorCode.UNDECODABLE
        || code == ErrorCode.BUDGET_EXCEEDED;
  }

  // what a strand may do

  /** When a strand of a run that is ending last asked its context for something; under the lock. */
  long lastSeen() {
    return lastSeen;
  }

  /** Every method of a context asks this first: may this strand go on here? */
  void check(Strand strand) {
    lock.lock();
    try {
      strand.lastSign = System.nanoTime();
      if (journal.ending() != Ending.NOT) {
        lastSeen = strand.lastSign;
      }
      if (strand.isLost() || (settling && !strand.undoes)) {
        throw new Unwinding("another branch won, or the run has ended");
      }
      if (departing()) {
        throw unwinding();
      }
    } finally {
      lock.unlock();
    }
  }

  /** Marks a thread as inside an action; false when nothing may begin any more. */
  boolean enter(Strand strand, Thread thread) {
    awaitLease();
    lock.lock();
    try {
      if (departing()
          || strand.isLost()
          || (!strand.undoes && (settling || journal.ending() != Ending.NOT))) {
        return false;
      }
      strand.lastSign = System.nanoTime();
      strand.acting = thread;
      return true;
    } finally {
      lock.unlock();
    }
  }

  void exit(Strand strand) {
    lock.lock();
    try {
      strand.lastSign = System.nanoTime();
      strand.acting = null;
    } finally {
      lock.unlock();
    }
  }

  /** An effect begins only while this process is sure to be the only one that makes it. */
  private void awaitLease() {
    while (!core.fleet.mayBegin()) {
      if (!core.fleet.holdsLease()) {
        throw lost(LetGo.Reason.LEASE_ENDED, "the process's lease has ended");
      }
      if (departing()) {
        return;
      }
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
    }
    // the lease is that of the present incarnation, and says nothing of what an earlier one claimed
    if (!journal.grant().holder().equals(core.fleet.incarnation())) {
      throw lost(LetGo.Reason.LEASE_ENDED, "it was claimed before the process was declared dead");
    }
  }
}
