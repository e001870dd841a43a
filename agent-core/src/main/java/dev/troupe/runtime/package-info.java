/**
 * The door for a host application: begin with {@link dev.troupe.runtime.AgentRuntime}.
 *
 * <p>The runtime claims runs from the store, executes agents on threads, asks the engine in {@code
 * dev.troupe.run} what comes next and writes what it answers. {@code Execution} executes the agent
 * of one run, {@code HeldRun} is the run while this process holds it, {@code RunContext} what its
 * agent sees, {@code ClaimLoop} where runs come from.
 */
@NullMarked
package dev.troupe.runtime;

import org.jspecify.annotations.NullMarked;
