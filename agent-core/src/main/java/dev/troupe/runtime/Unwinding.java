package dev.troupe.runtime;

/**
 * Takes a run off its stack while it waits, is handed back or was lost. Not an exception, so that
 * ordinary handlers let it pass; without a stack trace, so that it costs nothing.
 */
final class Unwinding extends Error {
  private static final long serialVersionUID = 1L;

  Unwinding(String why) {
    super(
        "this run leaves its stack: " + why + "; code must let this error pass",
        null,
        false,
        false);
  }
}
