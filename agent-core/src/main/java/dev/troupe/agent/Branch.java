package dev.troupe.agent;

import org.jspecify.annotations.Nullable;

/**
 * A part of an agent that goes on beside others.
 *
 * @param <T> its result
 */
@FunctionalInterface
public interface Branch<T extends @Nullable Object> {
  /**
   * Does the branch's work.
   *
   * @param context the branch's own context; the one around it must not be used here
   * @return the result
   * @throws Exception to fail the branch
   */
  T run(AgentContext context) throws Exception;
}
