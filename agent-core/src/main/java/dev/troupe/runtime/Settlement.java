package dev.troupe.runtime;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.agent.Failure;
import dev.troupe.run.Ending;
import dev.troupe.run.Journal;
import dev.troupe.run.RunEnd;
import dev.troupe.runtime.RunEvent.LetGo;
import org.jspecify.annotations.Nullable;

/**
 * What follows from how one execution of an agent came out: the run ends, after what it did was
 * undone if it failed, or it leaves. Used once, by one thread.
 */
final class Settlement {
  private final JournalAccess access;
  private final HeldRun run;
  private final RuntimeCore core;
  private final Departure departure;
  private boolean compensates;

  Settlement(JournalAccess access, Departure departure) {
    this.access = access;
    this.run = access.run;
    this.core = access.run.core;
    this.departure = departure;
  }

  /** Writes it; true when the agent has to be executed again at once. */
  boolean settle(@Nullable Object result, @Nullable Throwable thrown) {
    try {
      if (run.departing()) {
        return depart(thrown);
      }
      conclude(result, thrown);
      return false;
    } catch (Unwinding left) {
      return depart(left); // a compensation waits, or the run was lost
    } catch (AgentException why) {
      if (HeldRun.stops(why.code())) {
        departure.stop(why); // the failure that was journaled can't be read
        return false;
      }
      throw why;
    }
  }

  // the run ends

  private void conclude(@Nullable Object result, @Nullable Throwable thrown) {
    AgentException misfit = misfit();
    if (misfit != null) {
      departure.stop(misfit);
    } else if (thrown instanceof AgentException known && HeldRun.stops(known.code())) {
      departure.stop(known);
    } else if (thrown == null && run.journal().ending() == Ending.NOT) {
      succeed(result);
    } else {
      fail(thrown);
    }
  }

  private @Nullable AgentException misfit() {
    Journal journal = run.journal();
    return journal.ending() == Ending.NOT ? journal.mismatch() : null;
  }

  private void succeed(@Nullable Object result) {
    byte[] payload;
    try {
      payload = core.codec.encode(result, run.definition.output());
      if (payload.length > RuntimeCore.MAX_VALUE) {
        throw new AgentException(
            ErrorCode.LIMIT_EXCEEDED,
            "the result of agent %s has %d bytes, %d are allowed; store it elsewhere and return where"
                .formatted(run.header().queue(), payload.length, RuntimeCore.MAX_VALUE));
      }
    } catch (AgentException unwritable) {
      fail(unwritable);
      return;
    }
    departure.finish(RunEnd.State.SUCCEEDED, payload, null);
  }

  private void fail(@Nullable Throwable thrown) {
    Journal journal = run.journal();
    byte[] known = journal.failure();
    Failure failure = known == null ? reason(thrown) : core.failure(known);
    if (known == null && !run.undos.isEmpty()) {
      access.write(journal.failing(core.encode(failure), core.access.now()));
    }
    access.write(journal.cancelChildren("run " + run.runId() + " is ending"));
    Failure whole = undo(failure);
    RunEnd.State state =
        whole.kind().equals(ErrorCode.RUN_CANCELLED.name())
            ? RunEnd.State.CANCELLED
            : RunEnd.State.FAILED;
    departure.finish(state, core.encode(whole), whole);
  }

  private Failure reason(@Nullable Throwable thrown) {
    Ending why = run.journal().ending();
    if (why != Ending.NOT && why != Ending.FAILED) {
      return new Failure(why.code().name(), "run " + run.runId() + " " + why.words(), false);
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

  /** Undoes what was done; the failure that comes back tells as well what could not be undone. */
  private Failure undo(Failure failure) {
    Strand undoing = new Strand(null, true);
    run.compensate(undoing);
    compensates = true;
    Failure whole = failure;
    for (Undos.Undo undo : run.undos.latestFirst()) {
      try {
        undo.action().undo(new RunContext(access, undoing, "", core.access.now()));
      } catch (AgentException notUndone) {
        core.log.warn("run {}: {} could not be undone", run.runId(), undo.path());
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
    return whole;
  }

  // the run leaves

  private boolean depart(@Nullable Throwable thrown) {
    Leaving leaving = run.leaving();
    AgentException reason = leaving.reason();
    if (leaving.how() == Leaving.How.STOP && reason != null) {
      departure.stop(reason);
      return false;
    }
    if (leaving.how() == Leaving.How.LOST) {
      core.letGo(run);
      return false;
    }
    if (!(thrown instanceof Unwinding)) {
      departure.stop(
          new AgentException(
              ErrorCode.SWALLOWED_WAIT,
              "run %s of agent %s: the code caught the error by which a run leaves its stack while it waits for %s. Catch Exception instead of Throwable, and put clean-up into a compensation or a last step. The run was stopped and nothing was lost"
                  .formatted(run.runId(), run.header().queue(), leaving.waitsFor()),
              thrown));
      return false;
    }
    if (leaving.how() == Leaving.How.HAND_BACK) {
      departure.handBack();
      return false;
    }
    return park(leaving);
  }

  private boolean park(Leaving leaving) {
    AgentException misfit = misfit();
    if (misfit != null) {
      departure.stop(misfit);
      return false;
    }
    // when its deadline passed while it left, it must not wait any more
    boolean late = run.journal().ending() != Ending.NOT && !compensates;
    if (!late && departure.park(leaving, compensates)) {
      return false;
    }
    boolean held = access.reread();
    if (!held) {
      run.letGo(LetGo.Reason.FENCED);
    }
    return held;
  }
}
