package dev.troupe.llm.log;

import java.time.Duration;

/** How much a log keeps, and how long entries are collected before they are written. */
record LogBounds(int maxEntries, long maxBytes, Duration collect) {}
