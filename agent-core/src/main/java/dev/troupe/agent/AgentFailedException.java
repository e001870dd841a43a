package dev.troupe.agent;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.util.Objects;

/**
 * Thrown by an agent to fail with a failure that is known already, such as that of an agent
 * elsewhere: whoever called it sees that failure's kind and message as they are.
 */
public final class AgentFailedException extends AgentException {
  private static final long serialVersionUID = 1L;

  private final transient Failure failure;

  /**
   * Creates an error.
   *
   * @param failure what the run fails with
   */
  public AgentFailedException(Failure failure) {
    super(ErrorCode.RUN_FAILED, failure.message());
    this.failure = Objects.requireNonNull(failure, "failure");
  }

  /**
   * What the run fails with.
   *
   * @return kind and message, as they were given
   */
  public Failure failure() {
    return failure;
  }

  @Override
  public boolean retryable() {
    return failure.retryable();
  }
}
