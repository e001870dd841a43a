package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.event.EventTransport;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.StateStore;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** Whether the contract of the bus finds what is broken. */
@Execution(ExecutionMode.CONCURRENT) // they mostly wait
class BrokenBusesTest {
  /** Their tests mostly wait, but not so much that all could go at once. */
  private static final int AT_ONCE = 3;

  @Tag("matrix")
  @TestFactory
  Stream<DynamicTest> aBrokenBusFailsTheTestsThatAreAboutIt() {
    ExecutorService threads = Executors.newFixedThreadPool(AT_ONCE);
    Map<BrokenBuses, Future<BrokenRun>> runs = new EnumMap<>(BrokenBuses.class);
    for (BrokenBuses broken : BrokenBuses.values()) {
      runs.put(
          broken,
          threads.submit(() -> BrokenRun.only(broken.tests, OnBrokenBus.class, broken.name())));
    }
    threads.shutdown();
    return runs.entrySet().stream()
        .map(
            run ->
                DynamicTest.dynamicTest(
                    run.getKey().name(), () -> run.getValue().get().fails(run.getKey().tests)));
  }

  @Test
  void everyTestOfTheContractFailsOnABrokenBusAndEverySentenceHasOne() {
    assertThat(Stream.of(BrokenBuses.values()).flatMap(broken -> broken.tests.stream()))
        .as("tests that fail on some broken bus; one that fails on none proves nothing")
        .containsAll(BrokenRun.tests(EventBusContract.class));
    List<Integer> all = IntStream.rangeClosed(1, 15).boxed().toList();
    assertThat(BrokenRun.sentences(EventBusContract.class)).isEqualTo(all);
  }

  /** Run from here only: it is nested and its name is not that of a test. */
  @ExtendWith(Chosen.class)
  static final class OnBrokenBus extends StoreBusContract {
    private final BrokenBuses broken;

    OnBrokenBus(BrokenBuses broken) {
      this.broken = broken;
    }

    @Override
    protected StateStore openStore() {
      return new MemoryStateStore();
    }

    @Override
    EventTransport seen(EventTransport behind) {
      return broken.over(behind);
    }

    @Override
    StateStore seen(StateStore behind) {
      return broken.over(behind);
    }

    @Override
    protected Duration patience() {
      return Duration.ofSeconds(10);
    }
  }

  /** Says which broken bus this run is about. */
  static final class Chosen implements ParameterResolver {
    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
      return parameter.getParameter().getType() == BrokenBuses.class;
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
      return BrokenBuses.valueOf(BrokenRun.which(context));
    }
  }
}
