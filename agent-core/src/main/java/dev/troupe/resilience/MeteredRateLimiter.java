package dev.troupe.resilience;

import dev.troupe.AgentException;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import java.util.List;
import java.util.Objects;
import java.util.function.Supplier;

/**
 * Tells a host's registry what a limiter decides, and that it does not answer.
 *
 * <p>By tag {@code limiter}: {@code troupe.limiter.store.away}, 1 while the last call that ended
 * had failed because of the server or store behind the limiter: alert on this one; {@code
 * troupe.limiter.store.failures}, calls that failed so; {@code troupe.limiter.granted} and {@code
 * troupe.limiter.refused}, decisions. A demand for more than its limit allows counts nowhere.
 *
 * <p>Decides nothing itself, and throws what the limiter throws. Safe for use by many threads.
 */
public final class MeteredRateLimiter implements RateLimiter {
  private final RateLimiter limiter;
  private final MeterRegistry registry;
  private final Gauge lost;
  private final Counter failures;
  private final Counter granted;
  private final Counter refused;
  private volatile boolean away;

  /**
   * Counts what a limiter does.
   *
   * @param limiter that decides; closed with this
   * @param name of the limiter to operators, 1 to 200 characters, no control character; once in a
   *     registry
   * @param registry the host's
   */
  public MeteredRateLimiter(RateLimiter limiter, String name, MeterRegistry registry) {
    this.limiter = Objects.requireNonNull(limiter, "limiter");
    this.registry = registry;
    Limits.check("the name of a limiter", name);
    List<Tag> tags = List.of(Tag.of("limiter", name));
    lost =
        Gauge.builder("troupe.limiter.store.away", this, m -> m.away ? 1 : 0)
            .description("1 while the limiter does not answer")
            .tags(tags)
            .register(registry);
    failures =
        Counter.builder("troupe.limiter.store.failures")
            .description("Calls of the limiter that failed")
            .tags(tags)
            .register(registry);
    granted =
        Counter.builder("troupe.limiter.granted")
            .description("Demands that were granted")
            .tags(tags)
            .register(registry);
    refused =
        Counter.builder("troupe.limiter.refused")
            .description("Demands that were refused")
            .tags(tags)
            .register(registry);
  }

  @Override
  public List<Decision> reserve(List<Demand> demands) {
    demands.forEach(Demand::check);
    List<Decision> decisions = watched(() -> limiter.reserve(demands));
    for (Decision decision : decisions) {
      (decision.granted() ? granted : refused).increment();
    }
    return decisions;
  }

  @Override
  public void settle(List<Settlement> settlements) {
    watched(
        () -> {
          limiter.settle(settlements);
          return settlements;
        });
  }

  private <T> T watched(Supplier<T> call) {
    try {
      T answer = call.get();
      away = false;
      return answer;
    } catch (AgentException e) {
      away = true;
      failures.increment();
      throw e;
    }
  }

  /** Takes the meters out of the registry and closes the limiter. */
  @Override
  public void close() {
    List.of(lost, failures, granted, refused).forEach(registry::remove);
    limiter.close();
  }
}
