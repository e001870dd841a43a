package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.resilience.BreakerSettings;
import dev.troupe.resilience.CircuitBreaker;
import dev.troupe.resilience.CircuitBreaker.Permit;
import dev.troupe.resilience.CircuitBreaker.State;
import dev.troupe.resilience.CircuitBreakers;
import dev.troupe.resilience.CircuitOpenException;
import dev.troupe.state.StateStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;

/** Processes that share a breaker, and short words for what the contract does with them. */
abstract class BreakerFixture {
  static final Duration LOOK = Duration.ofMillis(60);
  static final Duration MINUTE = Duration.ofMinutes(1);
  static final String NAME = "provider";

  final List<CircuitBreakers> opened = new ArrayList<>();

  // described in CircuitBreakerContract, which is what adapters see
  protected abstract StateStore open();

  /** How long a test waits for what has to come. */
  Duration patience() {
    return Duration.ofSeconds(10);
  }

  @AfterEach
  final void closeAll() {
    opened.forEach(CircuitBreakers::close);
  }

  final CircuitBreakers process(StateStore store) {
    CircuitBreakers one =
        CircuitBreakers.builder(store).name("p" + opened.size()).lookEvery(LOOK).start();
    opened.add(one);
    return one;
  }

  final CircuitBreaker breaker() {
    return breaker(settings());
  }

  final CircuitBreaker breaker(BreakerSettings.Builder settings) {
    return process(open()).breaker(NAME, settings.build());
  }

  static BreakerSettings.Builder settings() {
    return BreakerSettings.builder()
        .window(10)
        .minimumCalls(5)
        .openTime(Duration.ofSeconds(2))
        .quorum(2);
  }

  static void fails(CircuitBreaker breaker, int times) {
    for (int i = 0; i < times; i++) {
      try {
        breaker.call(
            () -> {
              throw new IllegalStateException("no answer");
            });
      } catch (CircuitOpenException e) {
        return;
      } catch (Exception e) {
        assertThat(e).isInstanceOf(IllegalStateException.class);
      }
    }
  }

  static boolean passes(CircuitBreaker breaker) {
    try {
      return breaker.call(() -> true);
    } catch (CircuitOpenException e) {
      return false;
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  static CircuitOpenException refused(CircuitBreaker breaker) {
    try {
      breaker.acquire().close();
    } catch (CircuitOpenException e) {
      return e;
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
    throw new AssertionError(breaker + " let a call through");
  }

  final Permit permit(CircuitBreaker breaker) {
    List<Permit> got = new ArrayList<>();
    soon(
        "a permit of " + breaker,
        () -> {
          try {
            return got.add(breaker.acquire());
          } catch (CircuitOpenException e) {
            return false;
          } catch (InterruptedException e) {
            throw new AssertionError(e);
          }
        });
    return got.get(0);
  }

  final void awaits(CircuitBreaker breaker, State state) {
    soon(breaker + " becomes " + state, () -> breaker.state() == state);
  }

  final void soon(String what, BooleanSupplier condition) {
    long until = System.nanoTime() + patience().toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as(what).isLessThan(until);
      LockSupport.parkNanos(3_000_000);
    }
  }

  static void throughout(Duration time, Runnable holds) {
    long until = System.nanoTime() + time.toNanos();
    while (System.nanoTime() - until < 0) {
      holds.run();
      LockSupport.parkNanos(2_000_000);
    }
  }
}
