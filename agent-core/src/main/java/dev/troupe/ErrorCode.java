package dev.troupe;

/**
 * What went wrong, as a stable name that code, alerts and documentation can rely on. The name never
 * changes its meaning; new names may be added.
 */
public enum ErrorCode {
  /** A value given by the caller is not acceptable; the message names the value and the rule. */
  INVALID_INPUT(false),
  /** No registered agent has this name, capability or version. */
  UNKNOWN_AGENT(false),
  /** An agent with this name and version is registered already. */
  DUPLICATE_AGENT(false),
  /** No run has this id. */
  RUN_NOT_FOUND(false),
  /** A run with this id exists and was submitted with another input or to another agent. */
  RUN_CONFLICT(false),
  /** A run with this id ended so long ago that only the memory of its id is kept. */
  RUN_EXPIRED(false),
  /** The agent's code failed. */
  RUN_FAILED(false),
  /** The run was cancelled. */
  RUN_CANCELLED(false),
  /** A step failed for good. */
  STEP_FAILED(false),
  /** A time limit of one step or call passed. */
  TIMEOUT(true),
  /** The deadline of the run passed. */
  DEADLINE_EXCEEDED(false),
  /**
   * The run's journal does not match the agent's code; the run was stopped and nothing was lost.
   */
  NON_DETERMINISM(false),
  /** The agent's code caught the error by which a run leaves its stack while it waits. */
  SWALLOWED_WAIT(false),
  /** A stored value can't be decoded. */
  UNDECODABLE(false),
  /**
   * Each process that executed the run died, or the run hung, more often than the runtime's limit
   * allows, and it came no further in between.
   */
  POISONED(false),
  /**
   * A process died while the effect was under way, and the step's policy forbids to make it again
   * without knowing its outcome.
   */
  OUTCOME_UNKNOWN(false),
  /** A documented limit of size or number was passed. */
  LIMIT_EXCEEDED(false),
  /** The store did not answer or failed; whether the change was made is unknown. */
  STORE_UNAVAILABLE(true),
  /** The store has no space left; the change was not made. */
  STORE_FULL(true),
  /** The broker did not answer or failed; whether the events were appended is unknown. */
  TRANSPORT_UNAVAILABLE(true),
  /** The topic does not exist. */
  TOPIC_NOT_FOUND(false),
  /** The store belongs to another process. */
  STORE_IN_USE(false),
  /** The store's contents were written in a format, or with settings, that do not fit. */
  STORE_MISMATCH(false),
  /** A circuit breaker refuses calls for now, because earlier ones failed or somebody said so. */
  CIRCUIT_OPEN(true),
  /** A provider's limit, or the limit that a host set for it, allows no more calls for now. */
  RATE_LIMITED(true),
  /** A provider of language models has too much to do for now. */
  MODEL_OVERLOADED(true),
  /** A provider of language models failed, and said so. */
  MODEL_FAILED(true),
  /** A provider of language models can't be reached, or what came back is not its answer. */
  MODEL_UNREACHABLE(true),
  /** A model's answer was cut off, or is damaged: a part of it, never the whole. */
  ANSWER_INCOMPLETE(true),
  /** The prompt and what was asked for are more than the model's context holds. */
  CONTEXT_TOO_LONG(false),
  /** A provider, or a guard of the host, refuses to answer such a prompt, or such an answer. */
  CONTENT_REFUSED(false),
  /** A provider does not accept the key, or the key may not do this. */
  ACCESS_DENIED(false),
  /** What was paid for or allowed at the provider is used up until somebody changes that. */
  QUOTA_SPENT(false),
  /** A provider understood the request and does not accept it, or has no such model. */
  MODEL_REFUSED(false),
  /** A budget of the run's tree, the tenant or the period is used up. */
  BUDGET_EXCEEDED(false),
  /** A model's answer does not have the form that was asked for, also after it was told so. */
  OUTPUT_INVALID(false),
  /** An agent's loop of model and tool calls repeats itself, or comes no further. */
  NO_PROGRESS(false),
  /** The process takes no more work now. */
  OVERLOADED(true),
  /** The runtime or store was closed. */
  CLOSED(false);

  private final boolean retryable;

  ErrorCode(boolean retryable) {
    this.retryable = retryable;
  }

  /**
   * Whether the same call may succeed later without any change by the caller.
   *
   * @return the default for errors of this code
   */
  public boolean retryable() {
    return retryable;
  }
}
