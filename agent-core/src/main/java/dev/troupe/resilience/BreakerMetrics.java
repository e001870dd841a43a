package dev.troupe.resilience;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/** Tells a host's registry about breakers. The names are part of the public interface. */
final class BreakerMetrics {
  private static final String BREAKER = "breaker";

  private final @Nullable MeterRegistry registry;
  private final List<Meter> meters = new CopyOnWriteArrayList<>();

  BreakerMetrics(@Nullable MeterRegistry registry) {
    this.registry = registry;
  }

  void watch(BreakerWatch watch) {
    if (registry != null) {
      meters.add(
          Gauge.builder("troupe.breaker.store.away", watch, w -> w.away() ? 1 : 0)
              .description("1 while the store does not answer and breakers are not shared")
              .register(registry));
      meters.add(
          FunctionCounter.builder("troupe.breaker.store.failures", watch, BreakerWatch::failures)
              .description("Looks at the store that failed")
              .register(registry));
    }
  }

  void watch(CircuitBreaker breaker) {
    if (registry != null) {
      String name = breaker.name();
      meters.add(
          Gauge.builder("troupe.breaker.state", breaker, b -> level(b.state()))
              .description("0 closed, 1 half-open, 2 open")
              .tag(BREAKER, name)
              .register(registry));
      meters.add(
          FunctionCounter.builder("troupe.breaker.opened", breaker, b -> b.opened.doubleValue())
              .description("How often this process saw the breaker open")
              .tag(BREAKER, name)
              .register(registry));
      meters.add(
          FunctionCounter.builder("troupe.breaker.refused", breaker, b -> b.refused.doubleValue())
              .description("Calls that this process refused")
              .tag(BREAKER, name)
              .register(registry));
    }
  }

  private static double level(CircuitBreaker.State state) {
    return switch (state) {
      case CLOSED -> 0;
      case HALF_OPEN -> 1;
      case OPEN -> 2;
    };
  }

  void close() {
    if (registry != null) {
      meters.forEach(registry::remove);
    }
  }
}
