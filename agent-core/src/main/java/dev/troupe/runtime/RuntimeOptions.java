package dev.troupe.runtime;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** What {@link AgentRuntime.Builder} collects; described there. */
record RuntimeOptions(
    int maxConcurrentRuns,
    Duration hotWait,
    Duration pollInterval,
    Duration endGrace,
    Duration shutdownGrace,
    int maxTakeOvers,
    @Nullable Duration retention) {
  private static final Duration LONGEST = Duration.ofNanos(Long.MAX_VALUE / 2);

  /** A duration for {@link System#nanoTime()}, at most 146 years. */
  static long nanos(Duration duration) {
    return duration.compareTo(LONGEST) >= 0 ? LONGEST.toNanos() : duration.toNanos();
  }
}
