package dev.troupe.llm.agent;

/** What becomes of a tool call that failed for good. */
public enum OnToolError {
  /** The model is told what kind of failure it was and what the exception said, without traces. */
  TELL,
  /** The model is told that the tool failed, and nothing of what the exception said. */
  TELL_NO_DETAILS,
  /** The run fails as any run whose step failed. */
  FAIL_RUN
}
