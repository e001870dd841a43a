package dev.troupe.runtime;

/**
 * Is told what happens to runs in this process, as it happens. Called by the run's own threads: it
 * returns quickly, is safe for use by many threads, and what it throws is logged and goes no
 * further. After a crash the last things told may be told again by the next process; what was
 * journaled is not.
 */
@FunctionalInterface
public interface RunListener {
  /**
   * Something happened.
   *
   * @param event what
   */
  void on(RunEvent event);
}
