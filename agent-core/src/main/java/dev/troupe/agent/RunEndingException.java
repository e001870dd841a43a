package dev.troupe.agent;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;

/**
 * The run is cancelled, has passed its deadline or has failed, so nothing new may begin. Code may
 * catch it to leave in order; every later attempt to begin something throws it again, and the run
 * ends as cancelled or failed whatever the agent returns.
 */
public final class RunEndingException extends AgentException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates the error.
   *
   * @param code {@link ErrorCode#RUN_CANCELLED}, {@link ErrorCode#DEADLINE_EXCEEDED} or {@link
   *     ErrorCode#RUN_FAILED}
   * @param message which run, and why
   */
  public RunEndingException(ErrorCode code, String message) {
    super(code, message);
  }
}
