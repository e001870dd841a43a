package dev.troupe.resilience;

import io.github.resilience4j.circuitbreaker.CircuitBreaker.State;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig.SlidingWindowType;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * The last calls of this process, and whether they are too bad. Of resilience4j's breaker only the
 * window is used: it goes from closed to open, never further, and {@link #reset()} begins anew. It
 * is asked for its state and not listened to, because with a listener it makes an event of every
 * call. Safe for use by many threads.
 */
final class CallWindow {
  private static final Duration NEVER = Duration.ofDays(365);

  private final io.github.resilience4j.circuitbreaker.CircuitBreaker calls;

  CallWindow(String name, BreakerSettings settings) {
    this.calls =
        io.github.resilience4j.circuitbreaker.CircuitBreaker.of(
            name,
            CircuitBreakerConfig.custom()
                .slidingWindow(
                    settings.window, settings.minimumCalls, SlidingWindowType.COUNT_BASED)
                .failureRateThreshold((float) (settings.failureRate * 100))
                .slowCallDurationThreshold(settings.slowCall == null ? NEVER : settings.slowCall)
                .slowCallRateThreshold((float) (settings.slowCallRate * 100))
                .build());
  }

  void success(long nanos) {
    calls.onSuccess(nanos, TimeUnit.NANOSECONDS);
  }

  void failure(long nanos, Throwable why) {
    calls.onError(nanos, TimeUnit.NANOSECONDS, why);
  }

  boolean tooBad() {
    return calls.getState() != State.CLOSED;
  }

  void reset() {
    calls.reset();
  }

  /** For people, such as {@code 60 of 100 calls failed}. */
  String summary() {
    io.github.resilience4j.circuitbreaker.CircuitBreaker.Metrics seen = calls.getMetrics();
    return "%d of the last %d calls failed, %d were slow"
        .formatted(
            seen.getNumberOfFailedCalls(),
            seen.getNumberOfBufferedCalls(),
            seen.getNumberOfSlowCalls());
  }
}
