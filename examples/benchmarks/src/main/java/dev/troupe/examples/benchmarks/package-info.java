/**
 * Benchmarks as programs: each measures against a floor in the same run and writes a report under
 * {@code docs/benchmarks}. Begin with {@link dev.troupe.examples.benchmarks.Benchmarks}.
 */
@NullMarked
package dev.troupe.examples.benchmarks;

import org.jspecify.annotations.NullMarked;
