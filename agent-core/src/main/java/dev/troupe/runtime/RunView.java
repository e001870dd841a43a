package dev.troupe.runtime;

import dev.troupe.Codec;
import dev.troupe.agent.Failure;
import dev.troupe.state.StateStore;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A run as an operator sees it: where it stands and what it did, without inputs and results.
 *
 * @param id the run
 * @param agent its agent, {@code name@version}
 * @param parent the run that called it, null for none
 * @param state where it stands
 * @param created when it was created
 * @param ended when it ended, null while it has not
 * @param reason why it ended or stopped without success, null otherwise
 * @param executions which processes executed it, oldest first; the last 64
 * @param journal what it has done, in the order in which it was written
 */
public record RunView(
    String id,
    String agent,
    @Nullable String parent,
    State state,
    Instant created,
    @Nullable Instant ended,
    @Nullable Failure reason,
    List<Execution> executions,
    List<Line> journal) {
  /** Where a run stands. */
  public enum State {
    /** Waits to be taken by a process that hosts its agent. */
    QUEUED,
    /** A process executes it. */
    RUNNING,
    /** Has left its thread and waits for a time, a signal or another run. */
    WAITING,
    /**
     * Its journal and its code do not fit, or a budget is spent: it waits for a mended version, or
     * for a raised budget, and to be resumed. Nothing is lost.
     */
    STOPPED,
    /** Ended with a result. */
    SUCCEEDED,
    /** Ended with a failure. */
    FAILED,
    /** Ended because it was cancelled. */
    CANCELLED;

    /**
     * Whether a run in this state never changes again.
     *
     * @return true for succeeded, failed and cancelled
     */
    public boolean ended() {
      return this == SUCCEEDED || this == FAILED || this == CANCELLED;
    }
  }

  /**
   * A stretch of time in which one process executed the run.
   *
   * @param process the process's incarnation
   * @param where host and process id
   * @param since when it began
   * @param afterDeath whether the process before it died with the run in its hands
   */
  public record Execution(String process, String where, Instant since, boolean afterDeath) {}

  /**
   * One effect in a journal.
   *
   * @param path where in the agent's code it stands
   * @param what the kind of effect and how it went, in words
   * @param at when it was journaled
   * @param attempts how many attempts it took
   * @param took how long it took, counted from what came before it in its branch
   * @param execution which of the executions journaled it, counted from 0; -1 when not known
   * @param again whether it may have been begun by a process that died, and was then made again
   * @param child the run that a call created, null for everything else
   */
  public record Line(
      String path,
      String what,
      Instant at,
      int attempts,
      Duration took,
      int execution,
      boolean again,
      @Nullable String child) {}

  public RunView {
    executions = List.copyOf(executions);
    journal = List.copyOf(journal);
  }

  /**
   * Reads a run without a runtime, so without taking part in executing anything.
   *
   * @param store where the run lies
   * @param codec how its failures are written
   * @param run the run's id
   * @return the view, empty when there is no such run
   */
  public static Optional<RunView> read(StateStore store, Codec codec, String run) {
    return Optional.ofNullable(Views.read(store, codec, run));
  }

  /**
   * The view as a page for people: what ran where, how long it took, what was made again after a
   * process died and what that cost.
   *
   * @return lines of text
   */
  public String page() {
    return RunPage.of(this);
  }

  /**
   * Why the run ended or stopped without success.
   *
   * @return the failure, empty otherwise
   */
  public Optional<Failure> failure() {
    return Optional.ofNullable(reason);
  }
}
