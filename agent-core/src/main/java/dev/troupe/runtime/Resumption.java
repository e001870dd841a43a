package dev.troupe.runtime;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.agent.Failure;
import dev.troupe.run.RunHeader;
import dev.troupe.run.RunRecord;
import dev.troupe.run.Runs;
import dev.troupe.state.Change;
import dev.troupe.state.Outcome;
import dev.troupe.state.Scan;
import dev.troupe.state.Stored;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Lets a run go on that was stopped, and what stopped below it with the budget of their tree. May
 * be made again when it was broken off: what goes on already is passed over.
 */
final class Resumption {
  private final RuntimeCore core;
  private final String run;

  /** Runs whose parents were seen to wait for them, wherever they lie. */
  private final Deque<String> unseen = new ArrayDeque<>();

  private boolean any;

  Resumption(RuntimeCore core, String run) {
    this.core = core;
    this.run = run;
  }

  void make() {
    unseen.add(run);
    while (!unseen.isEmpty()) {
      String id = unseen.remove();
      List<String> below = id.equals(run) ? own() : ofTree(id);
      unseen.addAll(below);
    }
    if (!any) {
      throw new AgentException(
          ErrorCode.INVALID_INPUT,
          "run %s is not stopped, nor is any that it waits for stopped by a spent budget; there is nothing to resume"
              .formatted(run));
    }
  }

  private List<String> own() {
    while (true) {
      Stored record = read(run);
      if (record == null) {
        throw Control.unknown(run);
      }
      // by its row, not its place: a claim may hold it for the moment that it takes to put it back
      if (!Runs.isStopped(record) || wentOn(record)) {
        return below(record);
      }
    }
  }

  private List<String> ofTree(String id) {
    while (true) {
      Stored record = read(id);
      if (record == null) {
        return List.of(); // on its way to another partition, or removed
      }
      try {
        if (!spent(record) || wentOn(record)) {
          return below(record);
        }
      } catch (AgentException damaged) {
        if (damaged.code() != ErrorCode.UNDECODABLE) {
          throw damaged;
        }
        return List.of(); // its own trouble; the others go on
      }
    }
  }

  private @Nullable Stored read(String id) {
    Stored record = core.access.first(Scan.whole(core.access.place(id)));
    return record == null || !RuntimeCore.isRun(record) ? null : record;
  }

  /**
   * What the run waited for when it was read; children that it has called since are not stopped.
   */
  private static List<String> below(Stored record) {
    return RunRecord.decode(record).end() == null ? Runs.unanswered(record) : List.of();
  }

  private boolean spent(Stored record) {
    byte[] reason = Runs.whyStopped(record);
    return reason != null
        && core.codec.decode(reason, Failure.class) instanceof Failure failure
        && failure.kind().equals(ErrorCode.BUDGET_EXCEEDED.name());
  }

  /** False when the record has changed since it was read. */
  private boolean wentOn(Stored record) {
    RunHeader header = RunRecord.decode(record).header();
    Change resume = Runs.resume(RunIds.random(), record, header, core.access.now());
    if (!(core.access.write(resume) instanceof Outcome.Done)) {
      return false;
    }
    any = true;
    core.created(header);
    return true;
  }
}
