package dev.troupe.runtime;

import static dev.troupe.runtime.Bench.SOON;
import static dev.troupe.runtime.Bench.agent;
import static dev.troupe.runtime.Bench.assertCode;
import static dev.troupe.runtime.Bench.awaitState;
import static dev.troupe.runtime.Bench.echo;
import static dev.troupe.runtime.Bench.failure;
import static dev.troupe.runtime.Bench.hang;
import static dev.troupe.runtime.Bench.named;
import static dev.troupe.runtime.Bench.waiter;
import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.agent.Branch;
import dev.troupe.agent.Step;
import dev.troupe.resilience.RetryPolicy;
import dev.troupe.run.Runs;
import dev.troupe.state.Change;
import dev.troupe.state.Claim;
import dev.troupe.state.Edit;
import dev.troupe.state.Find;
import dev.troupe.state.ForwardingStore;
import dev.troupe.state.Outcome;
import dev.troupe.state.Page;
import dev.troupe.state.Place;
import dev.troupe.state.Scan;
import dev.troupe.state.StateStore;
import dev.troupe.state.Stored;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The runtime on stores that fail. */
@Timeout(60)
class RuntimeUnderFaultsTest {
  private final Bench bench = new Bench();

  private static AgentException noAnswer() {
    return new AgentException(ErrorCode.STORE_UNAVAILABLE, "no answer, on purpose");
  }

  /** Fails a share of all calls, before or after doing what was asked. */
  private static final class Flaky extends ForwardingStore {
    private final ReentrantLock lock = new ReentrantLock();
    private final Random random;
    private final double share;
    final AtomicInteger failures = new AtomicInteger();
    volatile boolean healed;

    Flaky(StateStore store, long seed, double share) {
      super(store);
      this.random = new Random(seed);
      this.share = share;
    }

    private double dice() {
      lock.lock();
      try {
        return random.nextDouble();
      } finally {
        lock.unlock();
      }
    }

    private <T> T perhaps(Supplier<T> call) {
      double dice = healed ? 1 : dice();
      if (dice < share) {
        failures.incrementAndGet();
        if (dice < share / 2) {
          throw noAnswer();
        }
        assertThat(call.get()).isNotNull(); // it is done all the same
        throw noAnswer();
      }
      return call.get();
    }

    @Override
    public List<Outcome> apply(List<Change> changes) {
      return perhaps(() -> super.apply(changes));
    }

    @Override
    public List<Stored> claim(Claim claim) {
      return perhaps(() -> super.claim(claim));
    }

    @Override
    public Page<Stored> scan(Scan scan) {
      return perhaps(() -> super.scan(scan));
    }

    @Override
    public Page<Stored> find(Find find) {
      return perhaps(() -> super.find(find));
    }
  }

  /** Does the first claim that fits and loses its answer. */
  private static final class LosesOneClaim extends ForwardingStore {
    private final Predicate<Claim> which;
    final AtomicInteger lost = new AtomicInteger();

    LosesOneClaim(StateStore store, Predicate<Claim> which) {
      super(store);
      this.which = which;
    }

    @Override
    public List<Stored> claim(Claim claim) {
      List<Stored> answer = super.claim(claim);
      if (!answer.isEmpty() && which.test(claim) && lost.compareAndSet(0, answer.size())) {
        throw noAnswer();
      }
      return answer;
    }
  }

  /** Refuses writes that fit, for good, while it is told to. */
  private static final class Refusing extends ForwardingStore {
    private final Predicate<Change> which;
    final AtomicBoolean refuses = new AtomicBoolean();

    Refusing(StateStore store, Predicate<Change> which) {
      super(store);
      this.which = which;
    }

    @Override
    public List<Outcome> apply(List<Change> changes) {
      if (refuses.get() && changes.stream().anyMatch(which)) {
        // not an error that is waited out, so that the test need not wait either
        throw new AgentException(ErrorCode.STORE_IN_USE, "refused on purpose");
      }
      return super.apply(changes);
    }
  }

  private static boolean names(Change change, String key) {
    return change.edits().stream().anyMatch(e -> e.key().equals(key));
  }

  @Test
  @Tag("guarantee-1")
  @Tag("guarantee-2")
  void aStoreThatFailsNowAndThenLosesAndRepeatsNothingJournaled() throws Exception {
    long seed = new Random().nextLong();
    System.out.println(
        "RuntimeUnderFaultsTest.aStoreThatFailsNowAndThenLosesAndRepeatsNothingJournaled seed "
            + seed);
    Flaky flaky = new Flaky(bench.store, seed, 0.2);
    AgentDefinition<String, String> child =
        agent(
            "child",
            String.class,
            (in, context) -> {
              context.sleep(Duration.ofMillis(3));
              return context.step("c", String.class, a -> "c" + bench.effect(in + " c"));
            });
    AgentDefinition<String, String> parent =
        agent(
            "parent",
            String.class,
            (in, context) -> {
              StringBuilder out = new StringBuilder();
              for (int i = 0; i < 3; i++) {
                int n = i;
                out.append(context.step("s", String.class, a -> "s" + bench.effect(in + " s" + n)));
              }
              context.sleep(Duration.ofMillis(5));
              out.append(context.call("child", in, String.class));
              out.append(context.awaitSignal("go", String.class));
              return out + context.step("t", String.class, a -> "t" + bench.effect(in + " t"));
            });
    AgentRuntime runtime =
        patiently(
            () ->
                bench.startOn(
                    flaky,
                    b -> b.hotWait(Duration.ofMillis(2)).maxConcurrentRuns(8),
                    child,
                    parent));
    try {
      for (int i = 0; i < 20; i++) {
        String id = "r" + i;
        Submission<String> submission = Submission.of("parent", id, String.class).id(id).build();
        assertThat(patiently(() -> runtime.submit(submission)).id()).isEqualTo(id);
        // soon after, so that the signal often finds its run inside a step
        assertThat(patiently(() -> runtime.signal(id, "go", "1", "g"))).isTrue();
      }
      for (int i = 0; i < 20; i++) {
        String id = "r" + i;
        RunHandle<String> run = patiently(() -> runtime.handle(id, String.class));
        assertThat(run.await(Duration.ofSeconds(45)))
            .as("run %s, seed %d", id, seed)
            .isEqualTo("s1s1s1c1gt1");
      }
      assertThat(bench.effects()).hasSize(20 * 5);
      assertThat(bench.effects().values()).as("seed %d", seed).allMatch(n -> n.get() == 1);
      assertThat(flaky.failures).hasValueGreaterThan(20);
    } finally {
      flaky.healed = true;
      runtime.close();
    }
  }

  private static <T> T patiently(Supplier<T> call) {
    AtomicReference<T> got = new AtomicReference<>();
    Awaitility.await()
        .atMost(SOON)
        .pollInterval(Duration.ofMillis(5))
        .until(
            () -> {
              try {
                got.set(call.get());
                return true;
              } catch (AgentException again) {
                assertCode(again, ErrorCode.STORE_UNAVAILABLE);
                return false;
              }
            });
    return got.get();
  }

  @Test
  void aClaimWhoseAnswerWasLostIsTakenAgain() throws Exception {
    LosesOneClaim store =
        new LosesOneClaim(bench.store, c -> !(c.from() instanceof Claim.From.HeldBy));
    AgentDefinition<String, String> agent =
        agent(
            "a", String.class, (in, c) -> c.step("s", String.class, t -> "x" + bench.effect("s")));
    try (AgentRuntime runtime = bench.startOn(store, b -> {}, agent)) {
      assertThat(runtime.submit("a", "", String.class).await(SOON)).isEqualTo("x1");
      assertThat(store.lost).hasValue(1);
    }
  }

  @Test
  @Tag("guarantee-1")
  void aClaimWhoseAnswerWasLostIsTakenAgainWhileOtherRunsGoOn() throws Exception {
    CountDownLatch release = new CountDownLatch(1);
    LosesOneClaim store = new LosesOneClaim(bench.store, c -> bench.count("inside") > 0);
    AgentDefinition<String, String> agent =
        agent(
            "a",
            String.class,
            (in, context) ->
                context.step(
                    "s",
                    String.class,
                    attempt -> {
                      if (in.equals("first")) {
                        bench.effect("inside");
                        release.await();
                      }
                      return in + bench.effect(in);
                    }));
    try (AgentRuntime runtime = bench.startOn(store, b -> {}, agent)) {
      RunHandle<String> first = runtime.submit("a", "first", String.class);
      Awaitility.await().until(() -> bench.count("inside") == 1);
      assertThat(runtime.submit("a", "second", String.class).await(SOON)).isEqualTo("second1");
      release.countDown();
      assertThat(first.await(SOON)).isEqualTo("first1");
      assertThat(store.lost).hasValueGreaterThan(0);
    }
  }

  @Test
  @Tag("guarantee-1")
  void aLostClaimOfARunThatCantBeReadHoldsUpNobody() throws Exception {
    LosesOneClaim store = new LosesOneClaim(bench.store, c -> bench.count("broken") > 0);
    try (AgentRuntime runtime =
        bench.startOn(store, b -> b.hotWait(Duration.ZERO), waiter(), echo())) {
      RunHandle<String> broken = runtime.submit(named("waiter", "broken", String.class));
      awaitState(runtime, "broken", RunView.State.WAITING);
      bench.damageHeader("broken");
      bench.effect("broken");
      assertThat(runtime.signal("broken", "go", "1", "x")).isTrue();
      Awaitility.await().until(() -> store.lost.get() > 0);
      for (int i = 0; i < 3; i++) {
        assertThat(runtime.submit("echo", "e", String.class).await(SOON)).isEqualTo("e");
      }
      assertCode(failure(broken, Duration.ofSeconds(5)), ErrorCode.UNDECODABLE);
    }
  }

  @Test
  void aLostClaimOfWhatIsToBeRemovedIsTakenAgain() throws Exception {
    LosesOneClaim store =
        new LosesOneClaim(
            bench.store,
            c ->
                c.from() instanceof Claim.From.Due due
                    && due.queues().equals(List.of(Runs.RETENTION)));
    try (AgentRuntime runtime =
        bench.startOn(store, b -> b.retention(Duration.ofMillis(1)), echo())) {
      assertThat(runtime.submit(named("echo", "e", String.class)).await(SOON)).isEqualTo("in");
      Awaitility.await().atMost(SOON).until(() -> store.lost.get() > 0);
      // put back for a later look, not held for ever
      Awaitility.await()
          .atMost(Duration.ofSeconds(10))
          .until(() -> bench.record("e/$keep").orElseThrow().place() instanceof Place.Queued);
    }
  }

  @Test
  void aRunThatCouldNotBePutBackIsNotForgotten() throws Exception {
    Refusing store = new Refusing(bench.store, change -> names(change, "guest"));
    // the hint names a run whose agent's one slot is taken, so it is put back
    CountDownLatch release = new CountDownLatch(1);
    AgentDefinition<String, String> narrow =
        AgentDefinition.of(
                "narrow",
                String.class,
                String.class,
                (in, context) ->
                    context.step(
                        "s",
                        String.class,
                        attempt -> {
                          if (in.equals("host")) {
                            release.await();
                          }
                          return in;
                        }))
            .concurrency(1)
            .build();
    try (AgentRuntime runtime = bench.startOn(store, b -> {}, narrow, echo())) {
      RunHandle<String> host = runtime.submit("narrow", "host", String.class);
      awaitState(runtime, host.id(), RunView.State.RUNNING);
      RunHandle<String> guest =
          runtime.submit(Submission.of("narrow", "guest", String.class).id("guest").build());
      store.refuses.set(true);
      // wakes it by a hint, whoever has its queue
      bench.signalPast("guest", "x", "1");
      // refused where it rides with what is refused; the same id again is the same run
      RunHandle<String> other =
          Awaitility.await()
              .ignoreExceptions()
              .until(
                  () -> runtime.submit(Submission.of("echo", "x", String.class).id("x").build()),
                  handle -> true);
      assertThat(other.await(SOON)).isEqualTo("x");
      Awaitility.await().pollDelay(Duration.ofMillis(100)).until(() -> true);
      store.refuses.set(false);
      release.countDown();
      assertThat(host.await(SOON)).isEqualTo("host");
      assertThat(guest.await(Duration.ofSeconds(8))).isEqualTo("guest");
    }
  }

  @Test
  void aRunThatIsEndedOverItsThreadAndLosesTheStoreGoesOnLater() {
    CountDownLatch release = new CountDownLatch(1);
    Refusing store =
        new Refusing(
            bench.store,
            change ->
                change.edits().stream()
                    .anyMatch(e -> e instanceof Edit.Queue || e instanceof Edit.Release));
    AgentDefinition<String, String> agent =
        agent(
            "a",
            String.class,
            (in, context) -> {
              context.step(
                  Step.of("s", String.class)
                      .retry(RetryPolicy.fixed(5, Duration.ofMillis(50)))
                      .compensate(
                          (result, attempt) -> {
                            if (bench.effect("undo") == 1) {
                              store.refuses.set(true);
                              throw new IllegalStateException("again");
                            }
                          })
                      .build(),
                  attempt -> "x");
              if (bench.effect("executed") == 1) {
                hang(release);
              }
              return context.awaitSignal("never", String.class);
            });
    try (AgentRuntime runtime = bench.startOn(store, b -> b.hotWait(Duration.ZERO), agent)) {
      RunHandle<String> run = runtime.submit(named("a", "r", String.class));
      Awaitility.await().until(() -> bench.count("executed") == 1);
      assertThat(run.cancel("enough")).isTrue();
      Awaitility.await().until(() -> bench.count("undo") == 1);
      Awaitility.await().pollDelay(Duration.ofMillis(200)).until(() -> true);
      store.refuses.set(false);
      assertCode(failure(run, Duration.ofSeconds(8)), ErrorCode.RUN_CANCELLED);
      assertThat(bench.count("undo")).isEqualTo(2);
    } finally {
      release.countDown();
    }
  }

  @Test
  void aRunThatIsEndedOverItsThreadAndGetsMailWhileItLeavesGoesOn() {
    CountDownLatch release = new CountDownLatch(1);
    AgentDefinition<String, String> agent =
        agent(
            "a",
            String.class,
            (in, context) -> {
              context.step(
                  Step.of("s", String.class)
                      .retry(RetryPolicy.fixed(5, Duration.ofMillis(50)))
                      .compensate(
                          (result, attempt) -> {
                            if (bench.effect("undo") == 1) {
                              throw new IllegalStateException("again");
                            }
                          })
                      .build(),
                  attempt -> "x");
              if (bench.effect("executed") == 1) {
                hang(release);
              }
              return context.awaitSignal("never", String.class);
            });
    RunListener mailsWhileItLeaves =
        event -> {
          if (event instanceof RunEvent.StepFailed) {
            bench.signalPast("r", "late", "1");
          }
        };
    try (AgentRuntime runtime =
        bench.start(b -> b.hotWait(Duration.ZERO).listener(mailsWhileItLeaves), agent)) {
      RunHandle<String> run = runtime.submit(named("a", "r", String.class));
      Awaitility.await().until(() -> bench.count("executed") == 1);
      assertThat(run.cancel("enough")).isTrue();
      assertCode(failure(run, Duration.ofSeconds(8)), ErrorCode.RUN_CANCELLED);
      assertThat(bench.count("undo")).isEqualTo(2);
    } finally {
      release.countDown();
    }
  }

  @Test
  @Tag("guarantee-2")
  void aChildWhoseCreationWasNotAnsweredIsNotCreatedAgain() throws Exception {
    AtomicBoolean lost = new AtomicBoolean();
    StateStore store =
        new ForwardingStore(bench.store) {
          @Override
          public List<Outcome> apply(List<Change> changes) {
            List<Outcome> outcomes = super.apply(changes);
            boolean creates = changes.stream().anyMatch(c -> creates(c, "p/child#1"));
            if (creates && lost.compareAndSet(false, true)) {
              throw noAnswer();
            }
            return outcomes;
          }
        };
    AgentDefinition<String, String> child =
        agent(
            "child",
            String.class,
            (in, c) -> c.step("s", String.class, t -> "c" + bench.effect("s")));
    AgentDefinition<String, String> parent =
        agent("parent", String.class, (in, context) -> context.call("child", in, String.class));
    // asks so often that the child is over before its creation is asked for again
    try (AgentRuntime runtime =
        bench.startOn(store, b -> b.pollInterval(Duration.ofMillis(1)), child, parent)) {
      assertThat(runtime.submit(named("parent", "p", String.class)).await(SOON)).isEqualTo("c1");
      assertThat(lost).isTrue();
      assertThat(runtime.run("p/child#1~2")).isEmpty();
      assertThat(bench.count("s")).isEqualTo(1);
    }
  }

  private static boolean creates(Change change, String key) {
    return change.edits().stream().anyMatch(e -> e instanceof Edit.Absent && e.key().equals(key));
  }

  @Test
  void aReadThatFailsAfterAStepWasJournaledDoesNotFailTheRun() throws Exception {
    AtomicBoolean reading = new AtomicBoolean(true);
    StateStore store =
        new ForwardingStore(bench.store) {
          @Override
          public Page<Stored> scan(Scan scan) {
            if (!reading.get() && scan instanceof Scan.Rows rows && rows.id().key().equals("r")) {
              reading.set(true); // once
              throw noAnswer();
            }
            return super.scan(scan);
          }
        };
    AgentDefinition<String, String> agent =
        agent(
            "a",
            String.class,
            (in, context) -> {
              String one =
                  context.step(
                      "one",
                      String.class,
                      attempt -> {
                        bench.signalPast("r", "go", "1"); // the answer to 'done' tells of it
                        reading.set(false);
                        return "one" + bench.effect("one");
                      });
              return one + context.awaitSignal("go", String.class);
            });
    try (AgentRuntime runtime = bench.startOn(store, b -> {}, agent)) {
      assertThat(runtime.submit(named("a", "r", String.class)).await(SOON)).isEqualTo("one1past");
      assertThat(bench.count("one")).isEqualTo(1);
    }
  }

  @Test
  void aSubmissionThatClosingOvertookDoesNotWaitForEver() throws Exception {
    CountDownLatch entered = new CountDownLatch(1);
    CountDownLatch release = new CountDownLatch(1);
    StateStore store =
        new ForwardingStore(bench.store) {
          @Override
          public List<Outcome> apply(List<Change> changes) {
            if (names(changes.get(0), "late")) {
              entered.countDown();
              hang(release);
            }
            return super.apply(changes);
          }
        };
    AgentRuntime runtime = bench.startOn(store, b -> {}, echo());
    AtomicReference<Object> outcome = new AtomicReference<>();
    Thread submitter =
        new Thread(
            () -> {
              try {
                outcome.set(
                    failure(
                        runtime.submit(named("echo", "late", String.class)),
                        Duration.ofSeconds(3)));
              } catch (AgentException refused) {
                outcome.set(refused);
              }
            });
    submitter.start();
    assertThat(entered.await(10, TimeUnit.SECONDS)).isTrue();
    Thread closer = new Thread(runtime::close);
    closer.start();
    // the process's farewell waits for the same flush, so let it through when all else is done
    Awaitility.await()
        .until(
            () ->
                Thread.getAllStackTraces().keySet().stream()
                    .noneMatch(t -> t.getName().startsWith("troupe-claims")));
    release.countDown();
    closer.join(10_000);
    submitter.join(10_000);
    assertThat(outcome.get())
        .isInstanceOfSatisfying(AgentException.class, e -> assertCode(e, ErrorCode.CLOSED));
  }

  @Test
  @Tag("guarantee-2")
  void branchesOnAFlakyStoreRepeatNothingJournaledEither() throws Exception {
    long seed = new Random().nextLong();
    System.out.println(
        "RuntimeUnderFaultsTest.branchesOnAFlakyStoreRepeatNothingJournaledEither seed " + seed);
    Flaky flaky = new Flaky(bench.store, seed, 0.1);
    AgentDefinition<String, String> agent =
        agent(
            "fan",
            String.class,
            (in, context) -> {
              List<Branch<String>> branches = new ArrayList<>();
              for (int i = 0; i < 6; i++) {
                String name = in + " " + i;
                branches.add(
                    b -> {
                      String one = b.step("one", String.class, a -> "" + bench.effect(name));
                      b.sleep(Duration.ofMillis(2));
                      return one + b.call("echo", "e", String.class);
                    });
              }
              return String.join("", context.all("g", 4, branches));
            });
    AgentRuntime runtime =
        patiently(() -> bench.startOn(flaky, b -> b.hotWait(Duration.ofMillis(1)), agent, echo()));
    try {
      for (int i = 0; i < 10; i++) {
        String id = "f" + i;
        assertThat(
                patiently(
                        () -> runtime.submit(Submission.of("fan", id, String.class).id(id).build()))
                    .id())
            .isEqualTo(id);
      }
      for (int i = 0; i < 10; i++) {
        String id = "f" + i;
        RunHandle<String> run = patiently(() -> runtime.handle(id, String.class));
        String result = run.await(Duration.ofSeconds(30));
        // an attempt that was under way when its run was let go may be made twice, never more is
        // journaled than once
        assertThat(result).as("run %s, seed %d", id, seed).matches("([1-9]e){6}");
        assertThat(runtime.run(id).orElseThrow().journal())
            .filteredOn(line -> line.what().equals("done"))
            .hasSize(6);
      }
    } finally {
      flaky.healed = true;
      runtime.close();
    }
  }

  /** Answers of statements that were held up show the time at which they began. */
  @Test
  void aSleepIsCountedFromTheLatestTimeThatTheRunHasSeen() throws Exception {
    Duration heldUp = Duration.ofMillis(200);
    StateStore late =
        new ForwardingStore(bench.store) {
          @Override
          public List<Outcome> apply(List<Change> changes) {
            return super.apply(changes).stream().map(this::late).toList();
          }

          private Outcome late(Outcome outcome) {
            return outcome instanceof Outcome.Done done
                ? new Outcome.Done(done.now().minus(heldUp), done.seen())
                : outcome;
          }
        };
    Duration pause = Duration.ofMillis(50);
    AgentDefinition<String, Long> sleeper =
        AgentDefinition.of(
                "sleeper",
                String.class,
                Long.class,
                (in, context) -> {
                  context.step("first", String.class, attempt -> in);
                  Instant before = context.now();
                  context.sleep(pause);
                  return Duration.between(before, context.now()).toMillis();
                })
            .build();
    try (AgentRuntime runtime = AgentRuntime.builder().store(late).agent(sleeper).start()) {
      assertThat(runtime.submit("sleeper", "", Long.class).await(SOON))
          .isGreaterThanOrEqualTo(pause.toMillis());
    }
  }
}
