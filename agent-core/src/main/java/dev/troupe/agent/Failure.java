package dev.troupe.agent;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.util.Objects;

/**
 * A failure as it is stored.
 *
 * @param kind an {@link ErrorCode}'s name when Troupe knows what happened, else the class name of
 *     the exception
 * @param message what the exception said; may be empty
 * @param retryable whether trying again later may help
 */
public record Failure(String kind, String message, boolean retryable) {
  private static final int MAX_MESSAGE = 4_000;

  public Failure {
    Objects.requireNonNull(kind, "kind");
    if (message.length() > MAX_MESSAGE) {
      message = message.substring(0, MAX_MESSAGE) + "…";
    }
  }

  /**
   * Describes what was thrown. A {@link StepFailedException} keeps the kind of the step's failure,
   * an {@link AgentFailedException} all of its own.
   *
   * @param thrown the exception
   * @return its description
   */
  public static Failure of(Throwable thrown) {
    String message = Objects.requireNonNullElse(thrown.getMessage(), "");
    if (thrown instanceof StepFailedException step) {
      return new Failure(step.failure().kind(), message, step.retryable());
    }
    if (thrown instanceof AgentFailedException known) {
      return known.failure();
    }
    if (thrown instanceof AgentException known) {
      return new Failure(known.code().name(), message, known.retryable());
    }
    return new Failure(thrown.getClass().getName(), message, thrown instanceof Exception);
  }
}
