package dev.troupe.agent;

import org.jspecify.annotations.Nullable;

/**
 * An ordinary function whose effects are written to a journal. After a crash it is executed again
 * from the top, every finished effect returns its journaled value, and work goes on at the first
 * unfinished one.
 *
 * <p>So the code between effects must do the same each time: whatever touches the world goes into
 * {@link AgentContext#step}, other agents are reached by {@link AgentContext#call}, time and chance
 * come from {@link AgentContext#now()} and {@link AgentContext#random()}. One instance serves many
 * runs at the same time.
 *
 * @param <I> what it is given
 * @param <O> what it gives back
 */
@FunctionalInterface
public interface Agent<I, O extends @Nullable Object> {
  /**
   * Does the work of one run.
   *
   * @param input the run's input, decoded anew for each execution
   * @param context the only way to effects that survive
   * @return the run's result
   * @throws Exception to fail the run; steps that asked for it are then compensated, last first
   */
  O execute(I input, AgentContext context) throws Exception;
}
