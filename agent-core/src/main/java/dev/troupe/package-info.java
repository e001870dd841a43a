/**
 * The map of the library: what everything else shares.
 *
 * <p>Begin with {@code dev.troupe.runtime.AgentRuntime}, the one door for a host application, and
 * {@code dev.troupe.agent.Agent}, what a host writes. Then, downwards: {@code dev.troupe.run}
 * decides what a run does next, {@code dev.troupe.state} keeps what was decided. This package holds
 * only the root error with its codes and the codec that turns values into stored bytes.
 */
@NullMarked
package dev.troupe;

import org.jspecify.annotations.NullMarked;
