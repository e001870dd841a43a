package dev.troupe.resilience;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.state.StateStore;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The circuit breakers of a process, shared through a store with those of the same names in other
 * processes. See {@link CircuitBreaker} for what they promise.
 *
 * <p>One daemon thread looks after all of them: it announces which breakers this process uses and
 * how it finds them, and reads what all know, with one scan for all breakers every {@link
 * Builder#lookEvery}. Calls through a breaker never use the store.
 *
 * <p>With a registry it tells: {@code troupe.breaker.store.away}, 1 while the store does not answer
 * and every process is on its own: alert on this one; {@code troupe.breaker.store.failures}, looks
 * that failed; and for each breaker, by tag {@code breaker}: {@code troupe.breaker.state}, 0
 * closed, 1 half-open, 2 open; {@code troupe.breaker.opened}, how often this process saw it open;
 * {@code troupe.breaker.refused}, calls that it refused here.
 *
 * <p>Safe for use by many threads.
 */
public final class CircuitBreakers implements AutoCloseable {
  private static final Duration LONGEST_LOOK = Duration.ofMinutes(1);

  private final BreakerWatch watch;

  private CircuitBreakers(Builder b) {
    BreakerMetrics metrics = new BreakerMetrics(b.meters);
    this.watch = new BreakerWatch(b.name, new BreakerStore(b.store), b.lookEvery, metrics);
    watch.start();
  }

  /**
   * Starts with the defaults.
   *
   * @param store where the breakers' records lie; not closed by this
   * @return a builder
   */
  public static Builder builder(StateStore store) {
    return new Builder(store);
  }

  /**
   * The breaker of a name, with the default settings if it is new here.
   *
   * @param name the name
   * @return the breaker
   * @throws AgentException as {@link #breaker(String, BreakerSettings)}
   */
  public CircuitBreaker breaker(String name) {
    CircuitBreaker known = watch.known(name);
    return known != null ? known : breaker(name, BreakerSettings.builder().build());
  }

  /**
   * The breaker of a name. A new one waits for the first look at the store, so that it is open when
   * others have opened it; for a second at most, then it goes by its own calls until the store
   * answers. One that is known here keeps the settings it was made with.
   *
   * @param name what it guards, such as a provider, the same in all processes; 1 to 200 characters,
   *     no control character, and no {@code $} at its beginning
   * @param settings when it opens
   * @return the breaker
   * @throws AgentException with {@link ErrorCode#LIMIT_EXCEEDED} for more than 400 breakers, with
   *     {@link ErrorCode#CLOSED} for a new one after {@link #close()}
   */
  public CircuitBreaker breaker(String name, BreakerSettings settings) {
    Limits.check("a breaker's name", name);
    if (name.startsWith("$")
        || name.codePoints().anyMatch(c -> Character.getType(c) == Character.SURROGATE)) {
      throw new IllegalArgumentException(
          "a breaker's name has no '$' at its beginning and no half of a character: '%s'"
              .formatted(name));
    }
    return watch.breaker(name, settings);
  }

  /**
   * Whether the store does not answer, so that every breaker goes by the calls of this process.
   *
   * @return true also after {@link #close()}
   */
  public boolean storeAway() {
    return watch.away();
  }

  /**
   * Takes back the announcement of this process, and its metrics. Waits a second at most. Breakers
   * go on by the calls of this process alone.
   */
  @Override
  public void close() {
    watch.close();
  }

  /** Collects the options. Not safe for several threads. */
  public static final class Builder {
    private final StateStore store;
    private String name = "process " + ProcessHandle.current().pid();
    private Duration lookEvery = Duration.ofMillis(500);
    private @Nullable MeterRegistry meters;

    private Builder(StateStore store) {
      this.store = Objects.requireNonNull(store, "store");
    }

    /**
     * Sets how this process is named to operators.
     *
     * @param name 1 to 200 characters, no control character; the process id by default. Need not be
     *     unique
     * @return this
     */
    public Builder name(String name) {
      Limits.check("the name of a process", name);
      this.name = name;
      return this;
    }

    /**
     * Sets how long it takes at most until a process looks again at what others know. Each look
     * comes after half of it to all of it, at random.
     *
     * @param lookEvery 10 ms to a minute; half a second by default
     * @return this
     */
    public Builder lookEvery(Duration lookEvery) {
      if (lookEvery.toMillis() < 10 || lookEvery.compareTo(LONGEST_LOOK) > 0) {
        throw new IllegalArgumentException("lookEvery must be 10 ms to a minute: " + lookEvery);
      }
      this.lookEvery = lookEvery;
      return this;
    }

    /**
     * Sets where metrics go.
     *
     * @param meters the host's registry; none by default
     * @return this
     */
    public Builder meterRegistry(MeterRegistry meters) {
      this.meters = Objects.requireNonNull(meters, "meters");
      return this;
    }

    /**
     * Starts the thread that looks.
     *
     * @return the breakers, to be closed by the caller
     */
    public CircuitBreakers start() {
      return new CircuitBreakers(this);
    }
  }
}
