package dev.troupe.event;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.event.Subscription.Mode;
import dev.troupe.resilience.RetryPolicy;
import java.time.Duration;
import java.util.Optional;

/** How long an event may be on its way to a handler, as far as a retry policy tells. */
final class Redelivery {
  /** Who tries more often than this is taken to try for ever. */
  private static final int MOST_ATTEMPTS = 100_000;

  private static final Duration EVER = Duration.ofDays(36_500);

  private Redelivery() {}

  /** Refuses to recognise events for a shorter time than they are tried again. */
  static void check(String group, Mode mode, RetryPolicy retry, Duration window) {
    if (mode == Mode.EVERYONE) {
      throw new AgentException(
          ErrorCode.INVALID_INPUT,
          "group %s can't recognise what it has handled (dedupe) in mode EVERYONE, where each member handles each event; take another mode, or no dedupe"
              .formatted(group));
    }
    Duration retries = longest(retry);
    if (window.compareTo(retries) <= 0) {
      throw new AgentException(
          ErrorCode.INVALID_INPUT,
          "group %s recognises events for %s (dedupe), and its retry policy may try one again for %s; give dedupe a longer window, or retry less"
              .formatted(group, window, retries.compareTo(EVER) >= 0 ? "ever" : retries));
    }
  }

  /** All its waits together, for failures that may pass and when chance shortens none. */
  private static Duration longest(RetryPolicy retry) {
    AgentException passing = new AgentException(ErrorCode.OVERLOADED, "how long are the waits?");
    Duration all = Duration.ZERO;
    for (int attempt = 1; attempt <= MOST_ATTEMPTS; attempt++) {
      Optional<Duration> wait;
      try {
        wait = retry.next(new RetryPolicy.Attempt(attempt, passing, 0));
      } catch (RuntimeException e) {
        return all; // a policy that fails gives up
      }
      if (wait.isEmpty() || all.compareTo(EVER) >= 0) {
        return all;
      }
      all = wait.get().compareTo(EVER) >= 0 ? EVER : all.plus(wait.get());
    }
    return EVER;
  }
}
