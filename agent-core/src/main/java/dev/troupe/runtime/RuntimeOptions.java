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
    @Nullable Duration retention) {}
