package dev.troupe.llm.log;

/** Is shown a run's log, entry by entry, by the thread that follows it. May block. */
@FunctionalInterface
public interface LogListener {
  /**
   * The next entry.
   *
   * @param entry its number is that of the one before plus 1, unless entries are missing
   */
  void entry(LogEntry entry);

  /**
   * Entries that this reader has not seen were removed, because the log keeps only so many.
   *
   * @param from the first number that is missing
   * @param to the last
   */
  default void missing(long from, long to) {}
}
