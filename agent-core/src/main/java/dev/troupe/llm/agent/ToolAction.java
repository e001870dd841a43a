package dev.troupe.llm.agent;

import org.jspecify.annotations.Nullable;

/** What a tool does. May block, do I/O, and honours interruption, as the action of any step. */
@FunctionalInterface
public interface ToolAction {
  /**
   * Does it.
   *
   * @param call arguments, and the key by which a repeated request is recognised
   * @return what the model is told: text as it is, anything else as JSON, null as {@code done}
   * @throws Exception to fail the attempt; the tool's retry policy decides what follows
   */
  @Nullable Object run(ToolCall call) throws Exception;
}
