package dev.troupe.runtime;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.agent.Failure;
import dev.troupe.agent.RunEndingException;
import dev.troupe.run.Ending;
import dev.troupe.run.Journal;
import dev.troupe.run.RunEnd;
import dev.troupe.run.RunHeader;
import dev.troupe.run.Runs;
import dev.troupe.runtime.RunEvent.LetGo;
import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.Outcome;
import dev.troupe.state.Place;
import dev.troupe.state.Scan;
import dev.troupe.state.Stored;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * One run while this process holds it: executes the agent, again after a wait that was over before
 * the run could leave, and writes how it came out.
 */
final class Execution {
  /** The most edits of a change before its mail is sent ahead in portions. */
  private static final int PORTION = 100;

  /** How many riders wait at most for the next change. */
  private static final int MANY_RIDERS = 64;

  /** How a run leaves this process without having ended. */
  enum Exit {
    /** It does not. */
    NONE,
    /** It waits. */
    PARK,
    /** The process shuts down. */
    HAND_BACK,
    /** Journal and code do not fit. */
    STOP,
    /** The store gave it to another, or does not answer. */
    LOST
  }

  final RuntimeCore core;
  final AgentDefinition<?, ?> definition;
  final ReentrantLock lock = new ReentrantLock();
  final Waits waits;

  /** What undoes the steps done so far, by the order in which they were journaled. */
  final NavigableMap<Long, Undo> undos = new TreeMap<>();

  private volatile Journal journal;
  private final List<Strand> strands = new ArrayList<>();
  private volatile Exit exit = Exit.NONE;
  private @Nullable AgentException stopReason;
  private volatile String waitsFor = "";
  private boolean settling;
  private boolean compensates;
  private boolean left;
  private boolean told;
  private long endingSince;
  private long lastSeen;
  private boolean ridersUnderWay;
  private final Condition ridersStored = lock.newCondition();
  private volatile long lastLook = System.nanoTime();

  /** The last mail that was there when the run decided to leave; what came later is news. */
  private long looked;

  /** A compensation that may be needed. */
  record Undo(String path, StepRunner.Undoing action) {}

  Execution(RuntimeCore core, AgentDefinition<?, ?> definition, Journal journal) {
    this.core = core;
    this.definition = definition;
    this.journal = journal;
    this.waits = new Waits(this);
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

  // the run's own thread

  void run() {
    try {
      core.tell(
          new RunEvent.Started(
              runId(), definition.name(), journal.finished(), header().origin().parent()));
      while (once()) {
        reset();
      }
    } catch (Unwinding lost) {
      core.letGo(this);
    } catch (Throwable t) {
      core.noticed(t);
      core.log.error("run {} is let go after an error of the library", runId(), t);
      letGo(LetGo.Reason.ERROR);
    } finally {
      leave();
    }
  }

  /** It gets no thread; others may have one for it. */
  void abandon() {
    core.letGo(this);
    leave();
  }

  private void leave() {
    lock.lock();
    try {
      if (left) {
        return;
      }
      left = true;
    } finally {
      lock.unlock();
    }
    core.left(this);
  }

  private void reset() {
    lock.lock();
    try {
      exit = Exit.NONE;
      settling = false;
      compensates = false;
      strands.clear();
      undos.clear();
      waits.clear();
    } finally {
      lock.unlock();
    }
  }

  /** Executes the agent once; true when it has to be executed again at once. */
  private boolean once() {
    Strand main = new Strand(null, false);
    Object result = null;
    Throwable thrown = null;
    try {
      begin(main);
      overdue(core.access.now(), core.options.endGrace()); // it may be late before it begins
      RunContext context = new RunContext(this, main, "", header().origin().created());
      result = core.invoke(definition, header(), context);
    } catch (Throwable t) {
      core.noticed(t);
      thrown = t;
    }
    lock.lock();
    try {
      if (settling) {
        return false; // the run was ended while this thread did not react
      }
      settling = true;
    } finally {
      lock.unlock();
    }
    return settle(result, thrown);
  }

  private boolean settle(@Nullable Object result, @Nullable Throwable thrown) {
    try {
      if (exit == Exit.NONE) {
        AgentException misfit = journal.ending() == Ending.NOT ? journal.mismatch() : null;
        if (misfit != null) {
          return stop(misfit);
        }
        if (thrown instanceof AgentException known && stops(known.code())) {
          return stop(known);
        }
        if (thrown == null && journal.ending() == Ending.NOT) {
          return succeed(result);
        }
        fail(thrown);
        return false;
      }
      return depart(thrown);
    } catch (Unwinding left) {
      return depart(left); // a compensation waits, or the run was lost
    } catch (AgentException why) {
      if (stops(why.code())) {
        return stop(why); // the failure that was journaled can't be read
      }
      throw why;
    }
  }

  private static boolean stops(ErrorCode code) {
    return code == ErrorCode.NON_DETERMINISM || code == ErrorCode.UNDECODABLE;
  }

  private boolean depart(@Nullable Throwable thrown) {
    AgentException reason = stopReason;
    if (exit == Exit.STOP && reason != null) {
      return stop(reason);
    }
    if (exit == Exit.LOST) {
      core.letGo(this);
      return false;
    }
    if (!(thrown instanceof Unwinding)) {
      return stop(
          new AgentException(
              ErrorCode.SWALLOWED_WAIT,
              "run %s of agent %s: the code caught the error by which a run leaves its stack while it waits for %s. Catch Exception instead of Throwable, and put clean-up into a compensation or a last step. The run was stopped and nothing was lost"
                  .formatted(runId(), header().queue(), waitsFor),
              thrown));
    }
    return exit == Exit.HAND_BACK ? handBack() : park();
  }

  // how it came out

  private boolean succeed(@Nullable Object result) {
    byte[] payload;
    try {
      payload = core.codec.encode(result, definition.output());
      if (payload.length > RuntimeCore.MAX_VALUE) {
        throw new AgentException(
            ErrorCode.LIMIT_EXCEEDED,
            "the result of agent %s has %d bytes, %d are allowed; store it elsewhere and return where"
                .formatted(header().queue(), payload.length, RuntimeCore.MAX_VALUE));
      }
    } catch (AgentException unwritable) {
      fail(unwritable);
      return false;
    }
    finish(RunEnd.State.SUCCEEDED, payload, null);
    return false;
  }

  private void fail(@Nullable Throwable thrown) {
    byte[] known = journal.failure();
    Failure failure = known == null ? reason(thrown) : core.failure(known);
    if (known == null && !undos.isEmpty()) {
      write(journal.failing(core.encode(failure), core.access.now()));
    }
    write(journal.cancelChildren("run " + runId() + " is ending"));
    Strand undoing = new Strand(null, true);
    lock.lock();
    try {
      journal.compensate();
      compensates = true;
      strands.clear();
      strands.add(undoing);
    } finally {
      lock.unlock();
    }
    Failure whole = failure;
    for (Undo undo : undos.descendingMap().values()) {
      try {
        undo.action().undo(new RunContext(this, undoing, "", core.access.now()));
      } catch (AgentException notUndone) {
        core.log.warn("run {}: {} could not be undone", runId(), undo.path());
        whole =
            new Failure(
                whole.kind(),
                whole.message()
                    + "; could not undo '"
                    + undo.path()
                    + "': "
                    + notUndone.getMessage(),
                false);
      }
    }
    RunEnd.State state =
        whole.kind().equals(ErrorCode.RUN_CANCELLED.name())
            ? RunEnd.State.CANCELLED
            : RunEnd.State.FAILED;
    finish(state, core.encode(whole), whole);
  }

  private Failure reason(@Nullable Throwable thrown) {
    Ending why = journal.ending();
    if (why != Ending.NOT && why != Ending.FAILED) {
      return new Failure(why.code().name(), "run " + runId() + " " + why.words(), false);
    }
    if (thrown == null) {
      return new Failure(ErrorCode.RUN_FAILED.name(), "", false);
    }
    Failure failure = Failure.of(thrown);
    // that a child was cancelled or late is not this run's own end of that kind
    boolean childs =
        failure.kind().equals(ErrorCode.RUN_CANCELLED.name())
            || failure.kind().equals(ErrorCode.DEADLINE_EXCEEDED.name());
    return childs
        ? new Failure(ErrorCode.STEP_FAILED.name(), failure.message(), failure.retryable())
        : failure;
  }

  private void finish(RunEnd.State state, byte[] payload, @Nullable Failure failure) {
    write(journal.cancelChildren("run " + runId() + " has ended"));
    Instant now = core.access.now();
    Duration keep = core.options.retention();
    RunEnd end = new RunEnd(state, now, payload);
    Outcome outcome = send(journal.end(end, keep == null ? null : Runs.after(now, keep)));
    if (outcome instanceof Outcome.Done done) {
      core.ended(this, end, failure, done);
    } else {
      letGo(LetGo.Reason.FENCED);
    }
  }

  private boolean park() {
    AgentException misfit = journal.ending() == Ending.NOT ? journal.mismatch() : null;
    if (misfit != null) {
      return stop(misfit);
    }
    if (journal.ending() != Ending.NOT && !compensates) {
      return reload(); // its deadline passed while it left: it must not wait any more
    }
    Instant deadline = compensates ? null : header().terms().deadline();
    Instant due = RuntimeCore.sooner(waits.due(), deadline);
    Outcome outcome = send(journal.park(due, looked));
    if (outcome instanceof Outcome.Done) {
      core.tell(new RunEvent.Parked(runId(), definition.name(), waitsFor, due));
      core.parked(due);
      return false;
    }
    if (((Outcome.Refused) outcome).because() instanceof Edit.NoMailAfter) {
      return reload(); // mail came: look at it and go on
    }
    letGo(LetGo.Reason.FENCED);
    return false;
  }

  private boolean reload() {
    Stored whole = core.access.first(Scan.whole(journal.id()));
    if (whole == null
        || !(whole.place() instanceof Place.Held held)
        || !held.grant().equals(journal.grant())) {
      letGo(LetGo.Reason.FENCED);
      return false;
    }
    lock.lock();
    try {
      journal = journal.reread(whole);
    } finally {
      lock.unlock();
    }
    return true;
  }

  private boolean handBack() {
    if (send(journal.handBack(core.access.now())) instanceof Outcome.Done) {
      core.tell(new RunEvent.Parked(runId(), definition.name(), "a process to go on", null));
    }
    return false;
  }

  private boolean stop(AgentException why) {
    core.log.error("{}", why.getMessage(), why);
    Failure failure = Failure.of(why);
    write(journal.setAside());
    send(journal.stop(core.encode(failure), core.access.now()));
    core.stopped(this, failure, why);
    return false;
  }

  // writing

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
      throw fenced();
    }
  }

  /** As {@link #write}, for edits with a guard of their own that may be refused. */
  Outcome attempt(List<Edit> edits) {
    Change change;
    boolean rides;
    lock.lock();
    try {
      awaitRiders();
      rides = journal.riding() > 0;
      change = journal.change(edits);
      ridersUnderWay = rides;
    } finally {
      lock.unlock();
    }
    return rides ? deliverRiders(change) : deliver(change);
  }

  /** What follows riders may build on them: it is sent when they are stored. Under the lock. */
  private void awaitRiders() {
    while (ridersUnderWay) {
      ridersStored.awaitUninterruptibly();
    }
    if (exit == Exit.LOST) {
      throw new Unwinding(waitsFor);
    }
  }

  private Outcome deliverRiders(Change change) {
    try {
      return deliver(change);
    } finally {
      lock.lock();
      try {
        ridersUnderWay = false;
        ridersStored.signalAll();
      } finally {
        lock.unlock();
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
      if (!seen.key().equals(runId())) {
        core.wake(seen);
      } else if (seen.mail() > journal.mailSeen()) {
        try {
          fetchMail();
        } catch (AgentException later) {
          // what was written is written; the run looks again before it leaves
          core.log.debug("run {} could not look for its mail", runId(), later);
        }
      }
    }
    return outcome;
  }

  private Outcome send(Change change) {
    try {
      return core.access.write(change);
    } catch (AgentException failed) {
      if (failed.code() == ErrorCode.LIMIT_EXCEEDED || failed.code() == ErrorCode.INVALID_INPUT) {
        // it would be refused each time: somebody has to look
        leaveBy(Exit.STOP, "nothing, it was stopped", failed);
        throw new Unwinding(waitsFor);
      }
      core.log.warn("run {} is let go: {}", runId(), failed.getMessage());
      throw lost(LetGo.Reason.STORE_AWAY, failed.code().name());
    }
  }

  Unwinding fenced() {
    return lost(LetGo.Reason.FENCED, "its grant is no longer valid");
  }

  Unwinding lost(LetGo.Reason reason, String why) {
    leaveBy(Exit.LOST, "nothing, it was lost: " + why, null);
    tell(reason);
    return new Unwinding(waitsFor);
  }

  private void letGo(LetGo.Reason reason) {
    tell(reason);
    core.letGo(this);
  }

  private void tell(LetGo.Reason reason) {
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

  // control from other threads

  /** Whether mail that another process sent may have been lying here for a while. */
  boolean shouldLook(long everyNanos) {
    lock.lock();
    try {
      return !settling && (waits.any() || System.nanoTime() - lastLook >= everyNanos);
    } finally {
      lock.unlock();
    }
  }

  /** Looks for mail that came since. */
  void fetchMail() {
    lastLook = System.nanoTime();
    Stored record = core.access.first(Scan.mailAfter(journal.id(), journal.mailSeen()));
    if (record != null) {
      lock.lock();
      try {
        journal.receive(record.mail());
        afterMail();
      } finally {
        lock.unlock();
      }
    }
  }

  private void afterMail() {
    if (journal.ending() != Ending.NOT && !settling) {
      interruptAll();
    }
    waits.changed.signalAll();
  }

  /** Watches the deadline; true when the run has to be ended over the head of its thread. */
  boolean overdue(Instant now, Duration grace) {
    lock.lock();
    try {
      Instant deadline = header().terms().deadline();
      if (deadline != null && !deadline.isAfter(now) && journal.ending() == Ending.NOT) {
        journal.end(Ending.DEADLINE);
        afterMail();
      }
      // while the code has not reached all that was done, nobody knows what has to be undone
      if (journal.ending() == Ending.NOT || settling || journal.mismatch() != null) {
        endingSince = 0;
        return false;
      }
      // whoever replays on the way to where the run stood is not stuck
      endingSince = Math.max(endingSince, lastSeen);
      if (endingSince == 0) {
        endingSince = System.nanoTime();
      }
      return System.nanoTime() - endingSince > RuntimeOptions.nanos(grace);
    } finally {
      lock.unlock();
    }
  }

  /** Ends a run whose thread does not react; whatever that thread does later changes nothing. */
  void endOverHead() {
    lock.lock();
    try {
      if (settling) {
        return;
      }
      settling = true;
    } finally {
      lock.unlock();
    }
    core.log.warn(
        "run {} of agent {} does not react to being ended; its thread is left behind",
        runId(),
        header().queue());
    try {
      if (settle(
          null, new RunEndingException(journal.ending().code(), "the agent did not react"))) {
        core.letGo(this); // to be executed again, but not on this thread
      }
    } catch (Unwinding lost) {
      core.letGo(this);
    } catch (Throwable failed) {
      core.log.error("run {} could not be ended and is let go", runId(), failed);
      core.letGo(this);
    } finally {
      leave();
    }
  }

  /**
   * Whether a strand that does not wait has given no sign of life for so long in which it could.
   */
  boolean isStuck(Duration silence, long awakeSince) {
    lock.lock();
    try {
      if (settling || exit != Exit.NONE || journal.ending() != Ending.NOT) {
        return false;
      }
      long now = System.nanoTime();
      for (Strand strand : strands) {
        long silent = Math.min(now - strand.lastSign, now - awakeSince);
        if (silent > RuntimeOptions.nanos(silence) && !waits.has(strand)) {
          return true;
        }
      }
      return false;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Gives a run that is stuck back, over the head of its threads, to begin again from its journal.
   * What those threads still write is refused.
   */
  void restart() {
    Change change;
    lock.lock();
    try {
      if (settling || exit != Exit.NONE || journal.ending() != Ending.NOT) {
        return;
      }
      settling = true;
      interruptAll();
      waits.changed.signalAll();
      journal.diedIn(journal.grant().holder(), core.where);
      change =
          journal.takeUp(core.access.now(), core.options.maxTakeOvers(), core::encodedPoisoned);
    } finally {
      lock.unlock();
    }
    core.stuck = new RuntimeCore.Noted(runId(), System.nanoTime());
    core.log.warn(
        "run {} of agent {} gave no sign of life for too long; it begins again from its journal",
        runId(),
        header().queue());
    try {
      if (send(change) instanceof Outcome.Done) {
        tell(LetGo.Reason.STUCK);
        core.created(header());
      } else {
        letGo(LetGo.Reason.FENCED);
      }
    } catch (Unwinding lost) {
      core.letGo(this);
    } catch (Throwable failed) {
      core.log.error("run {} could not be given back and is let go", runId(), failed);
      letGo(LetGo.Reason.ERROR);
    } finally {
      leave();
    }
  }

  /** The process shuts down: leave the stack as soon as possible. */
  void handBackSoon() {
    leaveBy(Exit.HAND_BACK, "a process to go on", null);
  }

  /** Gives the run back over the head of a thread that does not react. */
  void handBackNow() {
    lock.lock();
    try {
      if (settling || left) {
        return;
      }
      settling = true;
    } finally {
      lock.unlock();
    }
    try {
      handBack();
    } catch (Unwinding alreadyLost) {
      core.log.debug("run {} could not be handed back", runId());
      core.letGo(this); // it is tried once more, else others take over
    } finally {
      leave();
    }
  }

  /** Whether the run no longer needs its thread. */
  boolean departing() {
    return exit != Exit.NONE;
  }

  void leaveBy(Exit by, String waiting, @Nullable AgentException reason) {
    lock.lock();
    try {
      if (exit == Exit.NONE || by.compareTo(exit) > 0) {
        exit = by;
        looked = journal.mailSeen();
        waitsFor = waiting;
        stopReason = reason;
      }
      interruptAll();
      waits.changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private void interruptAll() {
    for (Strand strand : strands) {
      Thread acting = strand.acting;
      if (acting != null) {
        acting.interrupt();
      }
    }
  }

  // strands, all under the lock

  void begin(Strand strand) {
    lock.lock();
    try {
      strands.add(strand);
    } finally {
      lock.unlock();
    }
  }

  /** Takes strands out that another branch has beaten, with all below them. */
  void lose(List<Strand> losers) {
    lock.lock();
    try {
      losers.forEach(s -> s.lost = true);
      waits.dropLost();
      interruptLost();
      waits.changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private void interruptLost() {
    for (Strand strand : strands) {
      Thread acting = strand.acting;
      if (acting != null && strand.isLost()) {
        acting.interrupt();
      }
    }
    strands.removeIf(Strand::isLost);
  }

  void end(Strand strand) {
    lock.lock();
    try {
      strands.remove(strand);
      waits.changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  int strandCount() {
    return strands.size();
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
      if (exit != Exit.NONE) {
        throw new Unwinding(waitsFor);
      }
    } finally {
      lock.unlock();
    }
  }

  /** What the losers of a group did is not undone: a replay does not know of it. */
  void forgetUndos(String group, int winner) {
    lock.lock();
    try {
      undos
          .values()
          .removeIf(
              undo ->
                  undo.path().startsWith(group) && !undo.path().startsWith(group + winner + "/"));
    } finally {
      lock.unlock();
    }
  }

  /** Asks the journal for a strand; an error that stops the run does so whatever the code does. */
  <T extends @Nullable Object> T ask(Strand strand, Function<Journal, T> question) {
    T answer;
    Change riders = null;
    lock.lock();
    try {
      check(strand);
      answer = question.apply(journal);
      if (journal.riding() >= MANY_RIDERS) {
        awaitRiders();
        riders = journal.change(List.of()); // before there are too many for one change
        ridersUnderWay = true;
      }
    } catch (AgentException why) {
      throw stopping(why);
    } finally {
      lock.unlock();
    }
    if (riders != null && deliverRiders(riders) instanceof Outcome.Refused) {
      throw fenced();
    }
    return answer;
  }

  /** Stops the run from inside a context call, whatever the code makes of the error. */
  AgentException stopping(AgentException why) {
    if (stops(why.code())) {
      leaveBy(Exit.STOP, "nothing, it was stopped", why);
    }
    return why;
  }

  /** An effect begins only while this process is sure to be the only one that makes it. */
  private void awaitLease() {
    while (!core.fleet.mayBegin()) {
      if (!core.fleet.holdsLease()) {
        throw lost(LetGo.Reason.LEASE_ENDED, "the process's lease has ended");
      }
      if (exit != Exit.NONE) {
        return;
      }
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
    }
    // the lease is that of the present incarnation, and says nothing of what an earlier one claimed
    if (!journal.grant().holder().equals(core.fleet.incarnation())) {
      throw lost(LetGo.Reason.LEASE_ENDED, "it was claimed before the process was declared dead");
    }
  }

  /** Marks a thread as inside an action; false when nothing may begin any more. */
  boolean enter(Strand strand, Thread thread) {
    awaitLease();
    lock.lock();
    try {
      if (exit != Exit.NONE
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
}
