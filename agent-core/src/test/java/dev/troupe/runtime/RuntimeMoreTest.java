package dev.troupe.runtime;

import static dev.troupe.runtime.Bench.SOON;
import static dev.troupe.runtime.Bench.agent;
import static dev.troupe.runtime.Bench.assertCode;
import static dev.troupe.runtime.Bench.awaitState;
import static dev.troupe.runtime.Bench.awaitStates;
import static dev.troupe.runtime.Bench.echo;
import static dev.troupe.runtime.Bench.failure;
import static dev.troupe.runtime.Bench.hang;
import static dev.troupe.runtime.Bench.named;
import static dev.troupe.runtime.Bench.waiter;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.troupe.AgentException;
import dev.troupe.Codec;
import dev.troupe.ErrorCode;
import dev.troupe.agent.AgentContext;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.agent.Branch;
import dev.troupe.agent.RunEndingException;
import dev.troupe.agent.Step;
import dev.troupe.agent.StepFailedException;
import dev.troupe.resilience.RetryPolicy;
import dev.troupe.state.Edit;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.Outcome;
import dev.troupe.state.StoreClock;
import dev.troupe.state.StoreInfo;
import java.lang.reflect.Type;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class RuntimeMoreTest {
  private final Bench bench = new Bench();

  /** Counts how many are inside at once. */
  private static final class Crowd {
    private final AtomicInteger inside = new AtomicInteger();
    final AtomicInteger most = new AtomicInteger();

    void visit() throws InterruptedException {
      most.accumulateAndGet(inside.incrementAndGet(), Math::max);
      try {
        // long enough that others would come in if they could
        assertThat(new CountDownLatch(1).await(3, TimeUnit.MILLISECONDS)).isFalse();
      } finally {
        inside.decrementAndGet();
      }
    }
  }

  private static AgentException refused(ErrorCode code, Runnable call) {
    AgentException refused = catchThrowableOfType(AgentException.class, call::run);
    assertThat(refused).isNotNull();
    assertCode(refused, code);
    return refused;
  }

  @Nested
  class Values {
    private final class OtherCodec implements Codec {
      @Override
      public String id() {
        return "other";
      }

      @Override
      public byte[] encode(@Nullable Object value, Type type) {
        return Codec.json().encode(value, type);
      }

      @Override
      public @Nullable Object decode(byte[] bytes, Type type) {
        return Codec.json().decode(bytes, type);
      }
    }

    @Test
    void anUndecodableRowStopsItsRunAndNamesItAndOtherRunsGoOn() throws Exception {
      try (AgentRuntime runtime = bench.start(b -> b.hotWait(Duration.ZERO), waiter(), echo())) {
        RunHandle<String> broken = runtime.submit(named("waiter", "broken", String.class));
        RunHandle<String> whole = runtime.submit(named("waiter", "whole", String.class));
        awaitState(runtime, "broken", RunView.State.WAITING);
        awaitState(runtime, "whole", RunView.State.WAITING);
        bench.damageRow("broken", "s#1", "garbage");
        assertThat(runtime.signal("broken", "go", "1", "x")).isTrue();
        assertThat(runtime.signal("whole", "go", "1", "y")).isTrue();
        AgentException failure = failure(broken);
        assertCode(failure, ErrorCode.UNDECODABLE);
        assertThat(failure).hasMessageContaining("row s#1 of run broken");
        assertThat(whole.await(SOON)).isEqualTo("y");
        assertThat(runtime.submit("echo", "z", String.class).await(SOON)).isEqualTo("z");
        assertThat(bench.record("broken").orElseThrow().rows()).containsKeys("s#1", "$stop");
      }
    }

    @Test
    void anOperatorStillSeesARunThatWasStoppedForAnUndecodableRow() {
      try (AgentRuntime runtime = bench.start(b -> b.hotWait(Duration.ZERO), waiter())) {
        RunHandle<String> broken = runtime.submit(named("waiter", "broken", String.class));
        awaitState(runtime, "broken", RunView.State.WAITING);
        bench.damageRow("broken", "s#1", "garbage");
        assertThat(runtime.signal("broken", "go", "1", "x")).isTrue();
        assertCode(failure(broken), ErrorCode.UNDECODABLE);
        RunView view = runtime.run("broken").orElseThrow();
        assertThat(view.state()).isEqualTo(RunView.State.STOPPED);
        assertThat(view.failure().orElseThrow().kind()).isEqualTo("UNDECODABLE");
      }
    }

    /** The row, what it is made to hold, and a row that has to go for it to be looked at. */
    static Stream<Arguments> damages() {
      return Stream.of(
          arguments("s#1", "garbage", ""),
          arguments("s#1", "1 d 1 1 1 {broken", ""),
          arguments("s#1", "1 f 1 1 1 {broken", ""),
          arguments("s#1", "1 d 1 1 1 [\"no text\"]", ""),
          arguments("$s#1", "1 t 9 1 1 soon\n{}", "s#1"),
          arguments("sleep#1", "1 s 2 1 1 soon", ""),
          arguments("signal go#1", "1 g 3 1 1 go", ""),
          arguments("signal go#1", "1 g 3 1 1 signal/go/nobody", ""),
          arguments("$signal go#1", "1 t 9 1 1 soon", "signal go#1"),
          arguments("g#1", "1 w 6 1 1 first", ""),
          arguments("$fail", "1 x 9 1 1 {broken", ""));
    }

    @ParameterizedTest
    @MethodSource("damages")
    void aDamagedRowOfAnyKindStopsTheRunAndNeverFailsIt(String row, String content, String gone) {
      AgentDefinition<String, String> agent =
          agent(
              "all kinds",
              String.class,
              (in, context) -> {
                try {
                  context.step("s", String.class, attempt -> "");
                  context.sleep(Duration.ofMillis(1));
                  context.awaitSignal("go", String.class, Duration.ofMillis(1));
                  context.call("echo", "", String.class);
                  context.any("g", 1, List.<Branch<String>>of(b -> ""));
                } catch (AgentException careless) {
                  bench.effect("caught"); // whatever the code makes of it
                }
                return context.awaitSignal("end", String.class);
              });
      try (AgentRuntime runtime = bench.start(b -> b.hotWait(Duration.ZERO), agent, echo())) {
        RunHandle<String> run = runtime.submit(named("all kinds", "r", String.class));
        Awaitility.await().until(() -> waitsFor(runtime, "signal 'end'"));
        if (!gone.isEmpty()) {
          assertThat(bench.tamper("r", new Edit.Row("r", gone, null)))
              .isInstanceOf(Outcome.Done.class);
        }
        bench.damageRow("r", row, content);
        assertThat(runtime.signal("r", "end", "1", "x")).isTrue();
        assertCode(failure(run, Duration.ofSeconds(5)), ErrorCode.UNDECODABLE);
        assertThat(bench.record("r").orElseThrow().rows()).containsKey("$stop");
      }
    }

    private boolean waitsFor(AgentRuntime runtime, String what) {
      return runtime.run("r").orElseThrow().state() == RunView.State.WAITING
          && bench.events.stream()
              .anyMatch(e -> e instanceof RunEvent.Parked p && p.waitsFor().equals(what));
    }

    @Test
    void anUndecodableHeaderStopsItsRunAndOthersGoOn() throws Exception {
      try (AgentRuntime runtime = bench.start(b -> b.hotWait(Duration.ZERO), waiter(), echo())) {
        RunHandle<String> broken = runtime.submit(named("waiter", "broken", String.class));
        awaitState(runtime, "broken", RunView.State.WAITING);
        bench.damageHeader("broken");
        assertThat(runtime.signal("broken", "go", "1", "x")).isTrue();
        AgentException failure = failure(broken);
        assertCode(failure, ErrorCode.UNDECODABLE);
        assertThat(failure).hasMessageContaining("broken");
        assertThat(runtime.submit("echo", "z", String.class).await(SOON)).isEqualTo("z");
      }
    }

    @Test
    void aRunWrittenWithAnotherCodecIsStoppedAndGoesOnUnderItsOwn() throws Exception {
      try (AgentRuntime runtime = bench.start(b -> b.hotWait(Duration.ZERO), waiter())) {
        assertThat(runtime.submit(named("waiter", "r", String.class)).isNew()).isTrue();
        awaitState(runtime, "r", RunView.State.WAITING);
      }
      try (AgentRuntime runtime =
          bench.start(b -> b.codec(new OtherCodec()).hotWait(Duration.ZERO), waiter())) {
        RunHandle<String> run = runtime.handle("r", String.class);
        assertThat(runtime.signal("r", "go", "1", "on")).isTrue();
        AgentException failure = failure(run);
        assertCode(failure, ErrorCode.UNDECODABLE);
        assertThat(failure)
            .hasMessageContaining("run r")
            .hasMessageContaining("'json'")
            .hasMessageContaining("'other'");
      }
      try (AgentRuntime runtime = bench.start(waiter())) {
        runtime.resume("r");
        assertThat(runtime.handle("r", String.class).await(SOON)).isEqualTo("on");
      }
    }

    @Test
    void anInputOfTheWrongTypeIsRefusedAndNoRunIsCreated() {
      try (AgentRuntime runtime = bench.start(echo())) {
        Submission<String> wrong = Submission.of("echo", 5, String.class).id("r").build();
        assertThat(refused(ErrorCode.INVALID_INPUT, () -> runtime.submit(wrong)))
            .hasMessageContaining("echo@1")
            .hasMessageContaining("java.lang.String")
            .hasMessageContaining("java.lang.Integer");
        assertThat(runtime.run("r")).isEmpty();
      }
    }

    @Test
    void anInputTooLargeIsRefusedAndNoRunIsCreated() throws Exception {
      try (AgentRuntime runtime = bench.start(echo())) {
        String fits = "x".repeat(RuntimeCore.MAX_VALUE - 2);
        Submission<String> over = Submission.of("echo", fits + "x", String.class).id("r").build();
        assertThat(refused(ErrorCode.LIMIT_EXCEEDED, () -> runtime.submit(over)))
            .hasMessageContaining("echo@1")
            .hasMessageContaining("" + RuntimeCore.MAX_VALUE)
            .hasMessageContaining("" + (RuntimeCore.MAX_VALUE + 1))
            .hasMessageNotContaining("xxx");
        assertThat(runtime.run("r")).isEmpty();
        AgentDefinition<String, Integer> length =
            agent("length", Integer.class, (in, context) -> in.length());
        runtime.registry().register(length);
        assertThat(runtime.submit("length", fits, Integer.class).await(SOON))
            .isEqualTo(fits.length());
      }
    }

    @Test
    void anOutputOfTheWrongTypeIsRefusedAtSubmit() throws Exception {
      try (AgentRuntime runtime = bench.start(echo())) {
        assertThat(
                refused(ErrorCode.INVALID_INPUT, () -> runtime.submit("echo", "x", Integer.class)))
            .hasMessageContaining("java.lang.String")
            .hasMessageContaining("java.lang.Integer");
        assertThat(runtime.submit("echo", "x", CharSequence.class).await(SOON)).isEqualTo("x");
      }
    }

    @Test
    void aStepResultTooLargeFailsTheStepAndIsNotTriedAgain() throws Exception {
      AgentDefinition<String, String> agent =
          agent(
              "large",
              String.class,
              (in, context) -> {
                try {
                  return context.step(
                      "large",
                      String.class,
                      attempt -> "x".repeat(StoreInfo.MAX_BYTES + bench.effect("large")));
                } catch (StepFailedException e) {
                  return e.failure().kind() + " " + e.getMessage();
                }
              });
      try (AgentRuntime runtime = bench.start(agent)) {
        assertThat(runtime.submit("large", "", String.class).await(SOON))
            .startsWith("LIMIT_EXCEEDED")
            .contains("large#1")
            .doesNotContain("xxx");
        assertThat(bench.count("large")).isEqualTo(1);
      }
    }

    @Test
    void aResultTooLargeFailsTheRun() {
      AgentDefinition<String, String> agent =
          agent(
              "large",
              String.class,
              (in, context) -> {
                context.step(
                    Step.of("s", String.class)
                        .compensate((result, attempt) -> bench.effect("undone"))
                        .build(),
                    attempt -> "x");
                return "x".repeat(StoreInfo.MAX_BYTES + 1);
              });
      try (AgentRuntime runtime = bench.start(agent)) {
        AgentException failure =
            failure(runtime.submit("large", "", String.class), Duration.ofSeconds(5));
        assertCode(failure, ErrorCode.RUN_FAILED);
        assertThat(failure).hasMessageContaining("262").hasMessageNotContaining("xxx");
        assertThat(bench.count("undone")).isEqualTo(1);
      }
    }

    @Test
    void aProgressTooLargeIsAnErrorForTheAgent() throws Exception {
      AgentDefinition<String, String> agent =
          agent(
              "talks",
              String.class,
              (in, context) -> {
                String code = "";
                try {
                  context.publish("x".repeat(StoreInfo.MAX_BYTES + 1));
                } catch (AgentException tooLarge) {
                  code = tooLarge.code().name();
                }
                return context.step("s", String.class, attempt -> "done ") + code;
              });
      try (AgentRuntime runtime = bench.start(agent)) {
        assertThat(runtime.submit("talks", "", String.class).await(Duration.ofSeconds(5)))
            .isEqualTo("done LIMIT_EXCEEDED");
      }
    }

    @Test
    void aSignalTooLargeIsRefusedAndTheRunGoesOn() throws Exception {
      try (AgentRuntime runtime = bench.start(waiter())) {
        RunHandle<String> run = runtime.submit("waiter", "", String.class);
        refused(
            ErrorCode.LIMIT_EXCEEDED, () -> run.signal("go", "x".repeat(StoreInfo.MAX_BYTES + 1)));
        assertThat(run.signal("go", "small")).isTrue();
        assertThat(run.await(SOON)).isEqualTo("small");
      }
    }
  }

  record Labels(Set<String> labels) {}

  @Test
  @Tag("guarantee-3")
  void anEqualInputInAnotherOrderIsTheSameRun() throws Exception {
    AgentDefinition<Labels, Integer> agent =
        AgentDefinition.of(
                "labels", Labels.class, Integer.class, (in, context) -> in.labels().size())
            .build();
    // 'Aa' and 'BB' have one hash code, so a hash set lists them in the order in which they came
    Labels one = new Labels(new HashSet<>(List.of("Aa", "BB")));
    Labels other = new Labels(new HashSet<>(List.of("BB", "Aa")));
    try (AgentRuntime runtime = bench.start(agent)) {
      assertThat(
              runtime.submit(Submission.of("labels", one, Integer.class).id("r").build()).isNew())
          .isTrue();
      RunHandle<Integer> again =
          runtime.submit(Submission.of("labels", other, Integer.class).id("r").build());
      assertThat(again.isNew()).isFalse();
      assertThat(again.await(SOON)).isEqualTo(2);
    }
  }

  @Nested
  class Slots {
    @Test
    void theConcurrencyOfAnAgentIsKept() throws Exception {
      Crowd crowd = new Crowd();
      AgentDefinition<String, String> narrow =
          AgentDefinition.of(
                  "narrow",
                  String.class,
                  String.class,
                  (in, context) ->
                      context.step(
                          "visit",
                          String.class,
                          attempt -> {
                            crowd.visit();
                            return "";
                          }))
              .concurrency(3)
              .build();
      try (AgentRuntime runtime = bench.start(narrow, echo())) {
        List<RunHandle<String>> runs = submit(runtime, "narrow", 60);
        assertThat(runtime.submit("echo", "meanwhile", String.class).await(SOON))
            .isEqualTo("meanwhile");
        for (RunHandle<String> run : runs) {
          run.await(SOON);
        }
        assertThat(crowd.most).hasValueLessThanOrEqualTo(3).hasValueGreaterThan(1);
      }
    }

    private List<RunHandle<String>> submit(AgentRuntime runtime, String agent, int count) {
      List<RunHandle<String>> runs = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        runs.add(runtime.submit(agent, "" + i, String.class));
      }
      return runs;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4, 32})
    void noMoreRunsHaveAThreadThanAllowed(int most) throws Exception {
      Crowd crowd = new Crowd();
      AgentDefinition<String, String> busy =
          agent(
              "busy",
              String.class,
              (in, context) -> {
                crowd.visit();
                context.sleep(Duration.ofMillis(1));
                return context.step("echo", String.class, attempt -> in);
              });
      int runs = most == 1 ? 100 : 500;
      try (AgentRuntime runtime = bench.start(b -> b.maxConcurrentRuns(most), busy)) {
        List<RunHandle<String>> all = submit(runtime, "busy", runs);
        for (int i = 0; i < runs; i++) {
          assertThat(all.get(i).await(Duration.ofSeconds(50))).isEqualTo("" + i);
        }
        assertThat(crowd.most).hasValueLessThanOrEqualTo(most);
      }
    }

    @Test
    @Tag("guarantee-5")
    void waitingRunsGiveTheirThreadsToOthers() throws Exception {
      try (AgentRuntime runtime =
          bench.start(
              b -> b.maxConcurrentRuns(2).hotWait(Duration.ofMinutes(1)), waiter(), echo())) {
        List<RunHandle<String>> waiting = submit(runtime, "waiter", 20);
        assertThat(runtime.submit("echo", "through", String.class).await(SOON))
            .isEqualTo("through");
        for (RunHandle<String> run : waiting) {
          assertThat(run.signal("go", "on")).isTrue();
        }
        for (RunHandle<String> run : waiting) {
          assertThat(run.await(SOON)).isEqualTo("on");
        }
      }
    }

    @Test
    void urgentRunsGoFirstWhenSlotsAreShort() throws Exception {
      Bench one = new Bench(new MemoryStateStore(1, StoreClock.monotonic()));
      List<Integer> order = new CopyOnWriteArrayList<>();
      CountDownLatch release = new CountDownLatch(1);
      AgentDefinition<String, String> agent =
          agent(
              "a",
              String.class,
              (in, context) -> {
                if (in.equals("first")) {
                  assertThat(release.await(20, TimeUnit.SECONDS)).isTrue();
                } else {
                  order.add(Integer.valueOf(in));
                }
                return in;
              });
      try (AgentRuntime runtime = one.start(b -> b.maxConcurrentRuns(1), agent)) {
        List<RunHandle<String>> runs = new ArrayList<>();
        RunHandle<String> first = runtime.submit("a", "first", String.class);
        awaitState(runtime, first.id(), RunView.State.RUNNING);
        for (int i = 0; i < 21; i++) {
          int priority = i % 3;
          runs.add(
              runtime.submit(
                  Submission.of("a", "" + priority, String.class).priority(priority).build()));
        }
        release.countDown();
        for (RunHandle<String> run : runs) {
          run.await(SOON);
        }
        // every eighth is the one that is due longest, so that nothing is passed over for ever
        int inversions = 0;
        for (int i = 0; i < order.size(); i++) {
          for (int j = i + 1; j < order.size(); j++) {
            inversions += order.get(i) < order.get(j) ? 1 : 0;
          }
        }
        assertThat(order.subList(0, 6)).containsOnly(2);
        assertThat(inversions).as("%s", order).isLessThanOrEqualTo(30);
      }
    }

    @Test
    void keyedRunsGoOneAfterAnotherInTheOrderOfTheirSubmission() throws Exception {
      Crowd crowd = new Crowd();
      List<String> order = new CopyOnWriteArrayList<>();
      AgentDefinition<String, String> agent =
          agent(
              "keyed",
              String.class,
              (in, context) -> {
                context.step(
                    "begin",
                    Void.class,
                    attempt -> {
                      order.add("begin " + in);
                      return null;
                    });
                context.sleep(Duration.ofMillis(2)); // keeps its turn while it waits
                crowd.visit();
                order.add("end " + in);
                return in;
              });
      try (AgentRuntime runtime = bench.start(b -> b.hotWait(Duration.ZERO), agent)) {
        List<RunHandle<String>> runs = new ArrayList<>();
        List<String> expected = new ArrayList<>();
        for (int i = 0; i < 25; i++) {
          runs.add(
              runtime.submit(
                  Submission.of("keyed", "" + i, String.class).key("k").id("n" + i).build()));
          expected.addAll(List.of("begin " + i, "end " + i));
        }
        assertThat(runs.get(3).id()).isEqualTo("k/n3");
        for (RunHandle<String> run : runs) {
          run.await(SOON);
        }
        assertThat(order).isEqualTo(expected);
        assertThat(crowd.most).hasValue(1);
      }
    }

    @Test
    void runsOfDifferentKeysGoSideBySide() throws Exception {
      CountDownLatch both = new CountDownLatch(2);
      AgentDefinition<String, String> agent =
          agent(
              "keyed",
              String.class,
              (in, context) -> {
                both.countDown();
                assertThat(both.await(20, TimeUnit.SECONDS)).isTrue();
                return in;
              });
      try (AgentRuntime runtime = bench.start(agent)) {
        List<RunHandle<String>> runs = new ArrayList<>();
        for (String key : List.of("one", "two")) {
          runs.add(runtime.submit(Submission.of("keyed", key, String.class).key(key).build()));
        }
        for (RunHandle<String> run : runs) {
          run.await(SOON);
        }
      }
    }
  }

  @Nested
  class Deadlines {
    private AgentDefinition<String, String> late(CountDownLatch release) {
      return agent(
          "late",
          String.class,
          (in, context) -> {
            context.step(
                Step.of("done", String.class)
                    .compensate((result, attempt) -> bench.effect("undone"))
                    .build(),
                attempt -> "x");
            if (in.equals("sleeping")) {
              context.sleep(Duration.ofHours(1));
            } else if (in.equals("waiting")) {
              return context.awaitSignal("never", String.class);
            } else if (in.equals("stepping")) {
              context.step(
                  "block",
                  String.class,
                  attempt -> {
                    try {
                      release.await();
                      return "";
                    } catch (InterruptedException e) {
                      bench.effect("interrupted");
                      throw e;
                    }
                  });
            } else if (in.equals("hanging")) {
              context.step(
                  "hang",
                  String.class,
                  attempt -> {
                    hang(release);
                    return "";
                  });
            } else if (in.equals("hanging outside")) {
              hang(release);
            } else if (in.equals("catching")) {
              try {
                context.sleep(Duration.ofHours(1));
              } catch (RunEndingException e) {
                bench.effect("told");
              }
              return "whatever it returns";
            }
            return context.step("after", String.class, attempt -> "x" + bench.effect("after"));
          });
    }

    @ParameterizedTest
    @CsvSource({
      "sleeping, 0",
      "sleeping, 60000",
      "waiting, 0",
      "waiting, 60000",
      "stepping, 0",
      "hanging, 0",
      "hanging outside, 0",
      "catching, 60000"
    })
    void aRunThatIsLateIsOverAndCompensated(String how, long hotWait) {
      CountDownLatch release = new CountDownLatch(1);
      try (AgentRuntime runtime =
          bench.start(b -> b.hotWait(Duration.ofMillis(hotWait)), late(release))) {
        RunHandle<String> run =
            runtime.submit(
                Submission.of("late", how, String.class).deadline(Duration.ofMillis(150)).build());
        AgentException failure = failure(run, Duration.ofSeconds(10));
        assertCode(failure, ErrorCode.DEADLINE_EXCEEDED);
        assertThat(failure).hasMessageContaining(run.id());
        assertThat(bench.count("undone")).isEqualTo(1);
        assertThat(bench.count("after")).isZero();
        assertThat(runtime.run(run.id()).orElseThrow().state()).isEqualTo(RunView.State.FAILED);
        assertThat(runtime.run(run.id()).orElseThrow().failure().orElseThrow().kind())
            .isEqualTo("DEADLINE_EXCEEDED");
      } finally {
        release.countDown();
      }
    }

    @Test
    void aRunWhoseDeadlinePassesWhileItLeavesIsOver() {
      AgentDefinition<String, String> agent =
          agent(
              "leaver",
              String.class,
              (in, context) -> {
                try {
                  context.sleep(Duration.ofHours(1));
                } finally {
                  if (bench.effect("left") == 1) {
                    // leaves its stack slowly, until after its deadline
                    Instant until = context.deadline().orElseThrow().plusMillis(100);
                    Duration rest = Duration.between(Instant.now(), until);
                    assertThat(new CountDownLatch(1).await(rest.toMillis(), TimeUnit.MILLISECONDS))
                        .isFalse();
                  }
                }
                return "";
              });
      try (AgentRuntime runtime =
          bench.start(b -> b.hotWait(Duration.ZERO).endGrace(Duration.ofSeconds(5)), agent)) {
        RunHandle<String> run =
            runtime.submit(
                Submission.of("leaver", "", String.class).deadline(Duration.ofMillis(400)).build());
        assertCode(failure(run, Duration.ofSeconds(5)), ErrorCode.DEADLINE_EXCEEDED);
      }
    }

    @Test
    void theDeadlineOfTheDefinitionHoldsWhereTheSubmissionHasNone() {
      AgentDefinition<String, String> agent =
          AgentDefinition.of(
                  "slow",
                  String.class,
                  String.class,
                  (in, context) -> context.awaitSignal("never", String.class))
              .deadline(Duration.ofMillis(100))
              .build();
      try (AgentRuntime runtime = bench.start(agent)) {
        assertCode(failure(runtime.submit("slow", "", String.class)), ErrorCode.DEADLINE_EXCEEDED);
      }
    }

    @Test
    void aRunThatWasLateBeforeItBeganHasNoEffect() throws Exception {
      CountDownLatch release = new CountDownLatch(1);
      AgentDefinition<String, String> agent =
          agent(
              "a",
              String.class,
              (in, context) -> {
                if (in.equals("first")) {
                  hang(release);
                  return "";
                }
                return context.step("s", String.class, attempt -> "x" + bench.effect("late"));
              });
      try (AgentRuntime runtime = bench.start(b -> b.maxConcurrentRuns(1), agent)) {
        RunHandle<String> first = runtime.submit("a", "first", String.class);
        awaitState(runtime, first.id(), RunView.State.RUNNING);
        RunHandle<String> late =
            runtime.submit(
                Submission.of("a", "late", String.class).deadline(Duration.ofMillis(1)).build());
        Awaitility.await().pollDelay(Duration.ofMillis(50)).until(() -> true);
        release.countDown();
        assertThat(first.await(SOON)).isEmpty();
        assertCode(failure(late), ErrorCode.DEADLINE_EXCEEDED);
        assertThat(bench.count("late")).isZero();
      }
    }

    @Test
    void aChildIsNeverLaterThanItsParent() {
      AgentDefinition<String, String> parent =
          agent("parent", String.class, (in, context) -> context.call("waiter", in, String.class));
      try (AgentRuntime runtime = bench.start(waiter(), parent)) {
        RunHandle<String> run =
            runtime.submit(
                Submission.of("parent", "", String.class)
                    .id("p")
                    .deadline(Duration.ofMillis(150))
                    .build());
        assertCode(failure(run), ErrorCode.DEADLINE_EXCEEDED);
        Awaitility.await()
            .untilAsserted(
                () -> assertThat(runtime.run("p/waiter#1").orElseThrow().state().ended()).isTrue());
      }
    }

    @Test
    void aParentWhoseChildWasCancelledAloneHasFailedItself() {
      AgentDefinition<String, String> parent =
          agent("parent", String.class, (in, context) -> context.call("waiter", in, String.class));
      try (AgentRuntime runtime = bench.start(waiter(), parent)) {
        RunHandle<String> run = runtime.submit(named("parent", "p", String.class));
        Awaitility.await().until(() -> runtime.run("p/waiter#1").isPresent());
        assertThat(runtime.cancel("p/waiter#1", "only this one")).isTrue();
        assertCode(failure(run), ErrorCode.RUN_FAILED);
        assertThat(runtime.run("p").orElseThrow().state()).isEqualTo(RunView.State.FAILED);
        assertThat(runtime.run("p/waiter#1").orElseThrow().state())
            .isEqualTo(RunView.State.CANCELLED);
      }
    }
  }

  @Nested
  class Closing {
    @Test
    @Tag("guarantee-6")
    void closingTwiceAndFromSeveralThreadsIsOneClosing() throws Exception {
      AgentRuntime runtime = bench.start(echo());
      assertThat(runtime.submit("echo", "x", String.class).await(SOON)).isEqualTo("x");
      List<Thread> closers = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        Thread closer = new Thread(runtime::close);
        closers.add(closer);
        closer.start();
      }
      runtime.close();
      for (Thread closer : closers) {
        closer.join(10_000);
        assertThat(closer.isAlive()).isFalse();
      }
      runtime.close();
    }

    @Test
    @Tag("guarantee-6")
    void closingWhileBusyReturnsWithinTheGraceAndThreeSeconds() throws Exception {
      CountDownLatch release = new CountDownLatch(1);
      CountDownLatch inside = new CountDownLatch(4);
      AgentDefinition<String, String> stubborn =
          agent(
              "stubborn",
              String.class,
              (in, context) ->
                  context.step(
                      "hang",
                      String.class,
                      attempt -> {
                        inside.countDown();
                        bench.effect("begun");
                        hang(release);
                        return "late";
                      }));
      AgentRuntime runtime = bench.start(stubborn);
      List<RunHandle<String>> runs = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        runs.add(runtime.submit(named("stubborn", "r" + i, String.class)));
      }
      assertThat(inside.await(20, TimeUnit.SECONDS)).isTrue();
      long began = System.nanoTime();
      runtime.close();
      assertThat(Duration.ofNanos(System.nanoTime() - began))
          .isLessThan(Duration.ofMillis(300 + 3_000));
      for (RunHandle<String> run : runs) {
        assertCode(failure(run, Duration.ofSeconds(1)), ErrorCode.CLOSED);
      }
      release.countDown();
      try (AgentRuntime next = bench.start(stubborn)) {
        for (int i = 0; i < 4; i++) {
          assertThat(next.handle("r" + i, String.class).await(SOON)).isEqualTo("late");
        }
      }
      assertThat(bench.count("begun")).isEqualTo(8);
    }

    @Test
    void runsUnderWayMayFinishWithinTheGrace() throws Exception {
      CountDownLatch inside = new CountDownLatch(1);
      CountDownLatch release = new CountDownLatch(1);
      AgentDefinition<String, String> agent =
          agent(
              "a",
              String.class,
              (in, context) ->
                  context.step(
                      "s",
                      String.class,
                      attempt -> {
                        inside.countDown();
                        release.await();
                        return "finished";
                      }));
      AgentRuntime runtime = bench.start(b -> b.shutdownGrace(Duration.ofSeconds(10)), agent);
      RunHandle<String> run = runtime.submit(named("a", "r", String.class));
      assertThat(inside.await(20, TimeUnit.SECONDS)).isTrue();
      Thread closer = new Thread(runtime::close);
      closer.start();
      refusedWhenClosed(runtime);
      release.countDown();
      assertThat(run.await(SOON)).isEqualTo("finished");
      closer.join(5_000);
      assertThat(closer.isAlive()).isFalse();
    }

    private void refusedWhenClosed(AgentRuntime runtime) {
      Awaitility.await()
          .untilAsserted(
              () -> refused(ErrorCode.CLOSED, () -> runtime.submit("a", "x", String.class)));
    }

    @Test
    void nothingIsTakenAfterClosing() {
      AgentRuntime runtime = bench.start(echo());
      runtime.close();
      refused(ErrorCode.CLOSED, () -> runtime.submit("echo", "x", String.class));
      assertThat(bench.store.find(dev.troupe.state.Find.tagged("kind", "run", 10)).items())
          .isEmpty();
    }

    @Test
    void aHandleTakenAfterClosingDoesNotWaitForEver() {
      AgentRuntime runtime = bench.start(waiter());
      runtime.submit(named("waiter", "r", String.class));
      runtime.close();
      AgentException closed =
          catchThrowableOfType(
              AgentException.class,
              () -> runtime.handle("r", String.class).await(Duration.ofSeconds(2)));
      assertThat(closed).isNotNull();
      assertCode(closed, ErrorCode.CLOSED);
    }

    @Test
    void noThreadIsLeftBehind() throws Exception {
      Set<Thread> before = threads();
      AgentRuntime runtime = bench.start(echo(), waiter());
      assertThat(runtime.submit("echo", "x", String.class).await(SOON)).isEqualTo("x");
      runtime.submit(named("waiter", "r", String.class));
      assertThat(threads()).anyMatch(t -> !before.contains(t));
      runtime.close();
      Awaitility.await().untilAsserted(() -> assertThat(threads()).isSubsetOf(before));
    }

    @Test
    void noThreadIsLeftBehindByAnInterruptedThreadEither() {
      Set<Thread> before = threads();
      AgentRuntime runtime = bench.start(echo());
      Thread.currentThread().interrupt();
      runtime.close();
      assertThat(Thread.interrupted()).isTrue();
      Awaitility.await().untilAsserted(() -> assertThat(threads()).isSubsetOf(before));
    }

    private Set<Thread> threads() {
      return Thread.getAllStackTraces().keySet().stream()
          .filter(t -> t.getName().startsWith("troupe-"))
          .collect(Collectors.toSet());
    }

    @Test
    void aProcessThatLeftIsForgotten() {
      bench.start(echo()).close();
      assertThat(bench.store.find(dev.troupe.state.Find.tagged("kind", "process", 10)).items())
          .isEmpty();
    }

    @Test
    void aProcessThatDiedIsForgottenByTheNextOne() {
      try (AgentRuntime dead = bench.start(echo());
          AgentRuntime next = bench.start(echo())) {
        assertThat(dead.processes()).hasSize(1);
        assertThat(next.processes()).hasSize(1);
      }
    }
  }

  @Nested
  class Listeners {
    @Test
    void aListenerThatThrowsDoesNoHarm() throws Exception {
      try (AgentRuntime runtime =
          bench.start(
              b ->
                  b.listener(
                      event -> {
                        throw new IllegalStateException("careless");
                      }),
              waiter())) {
        RunHandle<String> run = runtime.submit("waiter", "", String.class);
        assertThat(run.signal("go", "on")).isTrue();
        assertThat(run.await(SOON)).isEqualTo("on");
      }
    }

    @Test
    void aListenerThatThrowsAnErrorDoesNoHarmEither() throws Exception {
      AgentDefinition<String, String> agent =
          agent(
              "a",
              String.class,
              (in, context) -> {
                context.publish("half");
                context.sleep(Duration.ofMillis(1));
                return context.step("s", String.class, attempt -> "done");
              });
      try (AgentRuntime runtime =
          bench.start(
              b ->
                  b.hotWait(Duration.ZERO)
                      .listener(
                          event -> {
                            throw new AssertionError("careless");
                          }),
              agent)) {
        assertThat(runtime.submit("a", "", String.class).await(Duration.ofSeconds(5)))
            .isEqualTo("done");
      }
    }

    @Test
    void listenersAreToldInTheOrderOfThings() throws Exception {
      AgentDefinition<String, String> agent =
          agent(
              "a",
              String.class,
              (in, context) -> {
                context.publish("half");
                return context.step("s", String.class, attempt -> "done");
              });
      try (AgentRuntime runtime = bench.start(agent)) {
        assertThat(runtime.submit("a", "", String.class).await(SOON)).isEqualTo("done");
        assertThat(bench.events)
            .extracting(e -> e.getClass().getSimpleName())
            .containsExactly("Started", "Progress", "StepStarted", "StepFinished", "Ended");
      }
    }
  }

  @Nested
  class Signals {
    @Test
    void anUnknownAgentIsNamedWithThoseThereAre() {
      try (AgentRuntime runtime = bench.start(echo(), waiter())) {
        assertThat(
                refused(ErrorCode.UNKNOWN_AGENT, () -> runtime.submit("nobody", "", String.class)))
            .hasMessageContaining("'nobody'")
            .hasMessageContaining("[echo, waiter]");
      }
    }

    @Test
    void anUnknownRunIsNamed() {
      try (AgentRuntime runtime = bench.start(echo())) {
        assertThat(runtime.run("nobody")).isEmpty();
        for (Runnable call :
            List.<Runnable>of(
                () -> runtime.handle("nobody", String.class),
                () -> runtime.signal("nobody", "go", "1", "x"),
                () -> runtime.cancel("nobody", "why"),
                () -> runtime.resume("nobody"))) {
          assertThat(refused(ErrorCode.RUN_NOT_FOUND, call)).hasMessageContaining("nobody");
        }
      }
    }

    @Test
    void aRunThatIsNotStoppedCantBeResumed() throws Exception {
      try (AgentRuntime runtime = bench.start(echo(), waiter())) {
        RunHandle<String> over = runtime.submit("echo", "x", String.class);
        assertThat(over.await(SOON)).isEqualTo("x");
        RunHandle<String> waiting = runtime.submit("waiter", "x", String.class);
        for (RunHandle<String> run : List.of(over, waiting)) {
          assertThat(refused(ErrorCode.INVALID_INPUT, () -> runtime.resume(run.id())))
              .hasMessageContaining(run.id())
              .hasMessageContaining("not stopped");
        }
      }
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 60_000})
    @Tag("guarantee-9")
    void theSameSignalTwiceIsReceivedOnce(long hotWait) throws Exception {
      AgentDefinition<String, String> agent =
          agent(
              "twice",
              String.class,
              (in, context) ->
                  context.awaitSignal("go", String.class)
                      + context.awaitSignal("go", String.class));
      try (AgentRuntime runtime = bench.start(b -> b.hotWait(Duration.ofMillis(hotWait)), agent)) {
        RunHandle<String> run = runtime.submit(named("twice", "r", String.class));
        assertThat(runtime.signal("r", "go", "1", "a")).isTrue();
        assertThat(runtime.signal("r", "go", "1", "b")).isTrue();
        Awaitility.await()
            .untilAsserted(
                () ->
                    assertThat(runtime.run("r").orElseThrow().journal())
                        .extracting(RunView.Line::path)
                        .contains("signal go#1"));
        assertThat(runtime.signal("r", "go", "1", "c")).isTrue();
        assertThat(runtime.signal("r", "go", "2", "d")).isTrue();
        assertThat(run.await(SOON)).isEqualTo("ad");
      }
    }

    @Test
    @Tag("guarantee-9")
    void aSignalThatComesBeforeItsWaitIsKept() throws Exception {
      CountDownLatch release = new CountDownLatch(1);
      AgentDefinition<String, String> agent =
          agent(
              "later",
              String.class,
              (in, context) -> {
                context.step(
                    "s",
                    String.class,
                    attempt -> {
                      release.await();
                      return "";
                    });
                return context.awaitSignal("go", String.class);
              });
      try (AgentRuntime runtime = bench.start(agent)) {
        RunHandle<String> run = runtime.submit("later", "", String.class);
        assertThat(run.signal("go", "early")).isTrue();
        release.countDown();
        assertThat(run.await(SOON)).isEqualTo("early");
      }
    }

    @Test
    @Tag("guarantee-9")
    void aSignalAfterTheEndIsRefusedByItsAnswer() throws Exception {
      try (AgentRuntime runtime = bench.start(echo())) {
        RunHandle<String> run = runtime.submit("echo", "x", String.class);
        assertThat(run.await(SOON)).isEqualTo("x");
        assertThat(run.signal("go", "late")).isFalse();
        assertThat(runtime.signal(run.id(), "go", "1", "late")).isFalse();
        assertThat(run.cancel("late")).isFalse();
      }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "a/b", "a#1", "$x", "a\nb"})
    void badNamesAndIdsOfSignalsAreRefused(String bad) {
      try (AgentRuntime runtime = bench.start(waiter())) {
        runtime.submit(named("waiter", "r", String.class));
        refused(ErrorCode.INVALID_INPUT, () -> runtime.signal("r", bad, "1", "x"));
        refused(ErrorCode.INVALID_INPUT, () -> runtime.signal("r", "go", bad, "x"));
        refused(
            ErrorCode.INVALID_INPUT,
            () -> runtime.submit(Submission.of("waiter", "", String.class).id(bad).build()));
        refused(
            ErrorCode.INVALID_INPUT,
            () -> runtime.submit(Submission.of("waiter", "", String.class).key(bad).build()));
      }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a/b", "$x", "a#1"})
    void badNamesOfWaitsAndGroupsAreErrorsForTheAgent(String bad) throws Exception {
      AgentDefinition<String, String> agent =
          agent(
              "bad names",
              String.class,
              (in, context) -> {
                int refused = 0;
                try {
                  context.awaitSignal(bad, String.class, Duration.ofMillis(1));
                } catch (AgentException e) {
                  refused += e.code() == ErrorCode.INVALID_INPUT ? 1 : 0;
                }
                List<Branch<String>> branches = List.of(b -> "x");
                try {
                  context.all(bad, 1, branches);
                } catch (AgentException e) {
                  refused += e.code() == ErrorCode.INVALID_INPUT ? 1 : 0;
                }
                try {
                  context.any(bad, 1, branches);
                } catch (AgentException e) {
                  refused += e.code() == ErrorCode.INVALID_INPUT ? 1 : 0;
                }
                return "refused " + refused;
              });
      try (AgentRuntime runtime = bench.start(agent)) {
        assertThat(runtime.submit("bad names", "", String.class).await(SOON))
            .isEqualTo("refused 3");
      }
    }
  }

  @Nested
  class Retention {
    private final AgentDefinition<String, String> parent =
        agent(
            "parent", String.class, (in, context) -> context.call("echo", in, String.class) + "!");

    @Test
    void aTreeIsRemovedAfterItsRetentionAndItsIdStaysTaken() throws Exception {
      try (AgentRuntime runtime =
          bench.start(b -> b.retention(Duration.ofMillis(1)), parent, echo())) {
        RunHandle<String> run = runtime.submit(named("parent", "p", String.class));
        assertThat(run.await(SOON)).isEqualTo("in!");
        Awaitility.await()
            .atMost(SOON)
            .untilAsserted(
                () -> {
                  assertThat(runtime.run("p")).isEmpty();
                  assertThat(runtime.run("p/echo#1")).isEmpty();
                });
        assertThat(bench.record("p/$keep")).isEmpty();
        assertThat(
                refused(
                    ErrorCode.RUN_EXPIRED,
                    () -> runtime.submit(named("parent", "p", String.class))))
            .hasMessageContaining("run p");
        refused(ErrorCode.RUN_NOT_FOUND, () -> runtime.handle("p", String.class));
        refused(ErrorCode.RUN_NOT_FOUND, () -> runtime.signal("p", "go", "1", "x"));
      }
    }

    @Test
    void withoutRetentionNothingIsRemoved() throws Exception {
      try (AgentRuntime runtime = bench.start(b -> b.retention(null), parent, echo())) {
        RunHandle<String> run = runtime.submit(named("parent", "p", String.class));
        assertThat(run.await(SOON)).isEqualTo("in!");
        assertThat(bench.record("p/$keep")).isEmpty();
        assertThat(runtime.run("p")).isPresent();
      }
    }

    @Test
    void theRetentionOfARunLeavesTheTreesOfAKeyOfTheSameNameAlone() throws Exception {
      AgentDefinition<String, String> slow =
          agent(
              "slow",
              String.class,
              (in, context) ->
                  context.call("echo", in, String.class) + context.awaitSignal("go", String.class));
      try (AgentRuntime runtime =
          bench.start(
              b -> b.retention(Duration.ofMillis(1)).hotWait(Duration.ZERO), slow, echo())) {
        RunHandle<String> keyed =
            runtime.submit(Submission.of("slow", "in", String.class).key("k").id("a").build());
        awaitState(runtime, "k/a/echo#1", RunView.State.SUCCEEDED);
        awaitState(runtime, "k/a", RunView.State.WAITING);
        assertThat(runtime.submit(named("echo", "k", String.class)).await(SOON)).isEqualTo("in");
        Awaitility.await().atMost(SOON).until(() -> runtime.run("k").isEmpty());
        assertThat(runtime.run("k/a/echo#1")).isPresent();
        assertThat(keyed.signal("go", "!")).isTrue();
        assertThat(keyed.await(SOON)).isEqualTo("in!");
      }
    }

    @Test
    void anUndecodableRunDoesNotKeepOthersFromBeingRemoved() throws Exception {
      try (AgentRuntime runtime =
          bench.start(
              b -> b.retention(Duration.ofMillis(1)).hotWait(Duration.ZERO), waiter(), echo())) {
        RunHandle<String> broken = runtime.submit(named("waiter", "broken", String.class));
        awaitState(runtime, "broken", RunView.State.WAITING);
        bench.damageHeader("broken");
        assertThat(runtime.submit(named("echo", "e", String.class)).await(SOON)).isEqualTo("in");
        Awaitility.await().atMost(Duration.ofSeconds(8)).until(() -> runtime.run("e").isEmpty());
        assertThat(broken.id()).isEqualTo("broken");
      }
    }
  }

  @Nested
  class Many {
    @Test
    void threeHundredChildrenAreCancelledAtOnce() throws Exception {
      AgentDefinition<String, String> parent =
          agent(
              "parent",
              String.class,
              (in, context) -> {
                List<Branch<String>> branches = new ArrayList<>();
                for (int i = 0; i < 300; i++) {
                  branches.add(b -> b.call("waiter", in, String.class));
                }
                return String.join("", context.all("children", 300, branches));
              });
      try (AgentRuntime runtime = bench.start(b -> b.hotWait(Duration.ZERO), waiter(), parent)) {
        RunHandle<String> run = runtime.submit(named("parent", "p", String.class));
        awaitStates(runtime, "p/children#1/%d/waiter#1", 300, RunView.State.WAITING);
        assertThat(run.cancel("enough")).isTrue();
        assertCode(failure(run), ErrorCode.RUN_CANCELLED);
        awaitStates(runtime, "p/children#1/%d/waiter#1", 300, RunView.State.CANCELLED);
        long started =
            bench.events.stream()
                .filter(e -> e instanceof RunEvent.Started && e.run().equals("p"))
                .count();
        assertThat(bench.events)
            .filteredOn(e -> e instanceof RunEvent.Ended && e.run().equals("p"))
            .hasSize(1);
        System.out.println("the parent was executed " + started + " times");
      }
    }

    @Test
    void theLosersOfThreeHundredBranchesAreCancelled() throws Exception {
      AgentDefinition<String, String> parent =
          agent(
              "parent",
              String.class,
              (in, context) -> {
                List<Branch<String>> branches = new ArrayList<>();
                for (int i = 0; i < 300; i++) {
                  branches.add(b -> b.call("waiter", in, String.class));
                }
                branches.add(b -> b.awaitSignal("win", String.class));
                return context.any("children", 301, branches);
              });
      try (AgentRuntime runtime = bench.start(b -> b.hotWait(Duration.ZERO), waiter(), parent)) {
        RunHandle<String> run = runtime.submit(named("parent", "p", String.class));
        awaitStates(runtime, "p/children#1/%d/waiter#1", 300, RunView.State.WAITING);
        assertThat(run.signal("win", "won")).isTrue();
        assertThat(run.await(SOON)).isEqualTo("won");
        awaitStates(runtime, "p/children#1/%d/waiter#1", 300, RunView.State.CANCELLED);
      }
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 60_000})
    void threeHundredBranchesMaySleepAtOnce(long hotWait) throws Exception {
      AgentDefinition<String, Integer> sleepers =
          agent(
              "sleepers",
              Integer.class,
              (in, context) -> {
                List<Branch<Integer>> branches = new ArrayList<>();
                for (int i = 0; i < 300; i++) {
                  int result = i;
                  branches.add(
                      b -> {
                        b.sleep(Duration.ofMillis(200));
                        return result;
                      });
                }
                return context.all("sleep", 300, branches).stream().mapToInt(i -> i).sum();
              });
      try (AgentRuntime runtime =
          bench.start(b -> b.hotWait(Duration.ofMillis(hotWait)), sleepers)) {
        assertThat(runtime.submit("sleepers", "", Integer.class).await(Duration.ofSeconds(10)))
            .isEqualTo(299 * 300 / 2);
      }
    }

    @Test
    void threeHundredPiecesOfProgressMayBeToldBeforeAnEffect() throws Exception {
      AgentDefinition<String, String> talker =
          agent(
              "talker",
              String.class,
              (in, context) -> {
                for (int i = 0; i < 300; i++) {
                  context.publish(i);
                }
                return context.step("s", String.class, attempt -> "done");
              });
      try (AgentRuntime runtime = bench.start(talker)) {
        assertThat(runtime.submit("talker", "", String.class).await(Duration.ofSeconds(10)))
            .isEqualTo("done");
        assertThat(bench.events).filteredOn(e -> e instanceof RunEvent.Progress).hasSize(300);
      }
    }

    @Test
    void aTreeTooDeepFailsWithTheLimitItPassed() {
      AgentDefinition<String, Integer> deep =
          agent(
              "recursion",
              Integer.class,
              (in, context) -> context.call("recursion", in, Integer.class) + 1);
      try (AgentRuntime runtime = bench.start(b -> b.hotWait(Duration.ZERO), deep)) {
        AgentException failure =
            failure(runtime.submit(named("recursion", "r", Integer.class)), SOON);
        assertCode(failure, ErrorCode.RUN_FAILED);
        assertThat(failure).hasMessageContaining("characters");
      }
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 60_000})
    void groupsInsideGroupsGiveTheirResults(long hotWait) throws Exception {
      AgentDefinition<String, String> nested =
          agent(
              "nested",
              String.class,
              (in, context) -> {
                List<Branch<String>> outer = new ArrayList<>();
                for (int i = 0; i < 4; i++) {
                  String name = "" + i;
                  outer.add(
                      b ->
                          b.any(
                              "race",
                              2,
                              List.<Branch<String>>of(
                                  c -> {
                                    c.sleep(Duration.ofHours(1));
                                    return "slow";
                                  },
                                  c ->
                                      String.join(
                                          "",
                                          c.all(
                                              "inner",
                                              2,
                                              List.<Branch<String>>of(
                                                  d -> d.call("echo", "a" + name, String.class),
                                                  d -> {
                                                    d.sleep(Duration.ofMillis(5));
                                                    return d.step(
                                                        "s",
                                                        String.class,
                                                        a -> "b" + bench.effect("b" + name));
                                                  },
                                                  d -> "c"))))));
                }
                String all = String.join(" ", context.all("outer", 3, outer));
                context.sleep(Duration.ofMillis(5));
                return all;
              });
      try (AgentRuntime runtime =
          bench.start(b -> b.hotWait(Duration.ofMillis(hotWait)), nested, echo())) {
        assertThat(runtime.submit("nested", "", String.class).await(SOON))
            .isEqualTo("a0b1c a1b1c a2b1c a3b1c");
        assertThat(bench.effects().values()).allMatch(n -> n.get() == 1);
      }
    }

    @Test
    @Tag("guarantee-4")
    void twoHundredRunsWithSleepsAndSignalsAllEnd() throws Exception {
      long seed = new Random().nextLong();
      System.out.println("RuntimeMoreTest.twoHundredRunsWithSleepsAndSignalsAllEnd seed " + seed);
      Random random = new Random(seed);
      AgentDefinition<String, String> agent =
          agent(
              "mixed",
              String.class,
              (in, context) -> {
                String a = context.step("a", String.class, t -> "a" + bench.effect(in + "a"));
                context.sleep(Duration.ofMillis(context.random().nextInt(30)));
                String b = context.awaitSignal("go", String.class);
                Optional<String> c =
                    context.awaitSignal("perhaps", String.class, Duration.ofMillis(10));
                return a + b + c.isPresent() + context.call("echo", "d", String.class);
              });
      try (AgentRuntime runtime =
          bench.start(
              b -> b.maxConcurrentRuns(16).hotWait(Duration.ofMillis(random.nextInt(20))),
              agent,
              echo())) {
        List<RunHandle<String>> runs = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
          runs.add(
              runtime.submit(Submission.of("mixed", "r" + i, String.class).id("r" + i).build()));
          if (random.nextInt(3) == 0) {
            int other = random.nextInt(i + 1);
            runtime.signal("r" + other, "go", "1", "b");
          }
        }
        IntStream.range(0, 200).forEach(i -> runtime.signal("r" + i, "go", "1", "b"));
        for (RunHandle<String> run : runs) {
          assertThat(run.await(SOON)).as("seed %d", seed).isEqualTo("a1bfalsed");
        }
      }
    }
  }

  @Nested
  class Branches {
    /**
     * A branch that is to begin, or a branch around it that is to go on, must keep a run from
     * leaving; else it would wait for what only that branch could bring about.
     */
    @Test
    void aRunDoesNotLeaveWhileABranchIsStillToBegin() throws Exception {
      AgentDefinition<String, String> agent =
          agent(
              "a",
              String.class,
              (in, context) ->
                  String.join(
                      "",
                      context.all(
                          "g",
                          2,
                          List.<Branch<String>>of(
                              b -> b.awaitSignal("go", String.class),
                              b -> "b",
                              b -> "c",
                              b -> "d",
                              b -> b.step("e", String.class, a -> "e" + bench.effect(in))))));
      try (AgentRuntime runtime = bench.start(b -> b.hotWait(Duration.ZERO), agent)) {
        List<RunHandle<String>> runs = new ArrayList<>();
        for (int i = 0; i < 400; i++) {
          runs.add(runtime.submit(Submission.of("a", "e" + i, String.class).id("r" + i).build()));
        }
        Awaitility.await()
            .alias("the last branch of every run")
            .atMost(Duration.ofSeconds(10))
            .untilAsserted(() -> assertThat(bench.effects()).hasSize(400));
        for (RunHandle<String> run : runs) {
          assertThat(run.signal("go", "a")).isTrue();
        }
        for (RunHandle<String> run : runs) {
          assertThat(run.await(SOON)).isEqualTo("abcde1");
        }
      }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatALosingBranchDidIsNotUndoneWhetherTheRunWaitedSinceOrNot(boolean waits) {
      AgentDefinition<String, String> agent =
          agent(
              "race",
              String.class,
              (in, context) -> {
                context.any(
                    "g",
                    2,
                    List.<Branch<String>>of(
                        b -> {
                          undoable(b, "loser");
                          return b.awaitSignal("never", String.class);
                        },
                        b -> {
                          undoable(b, "winner");
                          return b.awaitSignal("win", String.class);
                        }));
                if (waits) {
                  context.sleep(Duration.ofMillis(10));
                }
                throw new IllegalStateException("fails");
              });
      try (AgentRuntime runtime = bench.start(b -> b.hotWait(Duration.ZERO), agent)) {
        RunHandle<String> run = runtime.submit("race", "", String.class);
        awaitState(runtime, run.id(), RunView.State.WAITING);
        assertThat(run.signal("win", "x")).isTrue();
        assertCode(failure(run), ErrorCode.RUN_FAILED);
        assertThat(bench.count("winner")).isEqualTo(1);
        assertThat(bench.count("loser")).isZero();
      }
    }

    private void undoable(AgentContext context, String name) {
      context.step(
          Step.of(name, String.class).compensate((result, attempt) -> bench.effect(name)).build(),
          attempt -> "x");
    }

    @Test
    void aWinnerThatTheCodeNoLongerHasStopsTheRun() {
      AtomicInteger branches = new AtomicInteger(3);
      AgentDefinition<String, String> agent =
          agent(
              "race",
              String.class,
              (in, context) -> {
                List<Branch<String>> all = new ArrayList<>();
                for (int i = 0; i < branches.get(); i++) {
                  boolean wins = i == 2;
                  all.add(
                      b -> {
                        if (!wins) {
                          b.sleep(Duration.ofHours(1));
                        }
                        return "won";
                      });
                }
                return context.any("g", 3, all) + context.awaitSignal("go", String.class);
              });
      try (AgentRuntime runtime = bench.start(b -> b.hotWait(Duration.ZERO), agent)) {
        RunHandle<String> run = runtime.submit(named("race", "r", String.class));
        awaitState(runtime, "r", RunView.State.WAITING);
        branches.set(2);
        assertThat(run.signal("go", "on")).isTrue();
        assertCode(failure(run), ErrorCode.NON_DETERMINISM);
        awaitState(runtime, "r", RunView.State.STOPPED);
      }
    }
  }

  @Nested
  class Stopped {
    @Test
    void aHandleOnARunThatIsStoppedSaysSoAtOnce() {
      AgentDefinition<String, String> agent =
          agent(
              "changing",
              String.class,
              (in, context) -> {
                context.step("s" + bench.effect("executed"), String.class, attempt -> "");
                return context.awaitSignal("go", String.class);
              });
      try (AgentRuntime runtime = bench.start(b -> b.hotWait(Duration.ZERO), agent)) {
        runtime.submit(named("changing", "r", String.class));
        awaitState(runtime, "r", RunView.State.WAITING);
        assertThat(runtime.signal("r", "go", "1", "x")).isTrue();
        awaitState(runtime, "r", RunView.State.STOPPED);
        AgentException why = failure(runtime.handle("r", String.class), Duration.ofSeconds(3));
        assertCode(why, ErrorCode.NON_DETERMINISM);
        assertThat(why).hasMessageContaining("s1#1");
      }
    }

    @Test
    void aRunThatIsCancelledAndReplaysForLongIsUndoneAllTheSame() {
      AtomicInteger executions = new AtomicInteger();
      AgentDefinition<String, String> agent =
          agent(
              "slow",
              String.class,
              (in, context) -> {
                if (executions.incrementAndGet() > 1) {
                  compute(Duration.ofSeconds(1));
                }
                Step<String> done =
                    Step.of("done", String.class)
                        .compensate((made, attempt) -> bench.effect("undone"))
                        .build();
                context.step(done, attempt -> "");
                return context.awaitSignal("go", String.class);
              });
      try (AgentRuntime runtime =
          bench.start(b -> b.hotWait(Duration.ZERO).endGrace(Duration.ofMillis(100)), agent)) {
        RunHandle<String> run = runtime.submit(named("slow", "r", String.class));
        awaitState(runtime, "r", RunView.State.WAITING);
        assertThat(run.cancel("enough")).isTrue();
        assertCode(failure(run, SOON), ErrorCode.RUN_CANCELLED);
        assertThat(bench.count("undone")).isEqualTo(1);
      }
    }

    /** Work that neither waits nor looks whether it was interrupted. */
    private void compute(Duration time) {
      long until = System.nanoTime() + time.toNanos();
      while (System.nanoTime() - until < 0) {
        Thread.onSpinWait();
      }
    }

    @Test
    void aStoppedRunCanBeCancelledOnceItGoesOn() throws Exception {
      AgentDefinition<String, String> agent =
          agent(
              "changing",
              String.class,
              (in, context) -> {
                context.step(
                    "s" + (bench.effect("executed") == 2 ? 2 : 1), String.class, attempt -> "");
                return context.awaitSignal("go", String.class);
              });
      try (AgentRuntime runtime = bench.start(b -> b.hotWait(Duration.ZERO), agent)) {
        RunHandle<String> run = runtime.submit(named("changing", "r", String.class));
        awaitState(runtime, "r", RunView.State.WAITING);
        assertThat(runtime.signal("r", "wake", "1", "x")).isTrue();
        assertCode(failure(run), ErrorCode.NON_DETERMINISM);
        assertThat(runtime.cancel("r", "enough")).isTrue();
        // also while a claim that the mail has caused holds it and puts it back
        assertThat(runtime.run("r").orElseThrow().state()).isEqualTo(RunView.State.STOPPED);
        runtime.resume("r");
        assertCode(failure(runtime.handle("r", String.class)), ErrorCode.RUN_CANCELLED);
      }
    }
  }

  @Nested
  class LongTimes {
    private static final Duration CENTURIES = Duration.ofDays(365 * 500L);

    @ParameterizedTest
    @ValueSource(longs = {0, 60_000})
    void aRunMaySleepForCenturies(long hotWait) throws Exception {
      AgentDefinition<String, String> agent =
          agent(
              "sleeper",
              String.class,
              (in, context) -> {
                context.sleep(CENTURIES);
                return "";
              });
      try (AgentRuntime runtime =
          bench.start(b -> b.hotWait(Duration.ofMillis(hotWait)), agent, echo())) {
        RunHandle<String> run = runtime.submit(named("sleeper", "r", String.class));
        Awaitility.await()
            .until(() -> bench.events.stream().anyMatch(e -> e instanceof RunEvent.Started));
        assertThat(runtime.submit("echo", "x", String.class).await(SOON)).isEqualTo("x");
        AgentException goesOn = failure(run, Duration.ofMillis(300));
        assertCode(goesOn, ErrorCode.TIMEOUT);
      }
    }

    @Test
    void limitsOfCenturiesAreLimits() throws Exception {
      AgentDefinition<String, String> agent =
          agent(
              "patient",
              String.class,
              (in, context) ->
                  context.step(
                      Step.of("s", String.class)
                          .timeLimit(CENTURIES)
                          .retry(RetryPolicy.none())
                          .build(),
                      attempt -> "done"));
      try (AgentRuntime runtime = bench.start(agent)) {
        RunHandle<String> run =
            runtime.submit(Submission.of("patient", "", String.class).deadline(CENTURIES).build());
        assertThat(run.await(SOON)).isEqualTo("done");
        assertThat(run.await(CENTURIES)).isEqualTo("done");
      }
    }

    @Test
    void waitsBeyondAllTimeAreRefusedOrAsLongAsPossible() {
      Duration forever = java.time.temporal.ChronoUnit.FOREVER.getDuration();
      AgentDefinition<String, String> agent =
          agent(
              "sleeper",
              String.class,
              (in, context) -> {
                context.sleep(forever);
                return "";
              });
      try (AgentRuntime runtime = bench.start(b -> b.hotWait(Duration.ZERO), agent)) {
        runtime.submit(named("sleeper", "r", String.class));
        awaitState(runtime, "r", RunView.State.WAITING);
        RunHandle<String> bounded =
            runtime.submit(
                Submission.of("sleeper", "", String.class).id("d").deadline(forever).build());
        awaitState(runtime, bounded.id(), RunView.State.WAITING);
      }
    }
  }

  @Nested
  class Options {
    @Test
    void badOptionsAreRefusedWithNameAndValue() {
      Duration minus = Duration.ofMillis(-1);
      AgentRuntime.Builder builder = AgentRuntime.builder();
      assertThatThrownBy(() -> builder.maxConcurrentRuns(-1))
          .hasMessageContaining("maxConcurrentRuns")
          .hasMessageContaining("-1");
      assertThatThrownBy(() -> builder.hotWait(minus))
          .hasMessageContaining("hotWait")
          .hasMessageContaining("PT-0.001S");
      assertThatThrownBy(() -> builder.pollInterval(Duration.ZERO))
          .hasMessageContaining("pollInterval")
          .hasMessageContaining("PT0S");
      assertThatThrownBy(() -> builder.endGrace(minus)).hasMessageContaining("endGrace");
      assertThatThrownBy(() -> builder.shutdownGrace(minus)).hasMessageContaining("shutdownGrace");
      assertThatThrownBy(() -> builder.retention(minus)).hasMessageContaining("retention");
      assertThatThrownBy(() -> builder.agent(echo()).agent(echo()))
          .isInstanceOfSatisfying(
              AgentException.class, e -> assertCode(e, ErrorCode.DUPLICATE_AGENT));
      Submission.Builder<String> submission = Submission.of("a", "", String.class);
      assertThatThrownBy(() -> submission.priority(3)).hasMessageContaining("3");
      assertThatThrownBy(() -> submission.priority(-1)).hasMessageContaining("-1");
      assertThatThrownBy(() -> submission.deadline(Duration.ZERO)).hasMessageContaining("PT0S");
    }

    @Test
    void optionsWithoutBoundsWork() throws Exception {
      Duration forever = java.time.temporal.ChronoUnit.FOREVER.getDuration();
      try (AgentRuntime runtime =
          bench.start(
              b ->
                  b.maxConcurrentRuns(Integer.MAX_VALUE)
                      .hotWait(forever)
                      .pollInterval(forever)
                      .endGrace(forever)
                      .shutdownGrace(forever)
                      .retention(forever),
              waiter())) {
        RunHandle<String> run = runtime.submit("waiter", "", String.class);
        assertThat(run.signal("go", "on")).isTrue();
        assertThat(run.await(Duration.ofSeconds(5))).isEqualTo("on");
      }
    }

    @Test
    void aTenantTooLongIsRefused() {
      try (AgentRuntime runtime = bench.start(echo())) {
        refused(
            ErrorCode.INVALID_INPUT,
            () ->
                runtime.submit(
                    Submission.of("echo", "", String.class).tenant("t".repeat(201)).build()));
      }
    }
  }
}
