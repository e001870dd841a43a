package dev.troupe.resilience;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A {@link CircuitBreaker} refused a call: nothing was called. Retryable. */
public final class CircuitOpenException extends AgentException {
  private static final long serialVersionUID = 1L;

  private final @Nullable Duration retryAfter;

  CircuitOpenException(String breaker, @Nullable Duration retryAfter, String why) {
    super(
        ErrorCode.CIRCUIT_OPEN,
        "breaker '%s' is open%s: %s"
            .formatted(
                breaker,
                retryAfter == null ? "" : ", try again after " + retryAfter.toMillis() + " ms",
                why));
    this.retryAfter = retryAfter;
  }

  /**
   * After which time a call may be let through.
   *
   * @return the time left; empty when an operator holds the breaker open
   */
  @Override
  public Optional<Duration> retryAfter() {
    return Optional.ofNullable(retryAfter);
  }
}
