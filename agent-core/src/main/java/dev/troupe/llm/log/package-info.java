/**
 * What people are shown of a run while it goes on: tokens and progress, numbered, in the store, so
 * that a client goes on reading at any process from the last number it saw.
 *
 * <p>Begin with {@link dev.troupe.llm.log.RunLog}.
 */
@NullMarked
package dev.troupe.llm.log;

import org.jspecify.annotations.NullMarked;
