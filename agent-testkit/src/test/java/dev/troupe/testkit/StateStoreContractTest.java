package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import dev.troupe.state.StateStore;
import java.lang.reflect.Method;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/** The contract finds what it is there to find, and blames the right sentence. */
class StateStoreContractTest {
  private static final String WHICH = "dev.troupe.testkit.broken";

  @ParameterizedTest
  @EnumSource
  void aBrokenStoreFailsTheTestsOfItsSentenceAndNoOthers(BrokenStores broken) {
    Failures failures = run(broken);
    assertThat(failures.tests).hasPositiveValue();
    assertThat(failures.byName).as("what fails on " + broken).isNotEmpty();
    TreeSet<Integer> guarantees = new TreeSet<>();
    failures.byName.keySet().forEach(name -> guarantees.add(numberIn(name)));
    assertThat(guarantees)
        .as("sentences blamed for " + broken + ": " + new TreeMap<>(failures.byName))
        .containsExactly(broken.guarantee);
  }

  @Test
  void everySentenceHasTestsOfItsNumberAndABrokenStore() {
    List<Integer> all = IntStream.rangeClosed(1, 14).boxed().toList();
    List<Method> tests = tests();
    assertThat(tests).allMatch(test -> numberIn(test.getName()) == guarantee(test));
    assertThat(tests.stream().map(StateStoreContractTest::guarantee).distinct().sorted().toList())
        .isEqualTo(all);
    assertThat(Stream.of(BrokenStores.values()).map(b -> b.guarantee).distinct().sorted().toList())
        .isEqualTo(all);
  }

  private static List<Method> tests() {
    return Stream.<Class<?>>iterate(
            StateStoreContract.class, type -> type != Object.class, Class::getSuperclass)
        .flatMap(type -> Arrays.stream(type.getDeclaredMethods()))
        .filter(method -> method.isAnnotationPresent(Guarantee.class))
        .toList();
  }

  private static int guarantee(Method test) {
    return test.getAnnotation(Guarantee.class).value();
  }

  private static int numberIn(String testName) {
    return Integer.parseInt(testName.substring(1, 3));
  }

  private static Failures run(BrokenStores broken) {
    LauncherDiscoveryRequest request =
        LauncherDiscoveryRequestBuilder.request()
            .selectors(selectClass(OnBrokenStore.class))
            .configurationParameter(WHICH, broken.name())
            .build();
    Failures failures = new Failures();
    LauncherFactory.create().execute(request, failures);
    return failures;
  }

  /** Which tests failed, and why. */
  private static final class Failures implements TestExecutionListener {
    final Map<String, String> byName = new ConcurrentHashMap<>();
    final AtomicInteger tests = new AtomicInteger();

    @Override
    public void executionFinished(TestIdentifier test, TestExecutionResult result) {
      if (test.isTest()) {
        tests.incrementAndGet();
      }
      if (result.getStatus() != TestExecutionResult.Status.SUCCESSFUL) {
        String name =
            test.getSource()
                .filter(source -> source instanceof MethodSource)
                .map(source -> ((MethodSource) source).getMethodName())
                .orElse("g00_" + test.getDisplayName());
        byName.put(name, String.valueOf(result.getThrowable().orElse(null)));
      }
    }
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
      return BrokenStores.valueOf(context.getConfigurationParameter(WHICH).orElseThrow());
    }
  }
}
