package dev.troupe.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.AgentException;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.event.DeadLetter;
import dev.troupe.event.Event;
import dev.troupe.event.EventBus;
import dev.troupe.event.Outgoing;
import dev.troupe.resilience.RetryPolicy;
import dev.troupe.run.RunRecord;
import dev.troupe.state.Find;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.Scan;
import dev.troupe.state.Stored;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class EventTriggersTest {
  private final MemoryStateStore store = new MemoryStateStore();
  private final EventBus bus = EventBus.over(store);
  private final AtomicInteger executions = new AtomicInteger();
  private final AgentRuntime runtime =
      AgentRuntime.builder()
          .store(store)
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
          .start();

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
        .from(dev.troupe.event.Position.START)
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
}
