package dev.troupe.agent;

import org.jspecify.annotations.Nullable;

/**
 * Undoes a step after the run failed, was cancelled or passed its deadline. It is itself a step:
 * tried again by the retry policy of the step that it undoes, and done once.
 *
 * @param <T> the result of the step
 */
@FunctionalInterface
public interface Compensation<T extends @Nullable Object> {
  /**
   * Undoes the effect.
   *
   * @param result what the step gave
   * @param attempt which attempt this is; its key differs from the step's own
   * @throws Exception to fail the attempt
   */
  void undo(T result, StepAttempt attempt) throws Exception;
}
