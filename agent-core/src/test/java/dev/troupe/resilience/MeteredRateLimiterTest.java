package dev.troupe.resilience;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.troupe.AgentException;
import dev.troupe.state.MemoryStateStore;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The meters of a limiter; that it loses its store is tested where stores can be lost. */
class MeteredRateLimiterTest {
  private final SimpleMeterRegistry meters = new SimpleMeterRegistry();

  private double count(String meter, String limiter) {
    return meters.get(meter).tag("limiter", limiter).counter().count();
  }

  @Test
  void decisionsAreCountedAndTheCallersMistakesAreNoFailures() {
    Limit two = Limit.rate(10, Duration.ofHours(1), 2);
    try (RateLimiter limiter =
            new MeteredRateLimiter(new StoreRateLimiter(new MemoryStateStore()), "one", meters);
        RateLimiter other =
            new MeteredRateLimiter(new StoreRateLimiter(new MemoryStateStore()), "two", meters)) {
      RateLimiter.Demand demand = RateLimiter.Demand.of("a", "a", two, 1);
      assertThat(limiter.reserve(List.of(demand, demand, demand)))
          .extracting(RateLimiter.Decision::granted)
          .containsExactly(true, true, false);
      assertThat(other.reserve(demand).granted()).isTrue();
      assertThatThrownBy(() -> limiter.tryAcquire("a", two, 3)).isInstanceOf(AgentException.class);
      assertThat(count("troupe.limiter.granted", "one")).isEqualTo(2);
      assertThat(count("troupe.limiter.refused", "one")).isEqualTo(1);
      assertThat(count("troupe.limiter.store.failures", "one")).isZero();
      assertThat(count("troupe.limiter.granted", "two")).isEqualTo(1);
    }
    assertThat(meters.getMeters()).isEmpty();
  }
}
