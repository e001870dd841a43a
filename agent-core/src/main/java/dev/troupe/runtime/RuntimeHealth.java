package dev.troupe.runtime;

import java.util.List;

/**
 * How a runtime is, for probes and dashboards. Immutable.
 *
 * @param state what to make of it
 * @param problems what is wrong, a sentence each, without addresses and secrets; empty when all is
 *     well
 */
public record RuntimeHealth(State state, List<String> problems) {
  /** What to make of a runtime's health. */
  public enum State {
    /** All is well. */
    UP,
    /**
     * It can't do all of its work at present, or something happened that somebody should look at. A
     * restart would not help: fit for a readiness probe, not for a liveness probe.
     */
    DEGRADED,
    /** The process should be replaced: fit for a liveness probe. */
    DOWN
  }

  /**
   * Copies the problems.
   *
   * @param state what to make of it
   * @param problems what is wrong
   */
  public RuntimeHealth {
    problems = List.copyOf(problems);
  }
}
