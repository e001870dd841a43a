package dev.troupe.llm;

/** What becomes of a stream that fails after a part of the answer was handed on. */
public enum Partial {
  /** The call fails, and what came is in {@link LlmException#partial}. Nothing is tried again. */
  FAIL,
  /**
   * The call gives what came, marked by {@link LlmResponse#complete} being false; never with a tool
   * call, and never as structured output.
   */
  KEEP,
  /**
   * The sink is told by {@link LlmSink#restarted} that all was void, and the call is tried again
   * like one that had failed before its first part.
   */
  RESTART
}
