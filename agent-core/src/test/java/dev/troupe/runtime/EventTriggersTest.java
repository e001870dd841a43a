package dev.troupe.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.AgentException;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.event.DeadLetter;
import dev.troupe.event.Event;
import dev.troupe.event.EventBus;
import dev.troupe.event.EventHandler;
import dev.troupe.event.Outgoing;
import dev.troupe.event.Position;
import dev.troupe.event.StoreTransport;
import dev.troupe.resilience.RetryPolicy;
import dev.troupe.run.RunRecord;
import dev.troupe.state.Find;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.MortalStore;
import dev.troupe.state.Scan;
import dev.troupe.state.Stored;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Events that start and signal runs, however often and in whatever order they come. */
final class EventTriggersTest {
  private final MemoryStateStore store = new MemoryStateStore();
  private final EventBus bus = EventBus.over(store);
  private final AtomicInteger executions = new AtomicInteger();
  private final AgentRuntime runtime = open(Duration.ofDays(1));

  /** One that forgets runs so long after their end. */
  private AgentRuntime open(Duration retention) {
    return AgentRuntime.builder()
        .store(store)
        .retention(retention)
        .pollInterval(Duration.ofMillis(20))
        .agent(
            AgentDefinition.of(
                    "double",
                    Integer.class,
                    Integer.class,
                    (input, context) -> {
                      executions.incrementAndGet();
                      return 2 * input;
                    })
                .build())
        .agent(
            AgentDefinition.of(
                    "calls",
                    Integer.class,
                    Integer.class,
                    (input, context) -> context.call("double", input, Integer.class))
                .build())
        .agent(
            AgentDefinition.of(
                    "waits",
                    String.class,
                    String.class,
                    (input, context) -> input + context.awaitSignal("paid", String.class))
                .build())
        .agent(
            AgentDefinition.of(
                    "waits twice",
                    String.class,
                    String.class,
                    (input, context) ->
                        input
                            + context.awaitSignal("paid", String.class)
                            + context.awaitSignal("paid", String.class))
                .build())
        .start();
  }

  @AfterEach
  void close() {
    bus.close(Duration.ofSeconds(1));
    runtime.close();
  }

  @Test
  void anEventStartsOneRunHoweverOftenItComes() throws Exception {
    bus.subscribe("numbers", "doublers")
        .start(EventTriggers.start(runtime, "double", Integer.class));
    Event event = Event.of("number", 21);
    bus.publish("numbers", event);
    Awaitility.await().until(() -> runtime.run(EventTriggers.runId(event)).isPresent());
    assertThat(
            runtime.handle(EventTriggers.runId(event), Integer.class).await(Duration.ofSeconds(10)))
        .isEqualTo(42);
    // the same one, by another way: no transport knows it again
    bus.publish("others", event);
    bus.subscribe("others", "doublers")
        .from(Position.START)
        .start(EventTriggers.start(runtime, "double", Integer.class));
    Event last = Event.of("number", 1);
    bus.publish("others", last);
    Awaitility.await().until(() -> runtime.run(EventTriggers.runId(last)).isPresent());
    runtime.handle(EventTriggers.runId(last), Integer.class).await(Duration.ofSeconds(10));
    assertThat(executions).hasValue(2);
  }

  @Test
  void aRunGoesOnInTheTraceOfItsEventAndSoDoItsChildren() throws Exception {
    bus.subscribe("numbers", "callers").start(EventTriggers.start(runtime, "calls", Integer.class));
    String parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    Event whole =
        Event.builder("number").traceparent(parent).tracestate("one=1, two=2").json(1).build();
    Event bare = Event.builder("number").traceparent(parent).json(2).build();
    Event wrong = Event.builder("number").traceparent("00-none").json(3).build();
    bus.publish(
        List.of(
            new Outgoing("numbers", whole),
            new Outgoing("numbers", bare),
            new Outgoing("numbers", wrong)));
    assertThat(tracesOfTree(whole)).containsExactly(parent + " one=1, two=2");
    assertThat(tracesOfTree(bare)).containsExactly(parent);
    assertThat(tracesOfTree(wrong)).containsExactly("");
  }

  /** The traces in the headers of an event's run and of the one that it called. */
  private Set<String> tracesOfTree(Event event) throws Exception {
    String run = EventTriggers.runId(event);
    Awaitility.await().until(() -> runtime.run(run).isPresent());
    runtime.handle(run, Integer.class).await(Duration.ofSeconds(10));
    List<String> traces =
        store.find(Find.tagged("kind", "run", 100)).items().stream()
            .map(Stored::id)
            .filter(id -> (id.key() + "/").startsWith(run + "/"))
            .map(id -> store.scan(new Scan.Rows(id, null, Long.MAX_VALUE, 0)).items().get(0))
            .map(found -> RunRecord.decode(found).header().terms().trace())
            .toList();
    assertThat(traces).hasSize(2);
    return Set.copyOf(traces);
  }

  @Test
  void anEventIsASignalToTheRunThatItBelongsTo() throws Exception {
    bus.subscribe("payments", "runs").start(EventTriggers.signal(runtime, "paid", String.class));
    RunHandle<String> run =
        runtime.submit(Submission.of("waits", "order ", String.class).id("order-7").build());
    bus.publish(
        "payments", Event.builder("payment").correlationId("order-7").json("in full").build());
    assertThat(run.await(Duration.ofSeconds(10))).isEqualTo("order in full");
  }

  @Test
  void whatBelongsToNoRunIsADeadLetter() {
    bus.subscribe("payments", "runs")
        .retry(RetryPolicy.none())
        .start(EventTriggers.signal(runtime, "paid", String.class));
    bus.publish("payments", Event.of("payment", "in full"));
    Awaitility.await().until(() -> !bus.deadLetters().list("runs", null, 10).items().isEmpty());
    List<DeadLetter> dead = bus.deadLetters().list("runs", null, 10).items();
    assertThat(dead.get(0).error())
        .contains(AgentException.class.getName())
        .contains("no correlationid");
  }

  private static Event payment(String run, String what) {
    return Event.builder("payment").key(run).correlationId(run).json(what).build();
  }

  private List<DeadLetter> letters(String group) {
    return bus.deadLetters().list(group, null, 10).items();
  }

  @Test
  void anEventThatComesTwiceIsOneSignalAlsoWhenTheFirstHasBeenReceived() throws Exception {
    AtomicInteger sent = new AtomicInteger();
    EventHandler signal = EventTriggers.signal(runtime, "paid", String.class);
    // no transport knows an event again that comes by another topic
    bus.subscribe(List.of("one", "other"), "runs")
        .start(
            (event, context) -> {
              signal.handle(event, context);
              sent.incrementAndGet();
            });
    RunHandle<String> run =
        runtime.submit(Submission.of("waits twice", "", String.class).id("order-7").build());
    Event half = payment("order-7", "half");
    bus.publish("one", half);
    Awaitility.await()
        .until(
            () ->
                runtime.run("order-7").orElseThrow().journal().stream()
                    .anyMatch(line -> line.path().contains("paid")));
    bus.publish("other", half);
    Awaitility.await().until(() -> sent.get() == 2);
    bus.publish("one", payment("order-7", " and half"));
    assertThat(run.await(Duration.ofSeconds(20))).isEqualTo("half and half");
    assertThat(letters("runs")).isEmpty();
  }

  @Test
  void aSignalBeforeItsRunIsTriedAgainUntilTheRunIsThere() throws Exception {
    AtomicInteger tried = new AtomicInteger();
    EventHandler signal = EventTriggers.signal(runtime, "paid", String.class);
    bus.subscribe("payments", "runs")
        .retry(RetryPolicy.fixed(10_000, Duration.ofMillis(10)))
        .start(
            (event, context) -> {
              tried.incrementAndGet();
              signal.handle(event, context);
            });
    bus.publish("payments", payment("order-7", "early"));
    Awaitility.await().until(() -> tried.get() >= 3);
    RunHandle<String> run =
        runtime.submit(Submission.of("waits", "came ", String.class).id("order-7").build());
    assertThat(run.await(Duration.ofSeconds(20))).isEqualTo("came early");
    assertThat(letters("runs")).isEmpty();
  }

  @Test
  void aSignalWhoseRunNeverComesIsADeadLetterThatCanBeReplayedWhenItHasCome() throws Exception {
    bus.subscribe("payments", "runs")
        .retry(RetryPolicy.fixed(3, Duration.ofMillis(1)))
        .start(EventTriggers.signal(runtime, "paid", String.class));
    bus.publish("payments", payment("order-7", "much too early"));
    Awaitility.await().until(() -> !letters("runs").isEmpty());
    DeadLetter letter = letters("runs").get(0);
    assertThat(letter.reason()).isEqualTo(DeadLetter.Reason.FAILED);
    assertThat(letter.attempts()).isEqualTo(3);
    assertThat(letter.error()).contains("there is no run order-7");
    RunHandle<String> run =
        runtime.submit(Submission.of("waits", "came ", String.class).id("order-7").build());
    assertThat(bus.deadLetters().replay(letter.id())).isTrue();
    assertThat(run.await(Duration.ofSeconds(20))).isEqualTo("came much too early");
  }

  @Test
  void aRunThatHasEndedHearsNoMoreAndTheEventIsSettled() throws Exception {
    AtomicInteger sent = new AtomicInteger();
    EventHandler signal = EventTriggers.signal(runtime, "paid", String.class);
    bus.subscribe("payments", "runs")
        .retry(RetryPolicy.none())
        .start(
            (event, context) -> {
              signal.handle(event, context);
              sent.incrementAndGet();
            });
    RunHandle<String> run =
        runtime.submit(Submission.of("waits", "", String.class).id("order-7").build());
    bus.publish("payments", payment("order-7", "in time"));
    assertThat(run.await(Duration.ofSeconds(20))).isEqualTo("in time");
    bus.publish("payments", payment("order-7", "too late"));
    Awaitility.await().until(() -> sent.get() == 2);
    assertThat(letters("runs")).isEmpty();
    assertThat(run.await(Duration.ofSeconds(1))).isEqualTo("in time");
  }

  @Test
  void anEventOfARunThatIsForgottenStartsNoOtherAndSignalsNone() throws Exception {
    runtime.close();
    try (AgentRuntime forgets = open(Duration.ofMillis(1))) {
      AtomicInteger through = new AtomicInteger();
      EventHandler start = EventTriggers.start(forgets, "double", Integer.class);
      bus.subscribe(List.of("one", "other"), "doublers")
          .retry(RetryPolicy.none())
          .start(
              (event, context) -> {
                start.handle(event, context);
                through.incrementAndGet();
              });
      bus.subscribe("payments", "runs")
          .retry(RetryPolicy.fixed(2, Duration.ofMillis(1)))
          .start(EventTriggers.signal(forgets, "paid", String.class));
      Event event = Event.of("number", 21);
      bus.publish("one", event);
      String run = EventTriggers.runId(event);
      Awaitility.await()
          .until(() -> executions.get() == 1 && through.get() == 1 && forgets.run(run).isEmpty());
      bus.publish("other", event);
      Awaitility.await().until(() -> through.get() == 2);
      assertThat(forgets.run(run)).isEmpty();
      bus.publish("payments", payment(run, "in full"));
      Awaitility.await().until(() -> !letters("runs").isEmpty());
      assertThat(letters("runs").get(0).error()).contains("there is no run " + run);
      assertThat(letters("doublers")).isEmpty();
      assertThat(executions).hasValue(1);
    }
  }

  @Test
  void aProcessThatDiesBeforeItHasSettledAnEventLeavesOneRunAndOneSignal() throws Exception {
    MortalStore mortal = new MortalStore(store);
    EventHandler start = EventTriggers.start(runtime, "double", Integer.class);
    EventHandler signal = EventTriggers.signal(runtime, "paid", String.class);
    EventHandler both =
        (event, context) -> {
          if (event.type().equals("number")) {
            start.handle(event, context);
          } else {
            signal.handle(event, context);
          }
        };
    Event number = Event.builder("number").key("k").json(21).build();
    Event half = payment("order-7", "half");
    RunHandle<String> run =
        runtime.submit(Submission.of("waits twice", "", String.class).id("order-7").build());
    CountDownLatch bothStored = new CountDownLatch(2);
    StoreTransport dies =
        StoreTransport.builder(mortal).shards(1).lease(Duration.ofMillis(300)).build();
    EventBus first = EventBus.builder(dies, mortal).build();
    first
        .subscribe("all", "g")
        .start(
            (event, context) -> {
              both.handle(event, context);
              bothStored.countDown();
              bothStored.await();
              mortal.die(); // both are stored, none is settled
            });
    first.publish(List.of(new Outgoing("all", number), new Outgoing("all", half)));
    bothStored.await();
    Set<String> again = ConcurrentHashMap.newKeySet();
    StoreTransport lives =
        StoreTransport.builder(store).shards(1).lease(Duration.ofMillis(300)).build();
    try (EventBus second = EventBus.builder(lives, store).build()) {
      second
          .subscribe("all", "g")
          .start(
              (event, context) -> {
                both.handle(event, context);
                again.add(event.id());
              });
      Awaitility.await().until(() -> again.containsAll(List.of(number.id(), half.id())));
      second.publish("all", payment("order-7", " and half"));
      assertThat(run.await(Duration.ofSeconds(20))).isEqualTo("half and half");
      assertThat(
              runtime
                  .handle(EventTriggers.runId(number), Integer.class)
                  .await(Duration.ofSeconds(20)))
          .isEqualTo(42);
      assertThat(executions).hasValue(1);
    } finally {
      first.close(Duration.ZERO);
      dies.close();
      lives.close();
    }
  }
}
