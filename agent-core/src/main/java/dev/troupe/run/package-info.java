/**
 * The engine: what a run has done, what it may do next, and the change that records it.
 *
 * <p>Begin with {@link dev.troupe.run.Journal}. Nothing here has a thread, a clock or does I/O:
 * time comes in as an argument, changes go out as values, and whoever calls sends them to a store.
 * The runtime drives it, and so do the crash tests. {@code docs/format.md} describes what it
 * writes.
 */
@NullMarked
package dev.troupe.run;

import org.jspecify.annotations.NullMarked;
