package dev.troupe.runtime;

import static dev.troupe.runtime.Bench.agent;
import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.agent.Call;
import dev.troupe.agent.Step;
import dev.troupe.state.Change;
import dev.troupe.state.Claim;
import dev.troupe.state.Edit;
import dev.troupe.state.Find;
import dev.troupe.state.ForwardingStore;
import dev.troupe.state.Grant;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.Outcome;
import dev.troupe.state.Page;
import dev.troupe.state.Place;
import dev.troupe.state.RecordId;
import dev.troupe.state.Scan;
import dev.troupe.state.StateStore;
import dev.troupe.state.StoreInfo;
import dev.troupe.state.Stored;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Several processes over one store. A process that dies is one whose store no longer answers. */
@Timeout(60)
class FleetTest {
  private static final Duration EXPIRY = Duration.ofMillis(600);

  private final MemoryStateStore memory = new MemoryStateStore();
  private final Map<String, AtomicInteger> effects = new ConcurrentHashMap<>();
  private final ConcurrentLinkedQueue<AgentRuntime> open = new ConcurrentLinkedQueue<>();
  private final ConcurrentLinkedQueue<Cable> cables = new ConcurrentLinkedQueue<>();

  /** What one process sees of the store. */
  private static final class Cable extends ForwardingStore {
    private volatile boolean cut;
    private volatile boolean loseClaims;
    private volatile boolean error;

    Cable(StateStore store) {
      super(store);
    }

    private void pass() {
      if (cut) {
        throw new AgentException(ErrorCode.STORE_UNAVAILABLE, "the cable is cut");
      }
      if (error) {
        throw new OutOfMemoryError("on purpose");
      }
    }

    @Override
    public List<Outcome> apply(List<Change> changes) {
      pass();
      List<Outcome> outcomes = super.apply(changes);
      pass();
      return outcomes;
    }

    @Override
    public List<Stored> claim(Claim claim) {
      pass();
      List<Stored> records = super.claim(claim);
      if (loseClaims && !records.isEmpty()) {
        loseClaims = false;
        throw new AgentException(ErrorCode.STORE_UNAVAILABLE, "the answer was lost");
      }
      pass();
      return records;
    }

    @Override
    public Page<Stored> scan(Scan scan) {
      pass();
      return super.scan(scan);
    }

    @Override
    public StoreInfo info() {
      StoreInfo info = super.info();
      return new StoreInfo(
          info.name(), info.partitions(), StoreInfo.Sharing.FLEET, info.survives(), info.findLag());
    }
  }

  private Cable cable() {
    Cable cable = new Cable(memory);
    cables.add(cable);
    return cable;
  }

  private AgentRuntime start(
      Cable cable, UnaryOperator<AgentRuntime.Builder> options, AgentDefinition<?, ?>... agents) {
    AgentRuntime.Builder builder =
        AgentRuntime.builder()
            .store(cable)
            .expiry(EXPIRY)
            .pollInterval(Duration.ofMillis(20))
            .shutdownGrace(Duration.ZERO)
            .shutdownHook(false);
    for (AgentDefinition<?, ?> one : agents) {
      builder.agent(one);
    }
    AgentRuntime runtime = options.apply(builder).start();
    open.add(runtime);
    return runtime;
  }

  private AgentRuntime start(Cable cable, AgentDefinition<?, ?>... agents) {
    return start(cable, b -> b, agents);
  }

  private int effect(String name) {
    return effects.computeIfAbsent(name, n -> new AtomicInteger()).incrementAndGet();
  }

  private int count(String name) {
    return effects.getOrDefault(name, new AtomicInteger()).get();
  }

  @AfterEach
  void close() {
    open.forEach(AgentRuntime::close);
    memory.close();
  }

  /** First step, then one that hangs in whoever executes it first, then a last one. */
  private AgentDefinition<String, String> hanging(CountDownLatch hangs, CountDownLatch release) {
    return agent(
        "hanging",
        String.class,
        (in, context) -> {
          context.step("one", Integer.class, a -> effect("one"));
          context.publish("one is done");
          context.step(
              "two",
              Integer.class,
              a -> {
                if (effect("two") == 1) {
                  hangs.countDown();
                  release.await();
                }
                return 2;
              });
          context.step("three", Integer.class, a -> effect("three"));
          return "done";
        });
  }

  @Nested
  class Death {
    @Test
    @Tag("guarantee-7")
    void anotherProcessGoesOnWithWhatADeadOneHeld() throws Exception {
      CountDownLatch hangs = new CountDownLatch(1);
      AgentDefinition<String, String> agent = hanging(hangs, new CountDownLatch(1));
      Cable mine = cable();
      AgentRuntime dies = start(mine, agent);
      dies.submit("hanging", "", String.class);
      hangs.await();
      Cable other = cable();
      AgentRuntime lives = start(other, agent);
      Awaitility.await().until(() -> lives.processes().size() == 2);
      String run = lives.processes().isEmpty() ? "" : held();
      mine.cut = true;
      long died = System.nanoTime();
      assertThat(lives.handle(run, String.class).await(Duration.ofSeconds(20))).contains("done");
      // the survivor was young: it may judge after a whole expiry of its own
      assertThat(Duration.ofNanos(System.nanoTime() - died)).isLessThan(EXPIRY.plusSeconds(2));
      assertThat(count("one")).isEqualTo(1);
      assertThat(count("two")).isEqualTo(2);
      assertThat(count("three")).isEqualTo(1);
      assertThat(lives.run(run).orElseThrow().journal())
          .filteredOn(RunView.Line::again)
          .extracting(RunView.Line::path)
          .containsExactly("two#1");
      assertThat(lives.processes())
          .as("a dead process is not listed once it was taken over")
          .hasSize(1);
    }

    @Test
    @Tag("guarantee-7")
    void aRunHeldByAProcessThatNobodyRemembersGoesOn() throws Exception {
      AgentDefinition<String, String> agent =
          agent("plain", String.class, (in, c) -> c.step("one", String.class, a -> in));
      AgentRuntime client = start(cable(), b -> b.maxConcurrentRuns(0), agent);
      RunHandle<String> run = client.submit("plain", "in", String.class);
      RecordId id = RecordId.of(run.id(), memory.info().partitions());
      Claim.From named = new Claim.From.Named(List.of(id));
      Claim late = new Claim(new Grant("buried", 1), named, memory.info().all(), 1, 1 << 20);
      assertThat(memory.claim(late)).hasSize(1);
      client.close();
      AgentRuntime next = start(cable(), agent);
      assertThat(next.handle(run.id(), String.class).await(Duration.ofSeconds(20))).isEqualTo("in");
    }

    @Test
    @Tag("guarantee-7")
    void anErrorInAnyThreadOfTheLibraryEndsNone() throws Exception {
      AgentDefinition<String, String> agent =
          agent("plain", String.class, (in, c) -> c.step("one", String.class, a -> in));
      Cable mine = cable();
      AgentRuntime runtime = start(mine, agent);
      AgentRuntime client = start(cable(), b -> b.maxConcurrentRuns(0), agent);
      List<RunHandle<String>> runs = new ArrayList<>();
      for (int i = 0; i < 10; i++) {
        mine.error = i % 2 == 0;
        runs.add(client.submit("plain", "in" + i, String.class));
        Awaitility.await().pollDelay(Duration.ofMillis(150)).until(() -> true);
      }
      mine.error = false;
      for (RunHandle<String> run : runs) {
        assertThat(run.await(Duration.ofSeconds(20))).startsWith("in");
      }
      assertThat(client.processes()).extracting(ProcessView::capacity).contains(64, 0);
      assertThat(runtime.submit("plain", "more", String.class).await(Duration.ofSeconds(20)))
          .isEqualTo("more");
    }

    private String held() {
      return memory.find(Find.tagged("kind", "run", 10)).items().get(0).id().key();
    }

    @Test
    @Tag("guarantee-7")
    void aPauseShorterThanTheExpiryTakesNothingAway() throws Exception {
      CountDownLatch hangs = new CountDownLatch(1);
      CountDownLatch release = new CountDownLatch(1);
      AgentDefinition<String, String> agent = hanging(hangs, release);
      Cable mine = cable();
      AgentRuntime paused = start(mine, b -> b.expiry(Duration.ofSeconds(3)), agent);
      AgentRuntime other = start(cable(), b -> b.expiry(Duration.ofSeconds(3)), agent);
      RunHandle<String> run = submitTo(paused, hangs, "hanging");
      Awaitility.await().pollDelay(Duration.ofSeconds(4)).until(() -> true);
      mine.cut = true;
      Awaitility.await().pollDelay(Duration.ofMillis(1200)).until(() -> true);
      mine.cut = false;
      release.countDown();
      assertThat(run.await(Duration.ofSeconds(10))).contains("done");
      assertThat(count("two")).isEqualTo(1);
      assertThat(other.processes()).hasSize(2);
    }

    /** Submits where one other process waits too, until this one has taken it. */
    private RunHandle<String> submitTo(AgentRuntime runtime, CountDownLatch hangs, String agent)
        throws InterruptedException {
      RunHandle<String> run = runtime.submit(agent, "", String.class);
      assertThat(hangs.await(5, TimeUnit.SECONDS)).isTrue();
      return run;
    }

    @Test
    @Tag("guarantee-8")
    void aProcessThatWasDeclaredDeadSpoilsNothingAndComesBack() throws Exception {
      CountDownLatch hangs = new CountDownLatch(1);
      CountDownLatch release = new CountDownLatch(1);
      CountDownLatch interrupted = new CountDownLatch(1);
      AgentDefinition<String, String> agent =
          agent(
              "zombie",
              String.class,
              (in, context) ->
                  context.step(
                      "s",
                      String.class,
                      a -> {
                        if (effect("s") > 1) {
                          return "second";
                        }
                        hangs.countDown();
                        try {
                          release.await();
                        } catch (InterruptedException e) {
                          interrupted.countDown();
                        }
                        return "first";
                      }));
      Cable mine = cable();
      AgentRuntime zombie = start(mine, agent);
      RunHandle<String> run = zombie.submit("zombie", "", String.class);
      hangs.await();
      String before = zombie.processes().get(0).id();
      AgentRuntime other = start(cable(), agent);
      mine.cut = true;
      assertThat(interrupted.await(10, TimeUnit.SECONDS)).isTrue();
      assertThat(other.handle(run.id(), String.class).await(Duration.ofSeconds(20)))
          .contains("second");
      mine.cut = false;
      Awaitility.await()
          .untilAsserted(
              () -> {
                assertThat(other.processes()).extracting(ProcessView::id).doesNotContain(before);
                assertThat(other.processes()).hasSize(2);
              });
      // it works again
      assertThat(zombie.submit("zombie", "", String.class).await(Duration.ofSeconds(10)))
          .contains("second");
      assertThat(zombie.handle(run.id(), String.class).await(Duration.ofSeconds(10)))
          .contains("second");
    }

    @Test
    @Tag("guarantee-7")
    void aStoreThatStandsStillMakesNobodyTakeOver() throws Exception {
      CountDownLatch hangs = new CountDownLatch(1);
      CountDownLatch release = new CountDownLatch(1);
      AgentDefinition<String, String> agent =
          agent(
              "steady",
              String.class,
              (in, context) -> {
                context.step(
                    "s",
                    Integer.class,
                    a -> {
                      effect("s");
                      hangs.countDown();
                      while (release.getCount() > 0) {
                        try {
                          release.await();
                        } catch (InterruptedException stubborn) {
                          effect("interrupted");
                        }
                      }
                      return 1;
                    });
                return "done";
              });
      AgentRuntime one = start(cable(), agent);
      AgentRuntime two = start(cable(), agent);
      RunHandle<String> run = one.submit("steady", "", String.class);
      hangs.await();
      Awaitility.await().pollDelay(EXPIRY.multipliedBy(2)).until(() -> true);
      cables.forEach(c -> c.cut = true);
      Awaitility.await().pollDelay(EXPIRY.multipliedBy(2)).until(() -> true);
      cables.forEach(c -> c.cut = false);
      Awaitility.await().until(() -> two.processes().size() == 2);
      Awaitility.await().pollDelay(EXPIRY.multipliedBy(2)).until(() -> true);
      assertThat(two.processes()).hasSize(2);
      release.countDown();
      assertThat(run.await(Duration.ofSeconds(10))).contains("done");
    }

    @Test
    @Tag("guarantee-7")
    void aClaimWhoseAnswerIsLostStrandsNothing() throws Exception {
      AgentDefinition<String, String> agent =
          agent(
              "plain",
              String.class,
              (in, context) -> context.step("s", String.class, a -> "done" + effect("s")));
      Cable mine = cable();
      AgentRuntime runtime = start(mine, agent);
      mine.loseClaims = true;
      assertThat(runtime.submit("plain", "", String.class).await(Duration.ofSeconds(10)))
          .contains("done1");
    }

    @Test
    @Tag("guarantee-7")
    void whatTheStoreGivesBackToALivingProcessIsNotHeldForEver() throws Exception {
      AgentDefinition<String, String> agent = agent("plain", String.class, (in, context) -> "done");
      AgentRuntime runtime = start(cable(), agent);
      String holder = runtime.processes().get(0).id();
      AgentRuntime submits = start(cable());
      // as after a fail-over that lost the last write: the store says that it holds a run
      String id = "r-" + holder;
      submits.registry().register(agent);
      submits.close();
      RunHandle<String> run =
          runtime.submit(Submission.of("plain", "", String.class).id(id).build());
      assertThat(run.await(Duration.ofSeconds(10))).contains("done");
      Stored ended = memory.scan(Scan.whole(record(id))).items().get(0);
      Edit.Queue back = new Edit.Queue(id, "plain@1", 0, ended.now(), null, Long.MAX_VALUE);
      memory.apply(List.of(new Change("undo", record(id).partition(), List.of(back))));
      List<Stored> held =
          memory.claim(
              new Claim(
                  new Grant(holder, 1_000_000),
                  new Claim.From.Named(List.of(record(id))),
                  memory.info().all(),
                  1,
                  1 << 20));
      if (!held.isEmpty()) { // else the runtime was quicker, which is as good
        Awaitility.await()
            .untilAsserted(
                () ->
                    assertThat(memory.scan(Scan.whole(record(id))).items().get(0).place())
                        .isNotInstanceOf(Place.Held.class));
      }
    }

    private RecordId record(String key) {
      return RecordId.of(key, memory.info().partitions());
    }

    @Test
    @Tag("guarantee-7")
    void aRunThatKillsItsProcessesIsUndoneAndFails() {
      ConcurrentLinkedQueue<Cable> alive = new ConcurrentLinkedQueue<>();
      AgentDefinition<String, String> agent =
          agent(
              "poison",
              String.class,
              (in, context) -> {
                Step<Integer> good =
                    Step.of("good", Integer.class)
                        .compensate((made, attempt) -> effect("undone"))
                        .build();
                context.step(good, a -> effect("good"));
                context.step(
                    "bad",
                    Integer.class,
                    a -> {
                      effect("bad");
                      Cable mine = alive.poll();
                      if (mine != null) {
                        mine.cut = true; // the process dies
                      }
                      new CountDownLatch(1).await();
                      return 1;
                    });
                return "never";
              });
      for (int i = 0; i < 3; i++) {
        Cable cable = cable();
        alive.add(cable);
        AgentRuntime victim = start(cable, b -> b.maxTakeOvers(2).maxConcurrentRuns(1), agent);
        if (i == 0) {
          victim.submit(Submission.of("poison", "", String.class).id("p").build());
        }
        int deaths = i + 1;
        Awaitility.await().atMost(Duration.ofSeconds(20)).until(() -> count("bad") == deaths);
      }
      AgentRuntime last = start(cable(), b -> b.maxTakeOvers(2), agent);
      AgentException failure =
          Bench.failure(last.handle("p", String.class), Duration.ofSeconds(20));
      Bench.assertCode(failure, ErrorCode.POISONED);
      assertThat(count("bad")).isEqualTo(3);
      assertThat(count("good")).isEqualTo(1);
      assertThat(count("undone")).isEqualTo(1);
      assertThat(last.run("p").orElseThrow().executions())
          .as("also those that died before they wrote anything")
          .hasSize(4)
          .filteredOn(RunView.Execution::afterDeath)
          .hasSize(3);
    }
  }

  @Nested
  class Leaving {
    @Test
    @Tag("guarantee-6")
    void aClosedProcessHandsOverAtOnce() throws Exception {
      CountDownLatch hangs = new CountDownLatch(1);
      AgentDefinition<String, String> agent = hanging(hangs, new CountDownLatch(1));
      AgentRuntime first = start(cable(), b -> b.expiry(Duration.ofMinutes(1)), agent);
      RunHandle<String> run = first.submit("hanging", "", String.class);
      hangs.await();
      AgentRuntime second = start(cable(), b -> b.expiry(Duration.ofMinutes(1)), agent);
      long began = System.nanoTime();
      first.close();
      assertThat(second.handle(run.id(), String.class).await(Duration.ofSeconds(10)))
          .contains("done");
      assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(5));
      assertThat(second.processes()).hasSize(1);
      assertThat(count("one")).isEqualTo(1);
    }

    @Test
    void processesTellWhatTheyAre() {
      AgentDefinition<String, String> agent = agent("plain", String.class, (in, c) -> "");
      AgentRuntime runtime = start(cable(), b -> b.maxConcurrentRuns(7), agent);
      ProcessView me = runtime.processes().get(0);
      assertThat(me.pid()).isEqualTo(ProcessHandle.current().pid());
      assertThat(me.agents()).containsExactly("plain@1");
      assertThat(me.capacity()).isEqualTo(7);
      assertThat(me.draining()).isFalse();
      assertThat(me.expires()).isNotNull();
    }
  }

  @Nested
  class OtherPartitions {
    @Test
    @Tag("guarantee-9")
    void aChildWithAKeyIsCreatedAndAnswers() throws Exception {
      AgentDefinition<String, String> child =
          agent("child", String.class, (in, c) -> c.step("s", String.class, a -> in + effect("s")));
      AgentDefinition<String, String> parent =
          agent(
              "parent",
              String.class,
              (in, c) ->
                  c.call(Call.of("child", "x", String.class).key("customer 7").build())
                      + c.call(Call.of("child", "y", String.class).key("customer 7").build()));
      AgentRuntime runtime = start(cable(), child, parent);
      assertThat(runtime.submit("parent", "", String.class).await(Duration.ofSeconds(10)))
          .contains("x1y2");
    }

    @Test
    @Tag("guarantee-9")
    void aChildWithAKeyHearsThatItsParentWasCancelled() throws Exception {
      CountDownLatch begun = new CountDownLatch(1);
      AgentDefinition<String, String> child =
          agent(
              "child",
              String.class,
              (in, c) ->
                  c.step(
                      "s",
                      String.class,
                      a -> {
                        begun.countDown();
                        new CountDownLatch(1).await();
                        return "";
                      }));
      AgentDefinition<String, String> parent =
          agent(
              "parent",
              String.class,
              (in, c) -> c.call(Call.of("child", "x", String.class).key("k").build()));
      AgentRuntime runtime = start(cable(), child, parent);
      RunHandle<String> run = runtime.submit("parent", "", String.class);
      begun.await();
      runtime.cancel(run.id(), "enough");
      Bench.assertCode(Bench.failure(run, Duration.ofSeconds(10)), ErrorCode.RUN_CANCELLED);
      Awaitility.await()
          .untilAsserted(
              () ->
                  assertThat(memory.find(Find.tagged("state", "cancelled", 10)).items())
                      .hasSize(2));
    }

    @Test
    @Tag("guarantee-9")
    void aSignalReachesARunThatAnotherProcessExecutes() throws Exception {
      AgentDefinition<String, String> agent =
          agent("waits", String.class, (in, c) -> c.awaitSignal("go", String.class));
      AgentRuntime one = start(cable(), b -> b.hotWait(Duration.ofSeconds(30)), agent);
      RunHandle<String> run = one.submit("waits", "", String.class);
      Awaitility.await()
          .until(() -> one.run(run.id()).orElseThrow().state() == RunView.State.RUNNING);
      AgentRuntime other = start(cable());
      other.signal(run.id(), "go", "1", "gone");
      assertThat(run.await(Duration.ofSeconds(5))).contains("gone");
    }

    @Test
    @Tag("guarantee-9")
    void aCancelReachesAStepThatAnotherProcessExecutes() throws Exception {
      CountDownLatch hangs = new CountDownLatch(1);
      AgentRuntime one = start(cable(), hanging(hangs, new CountDownLatch(1)));
      RunHandle<String> run = one.submit("hanging", "", String.class);
      hangs.await();
      AgentRuntime other = start(cable());
      other.cancel(run.id(), "no more");
      Bench.assertCode(Bench.failure(run, Duration.ofSeconds(5)), ErrorCode.RUN_CANCELLED);
    }
  }
}
