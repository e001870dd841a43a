package dev.troupe.runtime;

import dev.troupe.agent.Failure;
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
 * @param reason why it ended or stopped without success, null otherwise
 * @param journal what it has done, in the order in which it was written
 */
public record RunView(
    String id,
    String agent,
    @Nullable String parent,
    State state,
    Instant created,
    @Nullable Failure reason,
    List<Line> journal) {
  /** Where a run stands. */
  public enum State {
    /** Waits to be taken by a process that hosts its agent. */
    QUEUED,
    /** A process executes it. */
    RUNNING,
    /** Has left its thread and waits for a time, a signal or another run. */
    WAITING,
    /** Its journal and its code do not fit; it waits for a mended version, nothing is lost. */
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
   * One effect in a journal.
   *
   * @param path where in the agent's code it stands
   * @param what the kind of effect and how it went, in words
   * @param at when it was journaled
   * @param attempts how many attempts it took
   */
  public record Line(String path, String what, Instant at, int attempts) {}

  public RunView {
    journal = List.copyOf(journal);
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
