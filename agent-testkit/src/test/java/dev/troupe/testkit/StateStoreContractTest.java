package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.state.StateStore;
import java.time.Duration;
import java.util.List;
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

/** The contract finds what it is there to find, and blames the right sentence. */
@Execution(ExecutionMode.CONCURRENT) // they mostly wait
class StateStoreContractTest {
  @Tag("matrix")
  @ParameterizedTest
  @EnumSource
  void aBrokenStoreFailsTheTestsOfItsSentenceAndNoOthers(BrokenStores broken) {
    BrokenRun.of(OnBrokenStore.class, broken.name()).blames(broken.guarantee);
  }

  @Test
  void everySentenceHasTestsOfItsNumberAndABrokenStore() {
    List<Integer> all = IntStream.rangeClosed(1, 14).boxed().toList();
    assertThat(BrokenRun.sentences(StateStoreContract.class)).isEqualTo(all);
    assertThat(Stream.of(BrokenStores.values()).map(b -> b.guarantee).distinct().sorted().toList())
        .isEqualTo(all);
  }

  /** Run from here only: it is nested and its name is not that of a test. */
  @ExtendWith(Chosen.class)
  static final class OnBrokenStore extends StateStoreContract {
    private final MovableClock clock = new MovableClock();
    private final BrokenStores broken;

    OnBrokenStore(BrokenStores broken) {
      this.broken = broken;
    }

    @Override
    protected StateStore open() {
      return broken.open(clock);
    }

    @Override
    protected void advance(Duration duration) {
      clock.advance(duration);
    }

    @Override
    protected StateStore reopen(StateStore store) {
      store.close();
      return store instanceof SurvivingStore surviving ? surviving.reopened() : open();
    }
  }

  /** Says which broken store this run is about. */
  static final class Chosen implements ParameterResolver {
    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
      return parameter.getParameter().getType() == BrokenStores.class;
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
      return BrokenStores.valueOf(BrokenRun.which(context));
    }
  }
}
