package dev.troupe.runtime;

import dev.troupe.AgentException;
import dev.troupe.agent.Failure;
import dev.troupe.run.Journal;
import dev.troupe.run.RunEnd;
import dev.troupe.run.Runs;
import dev.troupe.runtime.RunEvent.LetGo;
import dev.troupe.state.Edit;
import dev.troupe.state.Outcome;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** The last changes that a process makes to a run before the run is no longer its own. */
final class Departure {
  private final JournalAccess access;
  private final HeldRun run;
  private final RuntimeCore core;

  Departure(JournalAccess access) {
    this.access = access;
    this.run = access.run;
    this.core = access.run.core;
  }

  /** It has ended. */
  void finish(RunEnd.State state, byte[] payload, @Nullable Failure failure) {
    Journal journal = run.journal();
    access.write(journal.cancelChildren("run " + run.runId() + " has ended"));
    Instant now = core.access.now();
    Duration keep = core.options.retention();
    RunEnd end = new RunEnd(state, now, payload);
    Outcome outcome = access.send(journal.end(end, keep == null ? null : Runs.after(now, keep)));
    if (outcome instanceof Outcome.Done done) {
      core.ended(run, end, failure, done);
    } else {
      run.letGo(LetGo.Reason.FENCED);
    }
  }

  /** It waits; false when mail came, so that it has to be read again and go on. */
  boolean park(Leaving leaving, boolean compensates) {
    Instant deadline = compensates ? null : run.header().terms().deadline();
    Instant due = RuntimeCore.sooner(access.waits.due(), deadline);
    Outcome outcome = access.send(run.journal().park(due, leaving.looked()));
    if (outcome instanceof Outcome.Done) {
      core.tell(new RunEvent.Parked(run.runId(), run.definition.name(), leaving.waitsFor(), due));
      core.parked(due);
      return true;
    }
    if (((Outcome.Refused) outcome).because() instanceof Edit.NoMailAfter) {
      return false;
    }
    run.letGo(LetGo.Reason.FENCED);
    return true;
  }

  /** Any process may go on with it. */
  void handBack() {
    Outcome outcome = access.send(run.journal().handBack(core.access.now()));
    if (outcome instanceof Outcome.Done) {
      core.tell(
          new RunEvent.Parked(run.runId(), run.definition.name(), "a process to go on", null));
    }
  }

  /** Somebody has to look at it. */
  void stop(AgentException why) {
    core.log.error("{}", why.getMessage(), why);
    Failure failure = Failure.of(why);
    access.write(run.journal().setAside());
    access.send(run.journal().stop(core.encode(failure), core.access.now()));
    core.stopped(run, failure, why);
  }
}
