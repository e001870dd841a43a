/**
 * Where runs live: the {@link dev.troupe.state.StateStore} port and its in-memory adapter.
 *
 * <p>Begin with {@link dev.troupe.state.StateStore}, then {@link dev.troupe.state.Edit}: everything
 * that is ever written is a list of edits to the records of one partition. {@link
 * dev.troupe.state.MemoryStateStore} is the shortest complete reading of what the guarantees mean.
 */
@NullMarked
package dev.troupe.state;

import org.jspecify.annotations.NullMarked;
