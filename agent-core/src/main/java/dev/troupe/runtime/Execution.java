package dev.troupe.runtime;

import dev.troupe.agent.AgentDefinition;
import dev.troupe.agent.RunEndingException;
import dev.troupe.run.Journal;
import dev.troupe.runtime.RunEvent.LetGo;
import dev.troupe.state.Change;
import dev.troupe.state.Outcome;
import org.jspecify.annotations.Nullable;

/**
 * A run on its thread: executes the agent, again after a wait that was over before the run could
 * leave, until how it came out is written. Other threads take that over from one that does not
 * react.
 */
final class Execution {
  final HeldRun run;
  final JournalAccess access;
  final SignsOfLife signs;
  private final RuntimeCore core;
  private final Waits waits;
  private final Departure departure;
  private boolean left; // guarded by the run's lock

  Execution(RuntimeCore core, AgentDefinition<?, ?> definition, Journal journal) {
    this.core = core;
    this.run = new HeldRun(core, definition, journal);
    this.waits = new Waits(run);
    this.access = new JournalAccess(run, waits);
    this.signs = new SignsOfLife(run, waits);
    this.departure = new Departure(access);
  }

  // the run's own thread

  void run() {
    try {
      core.tell(
          new RunEvent.Started(
              run.runId(),
              run.definition.name(),
              run.journal().finished(),
              run.header().origin().parent()));
      while (once()) {
        reset();
      }
    } catch (Unwinding lost) {
      core.letGo(run);
    } catch (Throwable t) {
      core.noticed(t);
      core.log.error("run {} is let go after an error of the library", run.runId(), t);
      run.letGo(LetGo.Reason.ERROR);
    } finally {
      leave();
    }
  }

  /** It gets no thread; others may have one for it. */
  void abandon() {
    core.letGo(run);
    leave();
  }

  private void leave() {
    run.lock.lock();
    try {
      if (left) {
        return;
      }
      left = true;
    } finally {
      run.lock.unlock();
    }
    core.left(this);
  }

  private void reset() {
    run.lock.lock();
    try {
      run.reset();
      waits.clear();
    } finally {
      run.lock.unlock();
    }
  }

  /** Executes the agent once; true when it has to be executed again at once. */
  private boolean once() {
    Strand main = new Strand(null, false);
    Object result = null;
    Throwable thrown = null;
    try {
      run.strands.begin(main);
      // it may be late before it begins
      signs.overdue(core.access.now(), core.options.endGrace());
      RunContext context = new RunContext(access, main, "", run.header().origin().created());
      result = core.invoke(run.definition, run.header(), context);
    } catch (Throwable t) {
      core.noticed(t);
      thrown = t;
    }
    // unless the run was ended while this thread did not react
    return run.beginSettling() && settle(result, thrown);
  }

  private boolean settle(@Nullable Object result, @Nullable Throwable thrown) {
    return new Settlement(access, departure).settle(result, thrown);
  }

  // other threads, over the head of the run's own

  /** Ends a run whose thread does not react; whatever that thread does later changes nothing. */
  void endOverHead() {
    if (!run.beginSettling()) {
      return;
    }
    core.log.warn(
        "run {} of agent {} does not react to being ended; its thread is left behind",
        run.runId(),
        run.header().queue());
    try {
      RunEndingException why =
          new RunEndingException(run.journal().ending().code(), "the agent did not react");
      if (settle(null, why)) {
        core.letGo(run); // to be executed again, but not on this thread
      }
    } catch (Unwinding lost) {
      core.letGo(run);
    } catch (Throwable failed) {
      core.log.error("run {} could not be ended and is let go", run.runId(), failed);
      core.letGo(run);
    } finally {
      leave();
    }
  }

  /**
   * Gives a run that is stuck back, over the head of its threads, to begin again from its journal.
   * What those threads still write is refused.
   */
  void restart() {
    Change change;
    run.lock.lock();
    try {
      if (!run.goesOn()) {
        return;
      }
      run.beginSettling();
      run.interrupt();
      Journal journal = run.journal();
      journal.diedIn(journal.grant().holder(), core.where);
      change =
          journal.takeUp(core.access.now(), core.options.maxTakeOvers(), core::encodedPoisoned);
    } finally {
      run.lock.unlock();
    }
    core.stuck = new RuntimeCore.Noted(run.runId(), System.nanoTime());
    core.log.warn(
        "run {} of agent {} gave no sign of life for too long; it begins again from its journal",
        run.runId(),
        run.header().queue());
    try {
      if (access.send(change) instanceof Outcome.Done) {
        run.tell(LetGo.Reason.STUCK);
        core.created(run.header());
      } else {
        run.letGo(LetGo.Reason.FENCED);
      }
    } catch (Unwinding lost) {
      core.letGo(run);
    } catch (Throwable failed) {
      core.log.error("run {} could not be given back and is let go", run.runId(), failed);
      run.letGo(LetGo.Reason.ERROR);
    } finally {
      leave();
    }
  }

  /** The process shuts down: leave the stack as soon as possible. */
  void handBackSoon() {
    run.leaveBy(Leaving.How.HAND_BACK, "a process to go on", null);
  }

  /** Gives the run back over the head of a thread that does not react. */
  void handBackNow() {
    run.lock.lock();
    try {
      if (left || !run.beginSettling()) {
        return;
      }
    } finally {
      run.lock.unlock();
    }
    try {
      departure.handBack();
    } catch (Unwinding alreadyLost) {
      core.log.debug("run {} could not be handed back", run.runId());
      core.letGo(run); // it is tried once more, else others take over
    } finally {
      leave();
    }
  }
}
