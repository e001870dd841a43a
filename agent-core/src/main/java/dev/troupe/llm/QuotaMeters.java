package dev.troupe.llm;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** What a host's registry is told of quotas; nothing without a registry. */
final class QuotaMeters implements AutoCloseable {
  private static final String PREFIX = "troupe.llm.quota.";

  private final @Nullable MeterRegistry registry;
  private final Set<Meter> made = ConcurrentHashMap.newKeySet();
  private final Map<Whose, Timer> waits = new ConcurrentHashMap<>();
  private final AtomicInteger outages = new AtomicInteger();

  private record Whose(String provider, String account) {}

  QuotaMeters(@Nullable MeterRegistry registry) {
    this.registry = registry;
  }

  /** Shows whether this process takes its share alone. */
  void degraded(QuotaLimiter limiter) {
    if (registry != null) {
      made.add(
          Gauge.builder(PREFIX + "degraded", limiter, l -> l.away() ? 1 : 0)
              .description("1 while the limiter does not answer and this process takes its share")
              .register(registry));
      made.add(
          FunctionCounter.builder(PREFIX + "outages", outages, AtomicInteger::get)
              .description("How often the limiter stopped answering")
              .register(registry));
    }
  }

  void away() {
    outages.incrementAndGet();
  }

  void granted(Quotas.Ask ask, Duration waited) {
    if (registry != null) {
      waits
          .computeIfAbsent(new Whose(ask.provider(), ask.account()), whose -> wait(registry, whose))
          .record(waited);
    }
  }

  private Timer wait(MeterRegistry registry, Whose whose) {
    Timer timer =
        Timer.builder(PREFIX + "wait")
            .description("How long calls that may go waited for it")
            .tags("provider", whose.provider, "account", whose.account)
            .register(registry);
    made.add(timer);
    return timer;
  }

  void refused(Quotas.Ask ask, QuotaKind kind) {
    count("refused", "Calls that may not go within what they would wait", ask, kind);
  }

  void paused(Quotas.Ask ask, QuotaKind kind) {
    count("paused", "Times at which a provider's word made all wait", ask, kind);
  }

  private void count(String name, String description, Quotas.Ask ask, QuotaKind kind) {
    if (registry != null) {
      Counter counter =
          Counter.builder(PREFIX + name)
              .description(description)
              .tags("provider", ask.provider(), "account", ask.account(), "quota", kind.words())
              .register(registry);
      counter.increment();
      made.add(counter);
    }
  }

  /** Takes the meters out of the registry. */
  @Override
  public void close() {
    if (registry != null) {
      made.forEach(registry::remove);
    }
  }
}
