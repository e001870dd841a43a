package dev.troupe;

import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The root of every error that Troupe throws. Unchecked; carries a stable {@link #code()} and says
 * whether and when the same call may be tried again.
 *
 * <p>Messages name the run, the step and what to do. They never hold an input, an output, a prompt
 * or a secret.
 */
public class AgentException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** What went wrong. */
  private final ErrorCode code;

  /**
   * Creates an error.
   *
   * @param code what went wrong
   * @param message what, where, and what to do
   */
  public AgentException(ErrorCode code, String message) {
    this(code, message, null);
  }

  /**
   * Creates an error with a cause.
   *
   * @param code what went wrong
   * @param message what, where, and what to do
   * @param cause the error behind it, if there is one
   */
  public AgentException(ErrorCode code, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.code = Objects.requireNonNull(code, "code");
  }

  /**
   * What went wrong.
   *
   * @return the stable code
   */
  public final ErrorCode code() {
    return code;
  }

  /**
   * Whether the same call may succeed later without any change by the caller.
   *
   * @return true when trying again makes sense
   */
  public boolean retryable() {
    return code.retryable();
  }

  /**
   * How long to wait before trying again, when whoever refused said so.
   *
   * @return the wait asked for, empty when none was
   */
  public Optional<Duration> retryAfter() {
    return Optional.empty();
  }
}
