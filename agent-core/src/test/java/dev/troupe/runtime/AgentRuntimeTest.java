package dev.troupe.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.agent.AgentContext;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.agent.Branch;
import dev.troupe.agent.Call;
import dev.troupe.agent.Step;
import dev.troupe.agent.StepFailedException;
import dev.troupe.resilience.RetryPolicy;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.StateStore;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class AgentRuntimeTest {
  private static final Duration SOON = Duration.ofSeconds(20);

  private final StateStore store = new MemoryStateStore();
  private final Map<String, AtomicInteger> effects = new ConcurrentHashMap<>();
  private final List<RunEvent> events = new java.util.concurrent.CopyOnWriteArrayList<>();

  private int effect(String name) {
    return effects.computeIfAbsent(name, n -> new AtomicInteger()).incrementAndGet();
  }

  private int count(String name) {
    return effects.containsKey(name) ? effects.get(name).get() : 0;
  }

  private static final RetryPolicy QUICK = RetryPolicy.fixed(3, Duration.ofMillis(5));

  private AgentRuntime start(AgentDefinition<?, ?>... agents) {
    return start(b -> {}, agents);
  }

  private AgentRuntime start(
      Consumer<AgentRuntime.Builder> options, AgentDefinition<?, ?>... agents) {
    AgentRuntime.Builder builder =
        AgentRuntime.builder()
            .store(store)
            .listener(events::add)
            .endGrace(Duration.ofMillis(300))
            .shutdownGrace(Duration.ofMillis(300))
            .pollInterval(Duration.ofMillis(20));
    for (AgentDefinition<?, ?> agent : agents) {
      builder.agent(agent);
    }
    options.accept(builder);
    return builder.start();
  }

  private static <O> AgentDefinition<String, O> agent(
      String name, Class<O> output, dev.troupe.agent.Agent<String, O> code) {
    return AgentDefinition.of(name, String.class, output, code).retry(QUICK).build();
  }

  @Test
  void aRunGivesTheResultOfItsSteps() throws Exception {
    try (AgentRuntime runtime =
        start(
            agent(
                "greeter",
                String.class,
                (name, context) ->
                    context.step("greet", String.class, attempt -> "Hello " + name)))) {
      assertThat(runtime.submit("greeter", "Ada", String.class).await(SOON)).isEqualTo("Hello Ada");
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 1_000})
  void aRunSleepsCallsWaitsForASignalAndBranches(long hotWaitMillis) throws Exception {
    AgentDefinition<String, Integer> child =
        agent(
            "length",
            Integer.class,
            (text, context) -> {
              effect("child " + text);
              context.sleep(Duration.ofMillis(30));
              return context.step("measure", Integer.class, a -> text.length());
            });
    AgentDefinition<String, String> parent =
        agent(
            "parent",
            String.class,
            (text, context) -> {
              String one = context.step("one", String.class, a -> "1:" + effect("one"));
              context.sleep(Duration.ofMillis(50));
              int length = context.call("length", text, Integer.class);
              List<Branch<Integer>> branches = new ArrayList<>();
              for (int i = 0; i < 5; i++) {
                String word = "x".repeat(i + 1);
                branches.add(b -> b.call("length", word, Integer.class));
              }
              List<Integer> lengths = context.all("lengths", 3, branches);
              String word = context.awaitSignal("go", String.class);
              Optional<String> none =
                  context.awaitSignal("never", String.class, Duration.ofMillis(40));
              return one + " " + length + " " + lengths + " " + word + " " + none.isPresent();
            });
    try (AgentRuntime runtime =
        start(b -> b.hotWait(Duration.ofMillis(hotWaitMillis)), child, parent)) {
      RunHandle<String> run =
          runtime.submit(Submission.of("parent", "four", String.class).id("r1").build());
      assertThat(runtime.signal("r1", "go", "s1", "went")).isTrue();
      assertThat(run.await(SOON)).isEqualTo("1:1 4 [1, 2, 3, 4, 5] went false");
      assertThat(count("one")).isEqualTo(1);
      RunView view = runtime.run("r1").orElseThrow();
      assertThat(view.state()).isEqualTo(RunView.State.SUCCEEDED);
      assertThat(runtime.run("r1/length#1").orElseThrow().parent()).isEqualTo("r1");
    }
  }

  @Test
  @Tag("guarantee-3")
  void submittingTheSameIdAgainGivesTheSameRun() throws Exception {
    try (AgentRuntime runtime =
        start(
            agent(
                "echo",
                String.class,
                (in, c) -> c.step("s", String.class, a -> in + effect("e"))))) {
      Submission<String> same = Submission.of("echo", "a", String.class).id("x").build();
      assertThat(runtime.submit(same).await(SOON)).isEqualTo("a1");
      RunHandle<String> again = runtime.submit(same);
      assertThat(again.isNew()).isFalse();
      assertThat(again.await(SOON)).isEqualTo("a1");
      assertThatThrownBy(
              () -> runtime.submit(Submission.of("echo", "b", String.class).id("x").build()))
          .isInstanceOfSatisfying(
              AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.RUN_CONFLICT))
          .hasMessageContaining("x");
    }
  }

  @Test
  @Tag("guarantee-4")
  void aFailingStepIsTriedAgainAndThenFailsTheSameWayForEver() throws Exception {
    try (AgentRuntime runtime =
        start(
            b -> b.hotWait(Duration.ZERO),
            agent(
                "flaky",
                String.class,
                (in, context) -> {
                  String ok =
                      context.step(
                          "second time",
                          String.class,
                          attempt -> {
                            if (effect("flaky") < 2) {
                              throw new IllegalStateException("not yet");
                            }
                            return "ok" + attempt.number();
                          });
                  String failure = "";
                  try {
                    context.step(
                        "never",
                        String.class,
                        attempt -> {
                          effect("never");
                          throw new IllegalStateException("no " + attempt.number());
                        });
                  } catch (StepFailedException e) {
                    failure = e.step() + " " + e.failure().kind() + " " + e.failure().message();
                  }
                  context.sleep(Duration.ofMillis(1));
                  return ok + " " + failure;
                }))) {
      assertThat(runtime.submit("flaky", "", String.class).await(SOON))
          .isEqualTo("ok2 never#1 java.lang.IllegalStateException no 3");
      assertThat(count("flaky")).isEqualTo(2);
      assertThat(count("never")).isEqualTo(3);
    }
  }

  @Test
  void aStepThatIgnoresItsInterruptionIsLeftBehindAtItsTimeLimit() throws Exception {
    CountDownLatch release = new CountDownLatch(1);
    CountDownLatch interrupted = new CountDownLatch(1);
    try (AgentRuntime runtime =
        start(
            agent(
                "slow",
                String.class,
                (in, context) -> {
                  try {
                    return context.step(
                        Step.of("stuck", String.class)
                            .timeLimit(Duration.ofMillis(500))
                            .retry(RetryPolicy.none())
                            .build(),
                        attempt -> {
                          while (true) {
                            try {
                              release.await();
                              return "late";
                            } catch (InterruptedException ignoredOnPurpose) {
                              interrupted.countDown();
                            }
                          }
                        });
                  } catch (StepFailedException e) {
                    return e.failure().kind();
                  }
                }))) {
      assertThat(runtime.submit("slow", "", String.class).await(SOON)).isEqualTo("TIMEOUT");
      assertThat(interrupted.await(SOON.toMillis(), TimeUnit.MILLISECONDS)).isTrue();
    } finally {
      release.countDown();
    }
  }

  @Test
  void aFailedRunIsCompensatedInReverseOrder() {
    List<String> undone = new java.util.concurrent.CopyOnWriteArrayList<>();
    try (AgentRuntime runtime =
        start(
            b -> b.hotWait(Duration.ZERO),
            agent(
                "saga",
                String.class,
                (in, context) -> {
                  for (String name : List.of("a", "b", "c")) {
                    context.step(
                        Step.of(name, String.class)
                            .compensate(
                                (result, attempt) -> {
                                  if (effect("undo " + name) == 1 && name.equals("b")) {
                                    throw new IllegalStateException("first undo fails");
                                  }
                                  undone.add(result);
                                })
                            .build(),
                        attempt -> name + "!");
                    context.sleep(Duration.ofMillis(2));
                  }
                  throw new IllegalArgumentException("too bad");
                }))) {
      RunHandle<String> run = runtime.submit("saga", "", String.class);
      assertThatThrownBy(() -> run.await(SOON))
          .isInstanceOf(AgentException.class)
          .hasMessageContaining("too bad");
      assertThat(undone).containsExactly("c!", "b!", "a!");
      assertThat(runtime.run(run.id()).orElseThrow().state()).isEqualTo(RunView.State.FAILED);
    }
  }

  @Test
  @Tag("guarantee-9")
  void cancelReachesStepsChildrenAndCompensation() throws Exception {
    CountDownLatch inside = new CountDownLatch(1);
    AgentDefinition<String, String> child =
        agent(
            "child",
            String.class,
            (in, context) ->
                context.step(
                    "block",
                    String.class,
                    attempt -> {
                      inside.countDown();
                      try {
                        new CountDownLatch(1).await();
                      } catch (InterruptedException e) {
                        effect("interrupted");
                        throw e;
                      }
                      return "";
                    }));
    AgentDefinition<String, String> parent =
        agent(
            "parent",
            String.class,
            (in, context) -> {
              context.step(
                  Step.of("done", String.class).compensate((r, a) -> effect("undone")).build(),
                  attempt -> "x");
              return context.call("child", in, String.class);
            });
    try (AgentRuntime runtime = start(child, parent)) {
      RunHandle<String> run =
          runtime.submit(Submission.of("parent", "", String.class).id("p").build());
      assertThat(inside.await(10, TimeUnit.SECONDS)).isTrue();
      assertThat(run.cancel("enough")).isTrue();
      assertThatThrownBy(() -> run.await(SOON))
          .isInstanceOfSatisfying(
              AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.RUN_CANCELLED));
      assertThat(count("undone")).isEqualTo(1);
      Awaitility.await()
          .untilAsserted(
              () ->
                  assertThat(runtime.run("p/child#1").orElseThrow().state())
                      .isEqualTo(RunView.State.CANCELLED));
      assertThat(count("interrupted")).isEqualTo(1);
      assertThat(run.cancel("again")).isFalse();
    }
  }

  @Test
  void aHangingChildIsOverAtTheTimeLimitOfItsCall() throws Exception {
    AgentDefinition<String, String> child =
        agent(
            "hang",
            String.class,
            (in, context) ->
                context.step(
                    "block",
                    String.class,
                    attempt -> {
                      while (true) {
                        try {
                          new CountDownLatch(1).await();
                        } catch (InterruptedException ignoredOnPurpose) {
                          effect("asked");
                        }
                      }
                    }));
    AgentDefinition<String, String> parent =
        agent(
            "parent",
            String.class,
            (in, context) -> {
              try {
                return context.call(
                    Call.of("hang", in, String.class).timeLimit(Duration.ofMillis(100)).build());
              } catch (StepFailedException e) {
                return e.failure().kind();
              }
            });
    try (AgentRuntime runtime = start(child, parent)) {
      RunHandle<String> run =
          runtime.submit(Submission.of("parent", "", String.class).id("p").build());
      assertThat(run.await(SOON)).isEqualTo("TIMEOUT");
      Awaitility.await()
          .untilAsserted(
              () -> assertThat(runtime.run("p/hang#1").orElseThrow().state().ended()).isTrue());
    }
  }

  @Test
  void anyTakesTheFirstSuccessAndCancelsTheOthers() throws Exception {
    CountDownLatch slowBegan = new CountDownLatch(1);
    AgentDefinition<String, String> slow =
        agent(
            "slow",
            String.class,
            (in, context) -> {
              slowBegan.countDown();
              context.sleep(Duration.ofHours(1));
              return "slow";
            });
    AgentDefinition<String, String> race =
        agent(
            "race",
            String.class,
            (in, context) -> {
              String won =
                  context.any(
                      "race",
                      3,
                      List.<Branch<String>>of(
                          b -> b.call("slow", in, String.class),
                          b ->
                              b.step(
                                  "bad",
                                  String.class,
                                  a -> {
                                    throw new IllegalStateException("no");
                                  }),
                          b ->
                              b.step(
                                  "quick",
                                  String.class,
                                  a -> {
                                    slowBegan.await();
                                    return "quick" + effect("quick");
                                  })));
              context.sleep(Duration.ofMillis(30));
              return won;
            });
    try (AgentRuntime runtime = start(b -> b.hotWait(Duration.ZERO), slow, race)) {
      RunHandle<String> run =
          runtime.submit(Submission.of("race", "", String.class).id("r").build());
      assertThat(run.await(SOON)).isEqualTo("quick1");
      Awaitility.await()
          .untilAsserted(
              () ->
                  assertThat(runtime.run("r/race#1/0/slow#1").orElseThrow().state())
                      .isEqualTo(RunView.State.CANCELLED));
    }
  }

  @Test
  @Tag("guarantee-4")
  void aRenamedStepStopsTheRunAndTheOldCodeLetsItGoOn() throws Exception {
    AgentDefinition<String, String> before = versioned("old name");
    try (AgentRuntime runtime = start(b -> b.hotWait(Duration.ZERO), before)) {
      runtime.submit(Submission.of("v", "", String.class).id("r").build());
      Awaitility.await()
          .untilAsserted(
              () ->
                  assertThat(runtime.run("r").orElseThrow().state())
                      .isEqualTo(RunView.State.WAITING));
    }
    try (AgentRuntime runtime = start(b -> b.hotWait(Duration.ZERO), versioned("new name"))) {
      runtime.signal("r", "go", "1", "on");
      RunHandle<String> run = runtime.handle("r", String.class);
      assertThatThrownBy(() -> run.await(SOON))
          .isInstanceOfSatisfying(
              AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.NON_DETERMINISM))
          .hasMessageContaining("old name#1")
          .hasMessageContaining("new name#1");
      assertThat(runtime.run("r").orElseThrow().state()).isEqualTo(RunView.State.STOPPED);
    }
    try (AgentRuntime runtime = start(before)) {
      runtime.resume("r");
      assertThat(runtime.handle("r", String.class).await(SOON)).isEqualTo("old name on");
      assertThat(count("old name")).isEqualTo(1);
    }
  }

  private AgentDefinition<String, String> versioned(String step) {
    return agent(
        "v",
        String.class,
        (in, context) -> {
          String name =
              context.step(
                  step,
                  String.class,
                  a -> {
                    effect(step);
                    return step;
                  });
          return name + " " + context.awaitSignal("go", String.class);
        });
  }

  @Test
  @Tag("guarantee-4")
  void swallowingTheWaitStopsTheRun() {
    AgentDefinition<String, String> careless =
        agent(
            "careless",
            String.class,
            (in, context) -> {
              try {
                context.sleep(Duration.ofHours(1));
              } catch (Throwable t) {
                try {
                  context.step("after", String.class, a -> "x" + effect("after"));
                } catch (Throwable again) {
                  effect("thrown again");
                }
              }
              return "done";
            });
    try (AgentRuntime runtime = start(b -> b.hotWait(Duration.ZERO), careless)) {
      RunHandle<String> run = runtime.submit("careless", "", String.class);
      assertThatThrownBy(() -> run.await(SOON))
          .isInstanceOfSatisfying(
              AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.SWALLOWED_WAIT))
          .hasMessageContaining("careless")
          .hasMessageContaining("waits for the time");
      assertThat(count("after")).isZero();
      assertThat(count("thrown again")).isEqualTo(1);
    }
  }

  @Test
  @Tag("guarantee-6")
  void closingHandsBackWhatIsNotFinished() throws Exception {
    CountDownLatch inside = new CountDownLatch(1);
    AgentDefinition<String, String> code =
        agent(
            "long",
            String.class,
            (in, context) -> {
              context.step("first", String.class, a -> "" + effect("first"));
              return context.step(
                  "second",
                  String.class,
                  a -> {
                    if (effect("second") == 1) {
                      inside.countDown();
                      new CountDownLatch(1).await();
                    }
                    return "done";
                  });
            });
    AgentRuntime first = start(code);
    first.submit(Submission.of("long", "", String.class).id("r").build());
    assertThat(inside.await(10, TimeUnit.SECONDS)).isTrue();
    first.close();
    try (AgentRuntime second = start(code)) {
      assertThat(second.handle("r", String.class).await(SOON)).isEqualTo("done");
      assertThat(count("first")).isEqualTo(1);
      assertThat(count("second")).isEqualTo(2);
    }
  }

  @Test
  @Tag("guarantee-5")
  void runsThatWaitTakeNoThread() throws Exception {
    AgentDefinition<String, String> sleeper =
        agent(
            "sleeper",
            String.class,
            (in, context) -> {
              effect("asleep");
              context.sleep(Duration.ofHours(1));
              return "";
            });
    AgentDefinition<String, String> quick =
        agent("quick", String.class, (in, c) -> c.step("s", String.class, a -> "done"));
    try (AgentRuntime runtime = start(b -> b.maxConcurrentRuns(1), sleeper, quick)) {
      for (int i = 0; i < 100; i++) {
        runtime.submit(Submission.of("sleeper", "", String.class).id("s" + i).build());
      }
      Awaitility.await().until(() -> count("asleep") >= 100);
      // one thread in all, and a hundred runs that wait: the next is served at once
      assertThat(runtime.submit("quick", "", String.class).await(SOON)).isEqualTo("done");
      Awaitility.await()
          .untilAsserted(
              () ->
                  assertThat(runtime.run("s99").orElseThrow().state())
                      .isEqualTo(RunView.State.WAITING));
    }
  }

  @Test
  void timeChanceAndIdsAreTheSameOnReplay() throws Exception {
    List<String> seen = new java.util.concurrent.CopyOnWriteArrayList<>();
    AgentDefinition<String, String> code =
        agent(
            "same",
            String.class,
            (in, context) -> {
              String before = told(context);
              context.step("s", String.class, a -> "x");
              seen.add(before + told(context));
              context.sleep(Duration.ofMillis(20));
              return told(context);
            });
    try (AgentRuntime runtime = start(b -> b.hotWait(Duration.ZERO), code)) {
      runtime.submit("same", "", String.class).await(SOON);
      assertThat(seen).hasSizeGreaterThan(1);
      assertThat(List.copyOf(seen).stream().distinct()).hasSize(1);
    }
  }

  private static String told(AgentContext context) {
    Instant now = context.now();
    return now + " " + context.random().nextLong() + " " + context.newId() + "; ";
  }
}
