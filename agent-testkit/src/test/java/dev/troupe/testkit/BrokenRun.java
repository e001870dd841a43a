package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectMethod;

import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.platform.commons.support.AnnotationSupport;
import org.junit.platform.engine.DiscoverySelector;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/** A contract run on an implementation that was broken on purpose: which tests failed, and why. */
final class BrokenRun implements TestExecutionListener {
  private static final String WHICH = "dev.troupe.testkit.broken";

  private final String broken;
  private final Map<String, String> failures = new ConcurrentHashMap<>();
  private final AtomicInteger tests = new AtomicInteger();

  private BrokenRun(String broken) {
    this.broken = broken;
  }

  /** Runs a class that extends a contract, and tells it which implementation to use. */
  static BrokenRun of(Class<?> contract, String broken) {
    return of(List.of(selectClass(contract)), broken, false);
  }

  /** As {@link #of}, with tests side by side that mostly wait. */
  static BrokenRun together(Class<?> contract, String broken) {
    return of(List.of(selectClass(contract)), broken, true);
  }

  /** As {@link #together}, but only some of the tests, which is a matter of time. */
  static BrokenRun only(Set<String> tests, Class<?> contract, String broken) {
    return of(tests.stream().map(test -> selectMethod(contract, test)).toList(), broken, true);
  }

  private static BrokenRun of(
      List<? extends DiscoverySelector> selected, String broken, boolean together) {
    BrokenRun run = new BrokenRun(broken);
    String execution = "junit.jupiter.execution.parallel.";
    LauncherFactory.create()
        .execute(
            LauncherDiscoveryRequestBuilder.request()
                .selectors(selected)
                .configurationParameter(WHICH, broken)
                .configurationParameter(execution + "enabled", String.valueOf(together))
                .configurationParameter(execution + "mode.default", "concurrent")
                .configurationParameter(execution + "config.executor-service", "WORKER_THREAD_POOL")
                .configurationParameter(execution + "config.strategy", "fixed")
                .configurationParameter(execution + "config.fixed.parallelism", "12")
                .build(),
            run);
    return run;
  }

  static String which(ExtensionContext context) {
    return context.getConfigurationParameter(WHICH).orElseThrow();
  }

  /** The numbers of a contract's tests, which their names and annotations agree on. */
  static List<Integer> sentences(Class<?> contract) {
    List<Method> all =
        Stream.<Class<?>>iterate(contract, type -> type != Object.class, Class::getSuperclass)
            .flatMap(type -> Arrays.stream(type.getDeclaredMethods()))
            .filter(method -> method.isAnnotationPresent(Guarantee.class))
            .toList();
    assertThat(all).allMatch(test -> numberIn(test.getName()) == guarantee(test));
    return all.stream().map(BrokenRun::guarantee).distinct().sorted().toList();
  }

  private static int guarantee(Method test) {
    return test.getAnnotation(Guarantee.class).value();
  }

  /** 0 for a test that holds to no sentence. */
  private static int numberIn(String testName) {
    return testName.matches("g\\d\\d_.*") ? Integer.parseInt(testName.substring(1, 3)) : 0;
  }

  /** The names of all tests of a contract. */
  static Set<String> tests(Class<?> contract) {
    return Stream.<Class<?>>iterate(contract, type -> type != Object.class, Class::getSuperclass)
        .flatMap(type -> Arrays.stream(type.getDeclaredMethods()))
        .filter(method -> AnnotationSupport.isAnnotated(method, Test.class))
        .map(Method::getName)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /** The names of a contract's tests of one sentence. */
  static Set<String> testsOf(int guarantee, Class<?> contract) {
    return tests(contract).stream()
        .filter(name -> numberIn(name) == guarantee)
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /** Tests of this sentence failed, and no others. */
  void blames(int guarantee) {
    assertThat(tests).hasPositiveValue();
    assertThat(failures).as("what fails on " + broken).isNotEmpty();
    TreeSet<Integer> guarantees = new TreeSet<>();
    failures.keySet().forEach(name -> guarantees.add(numberIn(name)));
    assertThat(guarantees)
        .as("sentences blamed for " + broken + ": " + new TreeMap<>(failures))
        .containsExactly(guarantee);
  }

  /** Just these tests failed. */
  void fails(Set<String> wanted) {
    assertThat(tests).hasPositiveValue();
    assertThat(failures.keySet())
        .as("tests that fail on " + broken + ": " + new TreeMap<>(failures))
        .containsExactlyInAnyOrderElementsOf(wanted);
  }

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
              .orElse(test.getDisplayName());
      failures.put(name, String.valueOf(result.getThrowable().orElse(null)));
    }
  }
}
