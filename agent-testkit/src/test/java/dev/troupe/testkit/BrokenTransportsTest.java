package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.event.EventTransport;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.StateStore;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Whether the contract of transports finds what is broken. */
@Execution(ExecutionMode.CONCURRENT) // they mostly wait
class BrokenTransportsTest {
  @Tag("matrix")
  @ParameterizedTest
  @EnumSource
  void aBrokenTransportFailsTestsOfItsSentence(BrokenTransports broken) {
    Set<String> tests = BrokenRun.testsOf(broken.guarantee, EventTransportContract.class);
    BrokenRun.only(tests, OnBrokenTransport.class, broken.name()).blames(broken.guarantee);
  }

  @Test
  void everySentenceHasTestsOfItsNumberAndABrokenTransport() {
    List<Integer> all = IntStream.rangeClosed(1, 15).boxed().toList();
    assertThat(BrokenRun.sentences(EventTransportContract.class)).isEqualTo(all);
    assertThat(
            Stream.of(BrokenTransports.values()).map(b -> b.guarantee).distinct().sorted().toList())
        .isEqualTo(all);
  }

  /** Run from here only: it is nested and its name is not that of a test. */
  @ExtendWith(Chosen.class)
  static final class OnBrokenTransport extends StoreTransportContract {
    private final BrokenTransports broken;

    OnBrokenTransport(BrokenTransports broken) {
      this.broken = broken;
    }

    @Override
    protected StateStore openStore() {
      return new MemoryStateStore();
    }

    @Override
    protected EventTransport open() {
      return broken.broken.apply(super.open());
    }

    @Override
    protected Duration lease() {
      return Duration.ofMillis(500);
    }

    @Override
    protected Duration patience() {
      return Duration.ofSeconds(5);
    }
  }

  /** Says which broken transport this run is about. */
  static final class Chosen implements ParameterResolver {
    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
      return parameter.getParameter().getType() == BrokenTransports.class;
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
      return BrokenTransports.valueOf(BrokenRun.which(context));
    }
  }
}
