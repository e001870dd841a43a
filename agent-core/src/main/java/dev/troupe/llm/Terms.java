package dev.troupe.llm;

import dev.troupe.AgentException;
import dev.troupe.resilience.RetryPolicy;
import java.time.Duration;
import java.util.function.Predicate;

/** How long, how often, and after which failures somebody else is asked. */
record Terms(
    RetryPolicy retry,
    Predicate<AgentException> fallbackOn,
    Duration maxWait,
    Duration deadline,
    Duration cooldown,
    CallLimits each,
    int assumedOutput) {}
