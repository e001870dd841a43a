/**
 * An agent that answers questions from a small library with three tools. Begin with {@link
 * dev.troupe.examples.research.ResearchAgent}; {@link dev.troupe.examples.research.Research} is the
 * program around it.
 */
@NullMarked
package dev.troupe.examples.research;

import org.jspecify.annotations.NullMarked;
