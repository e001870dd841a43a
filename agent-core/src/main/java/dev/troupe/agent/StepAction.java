package dev.troupe.agent;

import org.jspecify.annotations.Nullable;

/**
 * What a step does. Runs outside the journal: it may block, do I/O and honours interruption, by
 * which cancel, a time limit or shutdown end it.
 *
 * @param <T> its result
 */
@FunctionalInterface
public interface StepAction<T extends @Nullable Object> {
  /**
   * Makes the effect.
   *
   * @param attempt which attempt this is
   * @return the result
   * @throws Exception to fail the attempt; the step's retry policy decides what follows
   */
  T run(StepAttempt attempt) throws Exception;
}
