package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.resilience.BreakerSettings;
import dev.troupe.resilience.CircuitBreaker;
import dev.troupe.resilience.CircuitBreakers;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.StateStore;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Breakers over a store in memory; and whether the contract finds what is broken. */
class CircuitBreakerContractTest extends CircuitBreakerContract {
  private final MemoryStateStore store = new MemoryStateStore();

  @Override
  protected StateStore open() {
    return store;
  }

  @Tag("matrix")
  @ParameterizedTest
  @EnumSource
  void whatIsSpoiledFailsTheTestsOfItsSentenceAndNoOthers(BrokenBreakers broken) {
    BrokenRun.together(OnBrokenStore.class, broken.name()).blames(broken.guarantee);
  }

  @Test
  void everySentenceHasTestsOfItsNumber() {
    List<Integer> all = IntStream.rangeClosed(1, 7).boxed().toList();
    assertThat(BrokenRun.sentences(CircuitBreakerContract.class)).isEqualTo(all);
  }

  @Test
  void theOpenTimeIsTheStores() throws Exception {
    MovableClock clock = new MovableClock();
    StateStore moved = new MemoryStateStore(64, clock);
    BreakerSettings settings = BreakerSettings.builder().probeTime(Duration.ofDays(1)).build();
    try (CircuitBreakers breakers =
        CircuitBreakers.builder(moved).lookEvery(Duration.ofMillis(20)).start()) {
      CircuitBreaker breaker = breakers.breaker("provider", settings);
      breaker.open(Duration.ofHours(1), "quota");
      Awaitility.await().until(() -> breaker.status().shared());
      clock.advance(Duration.ofMinutes(59));
      Awaitility.await().until(() -> breaker.status().left().toMinutes() < 1);
      assertThat(breaker.state()).isEqualTo(CircuitBreaker.State.OPEN);
      clock.advance(Duration.ofMinutes(2));
      Awaitility.await().until(() -> breaker.status().left().isZero());
      try (CircuitBreaker.Permit probe = breaker.acquire()) {
        assertThat(probe.probes()).isTrue();
        probe.succeeded();
      }
      assertThat(breaker.state()).isEqualTo(CircuitBreaker.State.CLOSED);
    }
  }

  /** Run from here only: it is nested and its name is not that of a test. */
  @ExtendWith(Chosen.class)
  static final class OnBrokenStore extends CircuitBreakerContract {
    private final StateStore store;

    OnBrokenStore(BrokenBreakers broken) {
      this.store = broken.over(new MemoryStateStore());
    }

    @Override
    protected StateStore open() {
      return store;
    }

    @Override
    Duration patience() {
      return Duration.ofSeconds(5);
    }
  }

  /** Says which broken store this run is about. */
  static final class Chosen implements ParameterResolver {
    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
      return parameter.getParameter().getType() == BrokenBreakers.class;
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
      return BrokenBreakers.valueOf(BrokenRun.which(context));
    }
  }
}
