package dev.troupe.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.troupe.AgentException;
import dev.troupe.resilience.RetryPolicy;
import dev.troupe.state.Claim;
import dev.troupe.state.ForwardingStore;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.StoreInfo;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** Events that wait in the store, and come back from there. */
final class ParkedEventsTest extends OwnBus {
  @Test
  void anEventOfATopicThatWasMadeAnewIsNotTakenForOneThatLayThereBefore() {
    for (int topics = 1; topics <= 2; topics++) {
      StoreTransport fresh = StoreTransport.builder(new MemoryStateStore()).shards(1).build();
      try (EventBus own = EventBus.builder(fresh, store).build()) {
        own.subscribe("t", "dies")
            .retry(RetryPolicy.none())
            .start(
                (event, context) -> {
                  throw new IllegalArgumentException("always");
                });
        own.subscribe("t", "waits")
            .hotDelay(Duration.ZERO)
            .retry(RetryPolicy.fixed(2, Duration.ofHours(1)))
            .start(
                (event, context) -> {
                  throw new IllegalArgumentException("later");
                });
        own.publish("t", Event.builder("x").key("k").json(topics).build());
        int so = topics;
        Awaitility.await()
            .untilAsserted(
                () -> assertThat(own.deadLetters().list("dies", null, 10).items()).hasSize(so));
        Awaitility.await().untilAsserted(() -> assertThat(parkedOf("waits")).isEqualTo(so));
      }
    }
  }

  @Test
  void aStoreThatForgetsMoreThanTheTransportIsRefusedUnlessThatIsSaid() {
    StoreTransport lasting =
        StoreTransport.builder(
                new ForwardingStore(new MemoryStateStore()) {
                  @Override
                  public StoreInfo info() {
                    StoreInfo info = super.info();
                    return new StoreInfo(
                        info.name(),
                        info.partitions(),
                        info.sharing(),
                        StoreInfo.Durability.MACHINE,
                        info.findLag());
                  }
                })
            .build();
    assertThatThrownBy(() -> EventBus.builder(lasting, store).build())
        .isInstanceOf(AgentException.class)
        .hasMessageContaining("storeMayForget()");
    try (EventBus own = EventBus.builder(lasting, store).storeMayForget().build()) {
      assertThatThrownBy(() -> own.publishAfter("t", Event.of("x", 1), Duration.ofHours(1)))
          .isInstanceOf(AgentException.class)
          .hasMessageContaining("can't publish later");
      AtomicInteger attempts = new AtomicInteger();
      AtomicLong parked = new AtomicLong();
      own.subscribe("t", "g")
          .hotDelay(Duration.ZERO)
          .retry(RetryPolicy.fixed(3, Duration.ofMillis(50)))
          .start(
              (event, context) -> {
                parked.addAndGet(parkedOf("g"));
                if (attempts.incrementAndGet() < 3) {
                  throw new IllegalStateException("not yet");
                }
                handled.add(event.id());
              });
      Event event = Event.of("x", 2);
      own.publish("t", event);
      handledAre(List.of(event.id()));
      assertThat(attempts).hasValue(3);
      assertThat(parked).as("waits in memory, where it is not settled").hasValue(0);
    }
  }

  @Test
  void aWaitLongerThanHotIsSpentInTheStore() {
    AtomicBoolean mended = new AtomicBoolean();
    Subscriber subscriber =
        bus.subscribe("t", "g")
            .hotDelay(Duration.ZERO)
            .retry(RetryPolicy.fixed(1_000, Duration.ofMillis(20)))
            .start(
                (e, c) -> {
                  if (!mended.get()) {
                    throw new IllegalStateException("not yet");
                  }
                  handled.add(e.id());
                });
    List<String> ids = publish(20);
    Awaitility.await().until(() -> subscriber.inFlight() < 20);
    mended.set(true);
    handledAre(ids);
    assertThat(bus.problems()).isEmpty();
    assertThat(subscriber.shards()).hasSize(8);
  }

  @Test
  void whatIsParkedComesBackToTheHandlerOfItsTopic() {
    for (String topic : List.of("a", "b", "c")) {
      Set<String> failedOnce = ConcurrentHashMap.newKeySet();
      bus.subscribe(topic, "same")
          .hotDelay(Duration.ZERO)
          .retry(RetryPolicy.fixed(5, Duration.ofMillis(10)))
          .start(
              (e, c) -> {
                assertThat(c.topic()).isEqualTo(topic);
                if (failedOnce.add(e.id())) {
                  throw new IllegalStateException("once");
                }
                handled.add(topic + " " + e.data(Integer.class));
              });
    }
    for (int i = 0; i < 5; i++) {
      for (String topic : List.of("a", "b", "c")) {
        bus.publish(topic, Event.builder("x").key("k").json(i).build());
      }
    }
    Awaitility.await().until(() -> handled.size() == 15);
    assertThat(handled.stream().filter(one -> one.startsWith("b")).toList())
        .containsExactly("b 0", "b 1", "b 2", "b 3", "b 4");
  }

  @Test
  void whatADeadBusHeldIsGivenBack() {
    Event event = Event.of("x", 1);
    // a bus that claims what is due, and dies before it has published it
    StoreAccess access = new StoreAccess(store);
    Holders dead = new Holders(access, Duration.ofMillis(500));
    dead.begin();
    try (EventBus other =
        EventBus.builder(StoreTransport.builder(store).build(), new MemoryStateStore()).build()) {
      assertThat(other.problems()).isEmpty();
    }
    ParkingLot unstarted =
        new ParkingLot(
            access,
            StoreTransport.builder(store).build(),
            Duration.ofSeconds(1),
            Duration.ofMillis(50));
    unstarted.publishAt(new Outgoing("t", event), Instant.EPOCH);
    assertThat(
            store.claim(
                new Claim(
                    dead.next(),
                    new Claim.From.Due(List.of("$later")),
                    store.info().all(),
                    10,
                    1_000_000)))
        .hasSize(1);
    bus.subscribe("t", "g").start((e, c) -> handled.add(e.id()));
    try (EventBus living =
        EventBus.builder(StoreTransport.builder(store).build(), store)
            .lease(Duration.ofMillis(500))
            .lookEvery(Duration.ofMillis(20))
            .build()) {
      handledAre(List.of(event.id()));
      assertThat(living.problems()).isEmpty();
    }
  }
}
