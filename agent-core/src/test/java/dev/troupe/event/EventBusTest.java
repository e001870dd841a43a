package dev.troupe.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.event.Subscription.Mode;
import dev.troupe.resilience.RetryPolicy;
import dev.troupe.state.Change;
import dev.troupe.state.Claim;
import dev.troupe.state.Edit;
import dev.troupe.state.ForwardingStore;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.Outcome;
import dev.troupe.state.Page;
import dev.troupe.state.Place;
import dev.troupe.state.Scan;
import dev.troupe.state.StateStore;
import dev.troupe.state.StoreInfo;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What the contracts of the test kit leave to the implementation. */
final class EventBusTest {
  private final MemoryStateStore store = new MemoryStateStore();
  private final EventBus bus = EventBus.over(store);
  private final ConcurrentLinkedQueue<String> handled = new ConcurrentLinkedQueue<>();

  @AfterEach
  void close() {
    bus.close(Duration.ofSeconds(2));
    bus.close();
  }

  private void handledAre(List<String> ids) {
    Awaitility.await().until(() -> handled.size() >= ids.size());
    assertThat(handled).containsExactlyInAnyOrderElementsOf(ids);
  }

  private List<String> publish(int count) {
    List<Outgoing> events = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      events.add(new Outgoing("t", Event.builder("x").key("k" + i % 7).json(i).build()));
    }
    bus.publish(events);
    return events.stream().map(one -> one.event().id()).toList();
  }

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
  void aRetryPolicyThatFailsGivesUpAndStopsNothing() {
    bus.subscribe("t", "g")
        .concurrency(1)
        .retry(
            attempt -> {
              throw new IllegalStateException("no policy");
            })
        .start(
            (event, context) -> {
              if (event.type().equals("bad")) {
                throw new IllegalArgumentException("bad");
              }
              handled.add(event.id());
            });
    bus.publish("t", Event.builder("bad").key("k").build());
    Event good = Event.builder("good").key("k").build();
    bus.publish("t", good);
    handledAre(List.of(good.id()));
    List<DeadLetter> letters = bus.deadLetters().list("g", null, 10).items();
    assertThat(letters).extracting(DeadLetter::reason).containsExactly(DeadLetter.Reason.FAILED);
  }

  @Test
  void whatIsReplayedHasAllItsAttemptsAgain() {
    AtomicInteger attempts = new AtomicInteger();
    bus.subscribe("t", "g")
        .retry(RetryPolicy.fixed(3, Duration.ofMillis(1)))
        .start(
            (event, context) -> {
              attempts.incrementAndGet();
              throw new IllegalArgumentException("always");
            });
    bus.publish("t", Event.of("bad", 1));
    Awaitility.await().until(() -> !bus.deadLetters().list("g", null, 10).items().isEmpty());
    DeadLetter letter = bus.deadLetters().list("g", null, 10).items().get(0);
    assertThat(attempts).hasValue(3);
    assertThat(bus.deadLetters().replay(letter.id())).isTrue();
    Awaitility.await().until(() -> attempts.get() == 6);
    Awaitility.await().until(() -> !bus.deadLetters().list("g", null, 10).items().isEmpty());
    DeadLetter again = bus.deadLetters().list("g", null, 10).items().get(0);
    assertThat(again.reason()).isEqualTo(DeadLetter.Reason.FAILED);
  }

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

  private long parkedOf(String group) {
    long count = 0;
    for (int partition = 0; partition < store.info().partitions(); partition++) {
      count +=
          store.scan(new Scan.Records(partition, "$park:", null, false, 500)).items().stream()
              .filter(found -> found.place() instanceof Place.Queued q && q.queue().contains(group))
              .count();
    }
    return count;
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
  void deadLettersComeInPagesAndAreReplayedAsSlowlyAsAsked() {
    int count = 250;
    AtomicBoolean well = new AtomicBoolean();
    Subscriber subscriber =
        bus.subscribe("t", "g")
            .retry(RetryPolicy.none())
            .start(
                (event, context) -> {
                  if (!well.get()) {
                    throw new IllegalStateException("not yet");
                  }
                  handled.add(event.id());
                });
    List<String> ids = publish(count);
    Awaitility.await()
        .until(() -> bus.deadLetters().list("g", null, 1_000).items().size() == count);
    List<DeadLetter> all = new ArrayList<>();
    String cursor = null;
    do {
      Page<DeadLetter> page = bus.deadLetters().list("g", cursor, 60);
      assertThat(page.items()).hasSizeBetween(1, 60);
      all.addAll(page.items());
      cursor = page.next();
    } while (cursor != null);
    assertThat(all).extracting(DeadLetter::id).doesNotHaveDuplicates().hasSize(count);
    assertThat(all).extracting(DeadLetter::since).isSortedAccordingTo(Comparator.reverseOrder());
    well.set(true);
    long began = System.nanoTime();
    assertThat(bus.deadLetters().replayAll("g", 200)).isEqualTo(count);
    assertThat(Duration.ofNanos(System.nanoTime() - began))
        .isGreaterThan(Duration.ofMillis((count - 1) * 1_000L / 200));
    handledAre(ids);
    subscriber.close();
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
  void largeDeadLettersAreKeptWhole() {
    AtomicBoolean mended = new AtomicBoolean();
    byte[] large = new byte[200_000];
    large[199_999] = 7;
    bus.subscribe("t", "g")
        .retry(RetryPolicy.none())
        .start(
            (e, c) -> {
              if (!mended.get()) {
                throw new IllegalStateException("too large for me");
              }
              assertThat(e.data()).isEqualTo(large);
              handled.add(e.id());
            });
    Event event = Event.builder("x").data(large, null).build();
    bus.publish("t", event);
    Awaitility.await().until(() -> !bus.deadLetters().list("g", null, 5).items().isEmpty());
    DeadLetter dead = bus.deadLetters().list(null, null, 5).items().get(0);
    assertThat(dead.event()).isEqualTo(event);
    assertThat(dead.toString()).contains("FAILED").doesNotContain("too large");
    mended.set(true);
    assertThat(bus.deadLetters().replayAll("g", 10)).isEqualTo(1);
    handledAre(List.of(event.id()));
    assertThat(bus.deadLetters().replay("none")).isFalse();
    assertThat(bus.deadLetters().get("none")).isEmpty();
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

  @Test
  void whatIsReplayedAtOnceIsHandledThoughItsParkedCopyIsStillThere() {
    CountDownLatch replayed = new CountDownLatch(1);
    AtomicBoolean mended = new AtomicBoolean();
    StateStore slow =
        new ForwardingStore(store) {
          @Override
          public List<Outcome> apply(List<Change> changes) {
            boolean unparks =
                changes.stream()
                    .flatMap(change -> change.edits().stream())
                    .anyMatch(e -> e instanceof Edit.Delete d && d.key().startsWith("$park:"));
            if (unparks) {
              Awaitility.await().until(() -> replayed.getCount() == 0);
            }
            return super.apply(changes);
          }
        };
    try (EventBus own = EventBus.over(slow)) {
      own.subscribe("t", "g")
          .parkKeys()
          .retry(RetryPolicy.fixed(2, Duration.ofMillis(1)))
          .start(
              (e, c) -> {
                if (!mended.get()) {
                  throw new IllegalStateException("not yet");
                }
                handled.add(e.id());
              });
      Event event = Event.builder("x").key("k").json(1).build();
      own.publish("t", event);
      Awaitility.await().until(() -> own.deadLetters().list("g", null, 1).items().size() == 1);
      mended.set(true);
      assertThat(own.deadLetters().replayAll("g", 100)).isEqualTo(1);
      replayed.countDown();
      handledAre(List.of(event.id()));
    }
  }
}
