package dev.troupe.runtime;

import dev.troupe.AgentException;
import org.jspecify.annotations.Nullable;

/**
 * How a run leaves this process without having ended.
 *
 * @param how the way, which a stronger one replaces
 * @param waitsFor what it waits for, for people
 * @param reason why it is stopped, null when it is not
 * @param looked the last mail that was there when the run decided to leave; what came later is news
 */
record Leaving(How how, String waitsFor, @Nullable AgentException reason, long looked) {
  /** The ways, weakest first. */
  enum How {
    /** It does not. */
    NOT,
    /** It waits. */
    PARK,
    /** The process shuts down. */
    HAND_BACK,
    /** Journal and code do not fit. */
    STOP,
    /** The store gave it to another, or does not answer. */
    LOST
  }

  static final Leaving NOT = new Leaving(How.NOT, "", null, 0);
}
