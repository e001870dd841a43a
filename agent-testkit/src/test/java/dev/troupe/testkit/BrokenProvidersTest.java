package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;

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

/** Whether the contract of providers of models finds what is broken. */
@Execution(ExecutionMode.CONCURRENT) // they mostly wait
class BrokenProvidersTest {
  /** Their tests mostly wait, but not so much that all could go at once. */
  private static final int AT_ONCE = 3;

  @Tag("matrix")
  @TestFactory
  Stream<DynamicTest> aBrokenProviderFailsTheTestsThatAreAboutIt() {
    ExecutorService threads = Executors.newFixedThreadPool(AT_ONCE);
    Map<BrokenProviders, Future<BrokenRun>> runs = new EnumMap<>(BrokenProviders.class);
    for (BrokenProviders broken : BrokenProviders.values()) {
      runs.put(
          broken,
          threads.submit(
              () -> BrokenRun.only(broken.tests, OnBrokenProvider.class, broken.name())));
    }
    threads.shutdown();
    return runs.entrySet().stream()
        .map(
            run ->
                DynamicTest.dynamicTest(
                    run.getKey().name(), () -> run.getValue().get().fails(run.getKey().tests)));
  }

  @Test
  void everyTestOfTheContractFailsOnABrokenProviderAndEverySentenceHasOne() {
    assertThat(Stream.of(BrokenProviders.values()).flatMap(broken -> broken.tests.stream()))
        .as("tests that fail on some broken provider; one that fails on none proves nothing")
        .containsAll(BrokenRun.tests(LlmProviderContract.class));
    List<Integer> all = IntStream.rangeClosed(1, 9).boxed().toList();
    assertThat(BrokenRun.sentences(LlmProviderContract.class)).isEqualTo(all);
  }

  /** Run from here only: it is nested and its name is not that of a test. */
  @ExtendWith(Chosen.class)
  static final class OnBrokenProvider extends LlmProviderContract {
    private final BrokenProviders broken;

    OnBrokenProvider(BrokenProviders broken) {
      this.broken = broken;
    }

    @Override
    protected LlmPeer peer(LlmPeer.Script script) {
      return broken.over(new ScriptedPeer(script, true, true));
    }
  }

  /** Says which broken provider this run is about. */
  static final class Chosen implements ParameterResolver {
    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
      return parameter.getParameter().getType() == BrokenProviders.class;
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
      return BrokenProviders.valueOf(BrokenRun.which(context));
    }
  }
}
