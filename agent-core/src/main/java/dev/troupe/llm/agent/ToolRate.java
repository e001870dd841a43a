package dev.troupe.llm.agent;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.resilience.Limit;
import dev.troupe.resilience.RateLimiter;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/** How often a tool may be called. */
record ToolRate(RateLimiter limiter, Limit limit, String name) {
  ToolRate {
    Objects.requireNonNull(limiter, "limiter");
    Objects.requireNonNull(limit, "limit");
  }

  /** Takes a permit or says how long to wait; settled by the caller when the call is over. */
  RateLimiter.Reservation take() {
    RateLimiter.Decision decision = limiter.tryAcquire(name, limit, 1);
    if (decision instanceof RateLimiter.Decision.Granted granted) {
      return granted.reservation();
    }
    throw new Exhausted(name, ((RateLimiter.Decision.Refused) decision).retryAfter());
  }

  void over(RateLimiter.Reservation reservation) {
    limiter.settle(List.of(reservation.used()));
  }

  /** No permit for now. */
  private static final class Exhausted extends AgentException {
    private static final long serialVersionUID = 1L;

    private final Duration retryAfter;

    Exhausted(String name, Duration retryAfter) {
      super(
          ErrorCode.RATE_LIMITED,
          "the limit '%s' allows no call for the next %s ms"
              .formatted(name, Math.max(1, retryAfter.toMillis())));
      this.retryAfter = retryAfter;
    }

    @Override
    public Optional<Duration> retryAfter() {
      return Optional.of(retryAfter);
    }
  }
}
