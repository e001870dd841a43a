package dev.troupe.runtime;

import dev.troupe.agent.Failure;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Something that happened to a run in this process. Holds no input and no result. */
public sealed interface RunEvent {
  /**
   * Which run.
   *
   * @return its id
   */
  String run();

  /**
   * Whose run.
   *
   * @return the agent's name
   */
  String agent();

  /**
   * This process begins to execute the run, anew or again.
   *
   * @param run the run
   * @param agent its agent
   * @param journaled how many effects are finished and will not be made again; 0 for a new run
   * @param parent the run that called it, null for none
   */
  record Started(String run, String agent, int journaled, @Nullable String parent)
      implements RunEvent {}

  /**
   * An attempt at a step begins.
   *
   * @param run the run
   * @param agent its agent
   * @param path the step
   * @param attempt its number, from 1
   */
  record StepStarted(String run, String agent, String path, int attempt) implements RunEvent {}

  /**
   * A step's result was journaled.
   *
   * @param run the run
   * @param agent its agent
   * @param path the step
   * @param took how long the last attempt took
   */
  record StepFinished(String run, String agent, String path, Duration took) implements RunEvent {}

  /**
   * An attempt at a step failed.
   *
   * @param run the run
   * @param agent its agent
   * @param path the step
   * @param attempt its number, from 1
   * @param failure what happened
   * @param retryIn how long until the next attempt, null when the step has failed for good
   */
  record StepFailed(
      String run,
      String agent,
      String path,
      int attempt,
      Failure failure,
      @Nullable Duration retryIn)
      implements RunEvent {}

  /**
   * A process was gone while a step was under way that must not be repeated blindly.
   *
   * @param run the run
   * @param agent its agent
   * @param path the step
   * @param attempt the attempt whose outcome is unknown
   * @param begun when it began
   */
  record OutcomeUnknown(String run, String agent, String path, int attempt, Instant begun)
      implements RunEvent {}

  /**
   * Another agent was called.
   *
   * @param run the run
   * @param agent its agent
   * @param path the call
   * @param child the child run
   * @param childAgent the agent called
   */
  record Called(String run, String agent, String path, String child, String childAgent)
      implements RunEvent {}

  /**
   * The agent told how far it is.
   *
   * @param run the run
   * @param agent its agent
   * @param progress what it published
   */
  record Progress(String run, String agent, Object progress) implements RunEvent {}

  /**
   * The run left its thread and waits.
   *
   * @param run the run
   * @param agent its agent
   * @param waitsFor what it waits for, in words
   * @param until when it goes on at the latest, null for when something comes
   */
  record Parked(String run, String agent, String waitsFor, @Nullable Instant until)
      implements RunEvent {}

  /**
   * This process no longer executes the run, though it has not ended; it goes on elsewhere, or here
   * under a new grant.
   *
   * @param run the run
   * @param agent its agent
   * @param reason why
   */
  record LetGo(String run, String agent, Reason reason) implements RunEvent {
    /** Why a run was let go. */
    public enum Reason {
      /** A write was refused, because the store has given the run to another. */
      FENCED,
      /** The process gave no sign of life in time, so others may have taken the run over. */
      LEASE_ENDED,
      /** The store did not answer for too long. */
      STORE_AWAY,
      /** The agent gave no sign of life for as long as its definition allows. */
      STUCK,
      /** An error of the library, or too little memory. */
      ERROR
    }
  }

  /**
   * The run ended, or was stopped because its journal and its code do not fit.
   *
   * @param run the run
   * @param agent its agent
   * @param state {@link RunView.State#SUCCEEDED}, {@link RunView.State#FAILED}, {@link
   *     RunView.State#CANCELLED} or {@link RunView.State#STOPPED}
   * @param reason why it did not succeed, null when it did
   */
  record Ended(String run, String agent, RunView.State state, @Nullable Failure reason)
      implements RunEvent {
    /**
     * Why the run did not succeed.
     *
     * @return the failure, empty when it succeeded
     */
    public Optional<Failure> failure() {
      return Optional.ofNullable(reason);
    }
  }
}
