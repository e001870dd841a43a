package dev.troupe.llm.log;

import java.util.List;

/**
 * A part of a run's log.
 *
 * @param entries in the order of their numbers
 * @param missing how many entries between the number asked for and the first of these were removed,
 *     because the log keeps only so many
 * @param more whether others lie behind the last of these already
 */
public record LogPage(List<LogEntry> entries, long missing, boolean more) {
  /** Copies. */
  public LogPage {
    entries = List.copyOf(entries);
  }
}
