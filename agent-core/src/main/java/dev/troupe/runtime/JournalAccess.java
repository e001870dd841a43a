package dev.troupe.runtime;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.run.Journal;
import dev.troupe.runtime.RunEvent.LetGo;
import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.Outcome;
import dev.troupe.state.Place;
import dev.troupe.state.Scan;
import dev.troupe.state.Stored;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** How the strands of a run ask its journal, what they write to the store, and its mail. */
final class JournalAccess {
  /** The most edits of a change before its mail is sent ahead in portions. */
  private static final int PORTION = 100;

  /** How many riders wait at most for the next change. */
  private static final int MANY_RIDERS = 64;

  final HeldRun run;
  final Waits waits;
  private final Condition ridersStored;
  private boolean ridersUnderWay;
  private volatile long lastLook = System.nanoTime();

  JournalAccess(HeldRun run, Waits waits) {
    this.run = run;
    this.waits = waits;
    this.ridersStored = run.lock.newCondition();
  }

  /** Asks the journal for a strand; an error that stops the run does so whatever the code does. */
  <T extends @Nullable Object> T ask(Strand strand, Function<Journal, T> question) {
    T answer;
    Change riders = null;
    run.lock.lock();
    try {
      run.check(strand);
      answer = question.apply(run.journal());
      if (run.journal().riding() >= MANY_RIDERS) {
        awaitRiders();
        riders = run.journal().change(List.of()); // before there are too many for one change
        ridersUnderWay = true;
      }
    } catch (AgentException why) {
      throw run.stopping(why);
    } finally {
      run.lock.unlock();
    }
    if (riders != null && deliverRiders(riders) instanceof Outcome.Refused) {
      throw run.fenced();
    }
    return answer;
  }

  /** Stores edits of this run; leaves the stack when the run is no longer this process's. */
  void write(List<Edit> edits) {
    List<Edit> rest = edits;
    while (rest.size()
        > PORTION) { // only mail to children comes in such numbers, and it comes first
      write(rest.subList(0, PORTION));
      rest = rest.subList(PORTION, rest.size());
    }
    if (rest.isEmpty()) {
      return;
    }
    if (attempt(rest) instanceof Outcome.Refused) {
      throw run.fenced();
    }
  }

  /** As {@link #write}, for edits with a guard of their own that may be refused. */
  Outcome attempt(List<Edit> edits) {
    Change change;
    boolean rides;
    run.lock.lock();
    try {
      awaitRiders();
      rides = run.journal().riding() > 0;
      change = run.journal().change(edits);
      ridersUnderWay = rides;
    } finally {
      run.lock.unlock();
    }
    return rides ? deliverRiders(change) : deliver(change);
  }

  /** What follows riders may build on them: it is sent when they are stored. Under the lock. */
  private void awaitRiders() {
    while (ridersUnderWay) {
      ridersStored.awaitUninterruptibly();
    }
    if (run.leaving().how() == Leaving.How.LOST) {
      throw run.unwinding();
    }
  }

  private Outcome deliverRiders(Change change) {
    try {
      return deliver(change);
    } finally {
      run.lock.lock();
      try {
        ridersUnderWay = false;
        ridersStored.signalAll();
      } finally {
        run.lock.unlock();
      }
    }
  }

  private Outcome deliver(Change change) {
    Outcome outcome = send(change);
    if (!(outcome instanceof Outcome.Done done)) {
      return outcome;
    }
    lastLook = System.nanoTime();
    for (Outcome.Seen seen : done.seen()) {
      if (!seen.key().equals(run.runId())) {
        run.core.wake(seen);
      } else if (seen.mail() > run.journal().mailSeen()) {
        try {
          fetchMail();
        } catch (AgentException later) {
          // what was written is written; the run looks again before it leaves
          run.core.log.debug("run {} could not look for its mail", run.runId(), later);
        }
      }
    }
    return outcome;
  }

  /** Stores a change as it is, and looks at no mail. */
  Outcome send(Change change) {
    try {
      Outcome outcome = run.core.access.write(change);
      if (outcome instanceof Outcome.Done done && done.seen().size() > 1) {
        run.core.published(done);
      }
      return outcome;
    } catch (AgentException failed) {
      if (failed.code() == ErrorCode.LIMIT_EXCEEDED || failed.code() == ErrorCode.INVALID_INPUT) {
        // it would be refused each time: somebody has to look
        run.leaveBy(Leaving.How.STOP, "nothing, it was stopped", failed);
        throw run.unwinding();
      }
      run.core.log.warn("run {} is let go: {}", run.runId(), failed.getMessage());
      throw run.lost(LetGo.Reason.STORE_AWAY, failed.code().name());
    }
  }

  /** Reads the run again from the store; false when this process does not hold it any more. */
  boolean reread() {
    Journal journal = run.journal();
    Stored whole = run.core.access.first(Scan.whole(journal.id()));
    if (whole == null
        || !(whole.place() instanceof Place.Held held)
        || !held.grant().equals(journal.grant())) {
      return false;
    }
    run.reread(whole);
    return true;
  }

  // mail

  /** Whether mail that another process sent may have been lying here for a while. */
  boolean shouldLook(long everyNanos) {
    run.lock.lock();
    try {
      return !run.settling() && (waits.any() || System.nanoTime() - lastLook >= everyNanos);
    } finally {
      run.lock.unlock();
    }
  }

  /** Looks for mail that came since. */
  void fetchMail() {
    lastLook = System.nanoTime();
    Journal journal = run.journal();
    Stored record = run.core.access.first(Scan.mailAfter(journal.id(), journal.mailSeen()));
    if (record != null) {
      run.lock.lock();
      try {
        run.journal().receive(record.mail());
        run.lookAround();
      } finally {
        run.lock.unlock();
      }
    }
  }
}
