package dev.troupe.agent;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.util.Objects;

/**
 * A step or a called agent failed for good. Thrown alike when it happens and on every replay, so
 * code may catch it and go on.
 */
public final class StepFailedException extends AgentException {
  private static final long serialVersionUID = 1L;

  private final String step;
  private final transient Failure failure;

  /**
   * Creates the error.
   *
   * @param step the step's path in the journal
   * @param failure what was journaled
   */
  public StepFailedException(String step, Failure failure) {
    super(
        ErrorCode.STEP_FAILED,
        "step '%s' failed: %s%s"
            .formatted(
                step,
                simple(failure.kind()),
                failure.message().isEmpty() ? "" : ": " + failure.message()));
    this.step = Objects.requireNonNull(step, "step");
    this.failure = failure;
  }

  private static String simple(String kind) {
    return kind.substring(kind.lastIndexOf('.') + 1);
  }

  /**
   * Which step failed.
   *
   * @return its path in the journal
   */
  public String step() {
    return step;
  }

  /**
   * What was journaled.
   *
   * @return kind and message of the last attempt's failure
   */
  public Failure failure() {
    return failure;
  }

  @Override
  public boolean retryable() {
    return failure.retryable();
  }
}
