package dev.troupe.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.agent.AgentContext;
import dev.troupe.agent.AgentDefinition;
import dev.troupe.event.AppendFailedException;
import dev.troupe.event.DeadLetter;
import dev.troupe.event.Delivery;
import dev.troupe.event.Event;
import dev.troupe.event.EventBus;
import dev.troupe.event.EventTransport;
import dev.troupe.event.Feed;
import dev.troupe.event.Outgoing;
import dev.troupe.event.Position;
import dev.troupe.event.StoreTransport;
import dev.troupe.event.Subscription;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.Page;
import dev.troupe.state.StateStore;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
final class PublishingTest {
  private final MemoryStateStore store = new MemoryStateStore();
  private final Gated transport = new Gated(StoreTransport.builder(store).build());
  private final EventBus bus =
      EventBus.builder(transport, store).lookEvery(Duration.ofMillis(10)).build();

  @AfterEach
  void close() {
    bus.close(Duration.ofSeconds(1));
    transport.close();
    store.close();
  }

  private AgentRuntime runtime(BiConsumer<String, AgentContext> code) {
    return AgentRuntime.builder()
        .store(store)
        .hotWait(Duration.ZERO)
        .events(bus)
        .agent(
            AgentDefinition.of(
                    "teller",
                    String.class,
                    String.class,
                    (input, context) -> {
                      code.accept(input, context);
                      return input;
                    })
                .build())
        .start();
  }

  private List<Event> told() {
    try {
      return bus.history("tales", Position.START, 1_000).items().stream()
          .map(found -> ((Delivery.Decoded) found.content()).event())
          .toList();
    } catch (AgentException nothingYet) {
      return List.of();
    }
  }

  private List<Event> told(int atLeast) {
    Awaitility.await().until(() -> told().size() >= atLeast);
    return told();
  }

  @Test
  void anEventGoesOutOnceThoughItsRunIsExecutedAgainAndAgain() throws Exception {
    try (AgentRuntime runtime =
        runtime(
            (input, context) -> {
              for (int i = 0; i < 5; i++) {
                context.publish("tales", Event.builder("part").key("k").json(i).build());
                context.sleep(Duration.ofMillis(5)); // leaves the stack
              }
            })) {
      runtime.submit(Submission.of("teller", "x", String.class).id("run-1").build()).await();
      List<Event> told = told(5);
      assertThat(told).extracting(one -> one.data(Integer.class)).containsExactly(0, 1, 2, 3, 4);
      assertThat(told).allSatisfy(one -> assertThat(one.correlationId()).contains("run-1"));
      assertThat(runtime.run("run-1").orElseThrow().journal())
          .filteredOn(line -> line.path().startsWith("event tales#"))
          .hasSize(5)
          .allSatisfy(line -> assertThat(line.what()).isEqualTo("published"));
    }
  }

  @Test
  void whatAnEventSaysOfItselfStays() throws Exception {
    try (AgentRuntime runtime =
        runtime(
            (input, context) ->
                context.publish(
                    "tales",
                    Event.builder("part")
                        .id("own")
                        .correlationId("order-7")
                        .traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
                        .build()))) {
      runtime.submit("teller", "x", String.class).await();
      Event told = told(1).get(0);
      assertThat(told.id()).isEqualTo("own");
      assertThat(told.correlationId()).contains("order-7");
      assertThat(told.traceparent()).isPresent();
    }
  }

  @Test
  void moreEventsThanFitAChangeGoOutInTheirOrder() throws Exception {
    try (AgentRuntime runtime =
        runtime(
            (input, context) -> {
              for (int i = 0; i < 300; i++) {
                context.publish("tales", Event.builder("part").key("k").json(i).build());
              }
            })) {
      runtime.submit("teller", "x", String.class).await();
      List<Event> told = told(300);
      for (int i = 0; i < 300; i++) {
        assertThat(told.get(i).data(Integer.class)).isEqualTo(i);
      }
    }
  }

  @Test
  void eventsWaitForATransportThatIsAwayAndTheBusTells() throws Exception {
    transport.refusal = ErrorCode.TRANSPORT_UNAVAILABLE;
    try (AgentRuntime runtime =
        runtime(
            (input, context) -> {
              context.publish("tales", Event.builder("part").key("k").json(1).build());
              context.publish("tales", Event.builder("part").key("k").json(2).build());
            })) {
      runtime.submit("teller", "x", String.class).await();
      Awaitility.await().until(() -> !bus.problems().isEmpty());
      assertThat(bus.problems().get(0))
          .contains("can't be published")
          .contains("closed for a test");
      assertThat(told()).isEmpty();
      transport.refusal = null;
      assertThat(told(2)).extracting(one -> one.data(Integer.class)).containsExactly(1, 2);
      Awaitility.await().until(() -> bus.problems().isEmpty());
    }
  }

  @Test
  void anEventThatIsRefusedForGoodIsADeadLetterAndStopsNoOther() throws Exception {
    transport.refusedType = "bad";
    try (AgentRuntime runtime =
        runtime(
            (input, context) -> {
              context.publish("tales", Event.builder("bad").key("k").json(1).build());
              context.publish("tales", Event.builder("good").key("k").json(2).build());
              context.publish("tales", Event.builder("good").json(3).build());
            })) {
      runtime.submit("teller", "x", String.class).await();
      assertThat(told(2)).extracting(Event::type).containsOnly("good");
      List<DeadLetter> dead = bus.deadLetters().list("", null, 10).items();
      assertThat(dead).hasSize(1);
      assertThat(dead.get(0).reason()).isEqualTo(DeadLetter.Reason.UNPUBLISHED);
      assertThat(dead.get(0).error()).contains("no such type here");
      transport.refusedType = null;
      assertThat(bus.deadLetters().replay(dead.get(0).id())).isTrue();
      assertThat(told(3)).extracting(Event::type).contains("bad");
      assertThat(bus.deadLetters().list(null, null, 10).items()).isEmpty();
    }
  }

  @Test
  void aStoreThatIsAwayWhenAnEventWasPublishedHoldsUpNoneThatFollows() throws Exception {
    AtomicInteger refusals = new AtomicInteger(3);
    StateStore flaky =
        (StateStore)
            Proxy.newProxyInstance(
                StateStore.class.getClassLoader(),
                new Class<?>[] {StateStore.class},
                (proxy, method, args) -> {
                  if (method.getName().equals("apply")
                      && String.valueOf(args[0]).contains("Delete[key=run-1/$event-")
                      && refusals.getAndDecrement() > 0) {
                    throw new AgentException(ErrorCode.STORE_UNAVAILABLE, "away for a test");
                  }
                  try {
                    return method.invoke(store, args);
                  } catch (InvocationTargetException e) {
                    throw e.getCause();
                  }
                });
    bus.close(Duration.ZERO); // it would publish in the other's stead
    EventBus over = EventBus.builder(transport, flaky).lookEvery(Duration.ofMillis(10)).build();
    AgentDefinition<String, String> teller =
        AgentDefinition.of(
                "teller",
                String.class,
                String.class,
                (input, context) -> {
                  context.publish("tales", Event.builder("part").id("1").key("k").build());
                  context.publish("tales", Event.builder("part").id("2").key("k").build());
                  return input;
                })
            .build();
    try (AgentRuntime runtime =
        AgentRuntime.builder().store(flaky).events(over).agent(teller).start()) {
      runtime.submit(Submission.of("teller", "x", String.class).id("run-1").build()).await();
      Awaitility.await().until(() -> told().stream().anyMatch(one -> one.id().equals("2")));
      assertThat(told().stream().map(Event::id).distinct()).containsExactly("1", "2");
      assertThat(refusals.get()).isLessThan(1);
    } finally {
      over.close(Duration.ofSeconds(1));
    }
  }

  @Test
  void whatCanNotBePublishedFailsWhereItIsSaid() {
    try (AgentRuntime runtime =
        runtime(
            (input, context) ->
                context.publish(
                    "tales", Event.builder("part").json("x".repeat(200_000)).build()))) {
      assertThatThrownBy(() -> runtime.submit("teller", "x", String.class).await())
          .hasMessageContaining("may go with a change")
          .hasMessageContaining("lay what is large elsewhere");
    }
    try (AgentRuntime runtime =
        runtime((input, context) -> context.publish("no topic", Event.of("part", 1)))) {
      assertThatThrownBy(() -> runtime.submit("teller", "x", String.class).await())
          .hasMessageContaining("a topic has 1 to 200 letters");
    }
    assertThat(told()).isEmpty();
  }

  @Test
  void withoutABusOrWithThatOfAnotherStoreTheErrorSaysWhatToDo() {
    AgentDefinition<String, String> teller =
        AgentDefinition.of(
                "teller",
                String.class,
                String.class,
                (input, context) -> {
                  context.publish("tales", Event.of("part", 1));
                  return input;
                })
            .build();
    try (AgentRuntime runtime = AgentRuntime.builder().agent(teller).start()) {
      assertThatThrownBy(() -> runtime.submit("teller", "x", String.class).await())
          .hasMessageContaining("give its builder one by events(bus)");
    }
    AgentRuntime.Builder other = AgentRuntime.builder().agent(teller).events(bus);
    assertThatThrownBy(other::start)
        .isInstanceOfSatisfying(
            AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_INPUT))
        .hasMessageContaining("give both the same object");
  }

  @Test
  void codeThatNoLongerPublishesWhatItPublishedStopsTheRun() throws Exception {
    try (AgentRuntime runtime =
        runtime(
            (input, context) -> {
              context.publish("tales", Event.of("part", 1));
              context.awaitSignal("go", String.class);
            })) {
      runtime.submit(Submission.of("teller", "x", String.class).id("run-1").build());
      told(1);
    }
    try (AgentRuntime runtime =
        runtime((input, context) -> context.awaitSignal("go", String.class))) {
      runtime.signal("run-1", "go", "1", "now");
      RunHandle<String> run = runtime.handle("run-1", String.class);
      assertThatThrownBy(() -> run.await(Duration.ofSeconds(20)))
          .hasMessageContaining("event tales#1");
    }
  }

  /** A transport that refuses when it is told to. */
  private static final class Gated implements EventTransport {
    private final EventTransport inner;
    volatile @Nullable ErrorCode refusal;
    volatile @Nullable String refusedType;

    Gated(EventTransport inner) {
      this.inner = inner;
    }

    @Override
    public void append(List<Outgoing> events) {
      ErrorCode code = refusal;
      if (code != null) {
        throw new AppendFailedException(code, events, "closed for a test", null);
      }
      List<Outgoing> bad =
          events.stream().filter(one -> one.event().type().equals(refusedType)).toList();
      inner.append(events.stream().filter(one -> !bad.contains(one)).toList());
      if (!bad.isEmpty()) {
        throw new AppendFailedException(ErrorCode.INVALID_INPUT, bad, "no such type here", null);
      }
    }

    @Override
    public Feed open(Subscription subscription, Feed.Listener listener) {
      return inner.open(subscription, listener);
    }

    @Override
    public Page<Delivery> read(String topic, Position from, int limit) {
      return inner.read(topic, from, limit);
    }

    @Override
    public List<Problem> prepare(List<Topic> topics, boolean create) {
      return inner.prepare(topics, create);
    }

    @Override
    public Info info() {
      return inner.info();
    }

    @Override
    public void close() {
      inner.close();
    }
  }
}
