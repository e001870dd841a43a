package dev.troupe.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.event.Subscription.Mode;
import dev.troupe.resilience.RetryPolicy;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.MortalStore;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** What the contracts of the test kit leave to the implementation. */
final class EventBusTest extends OwnBus {
  @Test
  void allModesHandleManyEventsOverSeveralRecords() {
    ConcurrentLinkedQueue<String> shared = new ConcurrentLinkedQueue<>();
    ConcurrentLinkedQueue<String> everyone = new ConcurrentLinkedQueue<>();
    bus.subscribe("t", "ordered").start((e, c) -> handled.add(e.id()));
    bus.subscribe("t", "shared").mode(Mode.SHARED).start((e, c) -> shared.add(e.id()));
    bus.subscribe("t", "all").mode(Mode.EVERYONE).start((e, c) -> everyone.add(e.id()));
    List<String> ids = new ArrayList<>();
    for (int i = 0; i < 30; i++) {
      ids.addAll(publish(500));
    }
    handledAre(ids);
    Awaitility.await().until(() -> shared.size() >= ids.size() && everyone.size() >= ids.size());
    assertThat(shared).containsExactlyInAnyOrderElementsOf(ids);
    assertThat(everyone).containsExactlyInAnyOrderElementsOf(ids);
  }

  @Test
  void whatIsThroughIsDeletedAndTheRestIsKept() {
    StoreTransport transport = StoreTransport.builder(store).shards(1).build();
    try (EventBus own = EventBus.builder(transport, store).build()) {
      own.prepare(List.of(new EventTransport.Topic("short", 1, Duration.ZERO)), true);
      AtomicInteger count = new AtomicInteger();
      own.subscribe("short", "g").start((e, c) -> count.incrementAndGet());
      for (int i = 0; i < 100; i++) {
        List<Outgoing> some = new ArrayList<>();
        for (int j = 0; j < 100; j++) {
          some.add(new Outgoing("short", Event.of("x", j)));
        }
        own.publish(some);
        int all = 100 * (i + 1);
        Awaitility.await().until(() -> count.get() == all);
      }
      assertThat(own.history("short", Position.START, 20_000).items().size())
          .isBetween(1_000, 5_000);
      transport.forget("short", "g");
    }
  }

  @Test
  void aFeedThatWasTakenForDeadIsToldWhatItLost() {
    StoreTransport transport =
        StoreTransport.builder(store).shards(2).lease(Duration.ofMillis(300)).build();
    Subscription subscription = new Subscription(List.of("t"), "g", Mode.ORDERED, Position.START);
    Set<Delivery.Shard> lost = ConcurrentHashMap.newKeySet();
    try (Feed silent = transport.open(subscription, (shards, atMost) -> lost.addAll(shards));
        Feed heir = transport.open(subscription, (shards, atMost) -> {})) {
      Awaitility.await()
          .until(() -> silent.poll(1, Duration.ZERO).isEmpty() && !silent.shards().isEmpty());
      lost.clear();
      List<Feed.ShardState> had = silent.shards();
      Awaitility.await()
          .until(() -> heir.poll(1, Duration.ZERO).isEmpty() && heir.shards().size() == 2);
      silent.poll(1, Duration.ZERO);
      assertThat(lost).containsAll(had.stream().map(Feed.ShardState::shard).toList());
    }
    transport.close();
  }

  @Test
  void aPausedSubscriberTakesNothingAndKeepsWhatItHas() {
    Subscriber subscriber = bus.subscribe("t", "g").start((e, c) -> handled.add(e.id()));
    List<String> ids = new ArrayList<>(publish(10));
    handledAre(ids);
    subscriber.pause();
    Awaitility.await().during(Duration.ofMillis(400)).until(() -> handled.size() == 10);
    ids.addAll(publish(10));
    Awaitility.await().during(Duration.ofMillis(400)).until(() -> handled.size() == 10);
    subscriber.resume();
    handledAre(ids);
  }

  @Test
  void aSlowHandlerHoldsUpNoOther() {
    Set<String> threads = ConcurrentHashMap.newKeySet();
    bus.subscribe("t", "g")
        .concurrency(4)
        .mode(Mode.SHARED)
        .start(
            (e, c) -> {
              threads.add(Thread.currentThread().getName());
              if (e.data(Integer.class) == 0) {
                Awaitility.await().until(() -> handled.size() >= 199);
              }
              handled.add(e.id());
            });
    handledAre(publish(200));
    assertThat(threads).hasSizeBetween(2, 4);
  }

  @Test
  void whatCannotBeIsRefused() {
    assertThatThrownBy(() -> bus.subscribe("no topic", "g").start((e, c) -> {}))
        .isInstanceOf(AgentException.class);
    assertThatThrownBy(() -> bus.subscribe("t", "g").concurrency(0))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> bus.subscribe("t", "g").maxInFlight(0))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> bus.subscribe("t", "g").maxDeliveries(1))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> bus.subscribe("t", "g").dedupe(Duration.ZERO))
        .isInstanceOf(IllegalArgumentException.class);
    bus.subscribe("t", "g").start((e, c) -> {});
    assertThatThrownBy(() -> bus.subscribe("t", "g").mode(Mode.SHARED).start((e, c) -> {}))
        .isInstanceOfSatisfying(
            AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_INPUT))
        .hasMessageContaining("ORDERED");
    assertThatThrownBy(() -> bus.history("t", Position.at("nonsense"), 1))
        .isInstanceOf(AgentException.class);
    assertThatThrownBy(() -> bus.history("unknown", Position.START, 1))
        .isInstanceOfSatisfying(
            AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.TOPIC_NOT_FOUND));
    assertThatThrownBy(() -> bus.deadLetters().replayAll("g", 0))
        .isInstanceOf(IllegalArgumentException.class);
    bus.close();
    assertThatThrownBy(() -> bus.subscribe("t", "g"))
        .isInstanceOfSatisfying(
            AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.CLOSED));
  }

  @Test
  void whatIsDoneIsCounted() {
    SimpleMeterRegistry meters = new SimpleMeterRegistry();
    try (EventBus counted =
        EventBus.builder(StoreTransport.builder(store).build(), store)
            .meterRegistry(meters)
            .build()) {
      counted
          .subscribe("t", "g")
          .retry(RetryPolicy.fixed(2, Duration.ofMillis(1)))
          .start(
              (e, c) -> {
                if (e.data(Integer.class) == 3) {
                  throw new IllegalStateException("never");
                }
              });
      publish(10);
      Awaitility.await()
          .until(
              () ->
                  meters.get("troupe.events.handled").tag("group", "g").functionCounter().count()
                      == 9);
      Awaitility.await()
          .until(
              () ->
                  meters.get("troupe.events.dead").tag("reason", "FAILED").functionCounter().count()
                      == 1);
      assertThat(meters.get("troupe.events.failed").functionCounter().count()).isEqualTo(2);
      assertThat(meters.get("troupe.events.problems").gauge().value()).isZero();
      Awaitility.await().until(() -> meters.get("troupe.events.lag").gauge().value() == 0);
    }
    assertThat(meters.getMeters()).isEmpty();
  }

  @Test
  void aSubscriberClosesAlsoWhileTheStoreIsAway() {
    SimpleMeterRegistry meters = new SimpleMeterRegistry();
    MortalStore mortal = new MortalStore(store);
    StoreTransport transport = StoreTransport.builder(mortal).build();
    EventBus own = EventBus.builder(transport, mortal).meterRegistry(meters).build();
    Subscriber subscriber = own.subscribe("t", "g").start((e, c) -> handled.add(e.id()));
    handledAre(publish(10));
    Awaitility.await().until(() -> subscriber.shards().size() == 8);
    mortal.die();
    subscriber.close(Duration.ZERO);
    assertThat(meters.getMeters()).isEmpty();
    assertThat(own.problems().toString()).doesNotContain("group g");
    own.close(Duration.ZERO);
    transport.close();
  }

  @Test
  void repliesGoToWhoAsked() {
    bus.subscribe("t", "service").start((e, c) -> c.reply(Event.of("answer", c.attempt())));
    Event answer = bus.request("t", Event.of("ask", 1), Duration.ofSeconds(20));
    assertThat(answer.data(Integer.class)).isEqualTo(1);
    bus.publish("t", Event.of("no question", 1));
    Awaitility.await().until(() -> bus.deadLetters().list("service", null, 5).items().size() == 1);
  }

  @Test
  void onlyWhereNothingIsSettledMayAnythingBeDropped() {
    for (Mode mode : List.of(Mode.ORDERED, Mode.SHARED)) {
      assertThatThrownBy(
              () ->
                  bus.subscribe("t", "g")
                      .mode(mode)
                      .overflow(Overflow.DROP_OLDEST)
                      .start((e, c) -> {}))
          .isInstanceOfSatisfying(
              AgentException.class,
              e -> {
                assertThat(e.code()).isEqualTo(ErrorCode.INVALID_INPUT);
                assertThat(e.getMessage()).contains("group g").contains("take mode EVERYONE");
              });
    }
  }

  @Test
  void aWrongPatternIsRefusedAndLeavesNothingBehind() {
    assertThatThrownBy(() -> bus.subscribe("orders.*x", "g").start((e, c) -> {}))
        .isInstanceOf(AgentException.class)
        .hasMessageContaining("orders.*x");
    assertThatThrownBy(() -> bus.subscribe(List.of(), "g").start((e, c) -> {}))
        .isInstanceOf(AgentException.class)
        .hasMessageContaining("names no topic");
    assertThat(bus.problems()).isEmpty();
  }

  @Test
  void oneTopicThatCannotBeJoinedDoesNotKeepOthersFromBeingFound() {
    MemoryStateStore shared = new MemoryStateStore();
    StoreTransport transport = StoreTransport.builder(shared).shards(1).build();
    try (EventBus own =
        EventBus.builder(transport, shared).findTopicsEvery(Duration.ofMillis(20)).build()) {
      Subscriber subscriber = own.subscribe("a.*", "g").start((e, c) -> handled.add(e.id()));
      // the same group in another mode
      own.subscribe("a.other", "g").mode(Mode.SHARED).start((e, c) -> {});
      Event event = Event.of("x", 1);
      own.publish("a.good", event);
      handledAre(List.of(event.id()));
      Awaitility.await().until(() -> !subscriber.problems().isEmpty());
      assertThat(subscriber.problems().toString()).contains("a.*").contains("has mode SHARED");
      Event next = Event.of("x", 2);
      own.publish("a.better", next);
      handledAre(List.of(event.id(), next.id()));
    }
  }
}
