package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.resilience.Limit;
import dev.troupe.resilience.RateLimiter;
import dev.troupe.resilience.StoreRateLimiter;
import dev.troupe.state.MemoryStateStore;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The limiter over a store in memory; and whether the contract finds what is broken. */
class StoreRateLimiterContractTest extends RateLimiterContract {
  private final MovableClock clock = new MovableClock();
  private final MemoryStateStore store = new MemoryStateStore(64, clock);

  @Override
  protected RateLimiter open() {
    return new StoreRateLimiter(store);
  }

  @Override
  protected void advance(Duration duration) {
    clock.advance(duration);
  }

  @Test
  void asManyAsMayBeInFlightFitAStore() {
    String name = "n".repeat(200);
    Limit most = Limit.inFlight(1_000, Duration.ofDays(31));
    RateLimiter limiter = open();
    List<RateLimiter.Demand> all =
        Collections.nCopies(1_001, RateLimiter.Demand.of("g", name, most, 1));
    assertThat(limiter.reserve(all).stream().filter(RateLimiter.Decision::granted).count())
        .isEqualTo(1_000);
  }

  @ParameterizedTest
  @EnumSource
  void aBrokenLimiterFailsTheTestsOfItsSentenceAndNoOthers(BrokenLimiters broken) {
    BrokenRun.of(OnBrokenLimiter.class, broken.name()).blames(broken.guarantee);
  }

  @Test
  void everySentenceHasTestsOfItsNumberAndABrokenLimiter() {
    List<Integer> all = IntStream.rangeClosed(1, 7).boxed().toList();
    assertThat(BrokenRun.sentences(RateLimiterContract.class)).isEqualTo(all);
    assertThat(
            Stream.of(BrokenLimiters.values()).map(b -> b.guarantee).distinct().sorted().toList())
        .isEqualTo(all);
  }

  /** Run from here only: it is nested and its name is not that of a test. */
  @ExtendWith(Chosen.class)
  static final class OnBrokenLimiter extends RateLimiterContract {
    private final MovableClock clock = new MovableClock();
    private final MemoryStateStore store = new MemoryStateStore(64, clock);
    private final BrokenLimiters broken;

    OnBrokenLimiter(BrokenLimiters broken) {
      this.broken = broken;
    }

    @Override
    protected RateLimiter open() {
      return broken.broken.apply(store);
    }

    @Override
    protected void advance(Duration duration) {
      clock.advance(duration);
    }
  }

  /** Says which broken limiter this run is about. */
  static final class Chosen implements ParameterResolver {
    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
      return parameter.getParameter().getType() == BrokenLimiters.class;
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
      return BrokenLimiters.valueOf(BrokenRun.which(context));
    }
  }
}
