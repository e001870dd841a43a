package dev.troupe.run;

import java.time.Instant;

/**
 * How a run ended.
 *
 * @param state with which outcome
 * @param at when, on the store's clock
 * @param payload the encoded result, or the encoded failure
 */
public record RunEnd(State state, Instant at, byte[] payload) {
  /** The three outcomes. */
  public enum State {
    /** With a result. */
    SUCCEEDED,
    /** With a failure. */
    FAILED,
    /** Because it was cancelled. */
    CANCELLED
  }
}
