package dev.troupe.llm.log;

import java.time.Instant;
import java.util.Objects;

/**
 * One entry of a run's log.
 *
 * @param number its number in the log, from 1, without gaps, never given twice
 * @param at when it was written, on the store's clock
 * @param kind what it tells
 * @param source who tells it, as named for {@link RunLog#sink}; a step's path for steps; empty for
 *     the run itself
 * @param text the words; what they are depends on the kind
 */
public record LogEntry(long number, Instant at, Kind kind, String source, String text) {
  /** Checks that nothing is missing. */
  public LogEntry {
    Objects.requireNonNull(at, "at");
    Objects.requireNonNull(kind, "kind");
    Objects.requireNonNull(source, "source");
    Objects.requireNonNull(text, "text");
  }

  /** Without the text, which may be secret. */
  @Override
  public String toString() {
    return "entry %d of %s, %s of '%s', %d character(s)"
        .formatted(number, at, kind, source, text.length());
  }

  /** What an entry tells. New kinds may be added: readers pass over what they do not know. */
  public enum Kind {
    /** More of a source's text. */
    TEXT,
    /** More of what a source thinks. */
    THINKING,
    /** A source calls a tool, or tells how far a tool is. */
    TOOL,
    /** How far the run is. */
    PROGRESS,
    /** All text and thinking of this source so far is void: it begins anew. The text says why. */
    RESTARTED,
    /** An attempt at a step begins; the text is its number. */
    STEP_STARTED,
    /** A step's result was journaled. */
    STEP_FINISHED,
    /** An attempt at a step failed; the text is the kind of the failure. */
    STEP_FAILED,
    /** The run ended or was stopped; the text is the state. */
    ENDED,
    /** Written by a later version of this library. */
    OTHER
  }
}
