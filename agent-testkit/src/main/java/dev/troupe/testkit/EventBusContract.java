package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.event.Event;
import dev.troupe.event.EventBus;
import dev.troupe.event.EventTransport;
import dev.troupe.event.Outgoing;
import dev.troupe.event.Position;
import dev.troupe.event.Subscriber;
import dev.troupe.event.Subscription.Mode;
import dev.troupe.resilience.RetryPolicy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/**
 * What an {@link EventBus} keeps over a transport and a store: a test for each numbered guarantee.
 * Extend it with {@link BusFixture}'s hooks. What follows from events and what can't be handled has
 * its tests in the classes that this one stands on.
 */
public abstract class EventBusContract extends FlowBusContract {
  /** For subclasses. */
  protected EventBusContract() {}

  @Guarantee(1)
  void g01_everyGroupHandlesWhatWasPublished() {
    ConcurrentLinkedQueue<String> others = new ConcurrentLinkedQueue<>();
    bus().subscribe(topic(), "one").start(note());
    bus().subscribe(topic(), "two").mode(Mode.SHARED).start((e, c) -> others.add(e.id()));
    List<String> ids = publish(300, i -> "k" + i % 11);
    until("all was handled", () -> handled.size() >= 300 && others.size() >= 300);
    assertThat(handled).containsExactlyInAnyOrderElementsOf(ids);
    assertThat(others).containsExactlyInAnyOrderElementsOf(ids);
  }

  @Guarantee(1)
  void g01_whatAHandlerDidNotFinishIsHandledByAnother() {
    CountDownLatch stuck = new CountDownLatch(1);
    Subscriber hangs =
        bus()
            .subscribe(topic(), "g")
            .start(
                (e, c) -> {
                  stuck.countDown();
                  LockSupport.park();
                  throw new InterruptedException();
                });
    List<String> ids = publish(5, i -> "k" + i);
    until("somebody began", () -> stuck.getCount() == 0);
    hangs.close(Duration.ZERO);
    another().subscribe(topic(), "g").start(note());
    until("all was handled", () -> handled.size() >= 5);
    assertThat(handled).containsExactlyInAnyOrderElementsOf(ids);
  }

  /** Row C2: handlers that do not end when their shards go. */
  @Guarantee(1)
  void g01_handlersThatDoNotEndKeepShardsNoLongerThanAllowed() {
    CountDownLatch open = new CountDownLatch(1);
    AtomicInteger begun = new AtomicInteger();
    AtomicBoolean gone = new AtomicBoolean();
    AtomicInteger early = new AtomicInteger();
    ConcurrentLinkedQueue<Duration> allowed = new ConcurrentLinkedQueue<>();
    ConcurrentLinkedQueue<Duration> waited = new ConcurrentLinkedQueue<>();
    whenShardsGo(
        (atMost, rest) -> {
          long began = System.nanoTime();
          rest.run();
          waited.add(Duration.ofNanos(System.nanoTime() - began));
          allowed.add(atMost);
          gone.set(true);
        });
    bus()
        .subscribe(topic(), "g")
        .concurrency(20)
        .start(
            (e, c) -> {
              begun.incrementAndGet();
              open.await(patience().toMillis() * 2, TimeUnit.MILLISECONDS);
            });
    List<String> ids = publish(20, i -> "k" + i);
    until("all are being handled", () -> begun.get() == 20);
    another()
        .subscribe(topic(), "g")
        .start(
            (e, c) -> {
              early.addAndGet(gone.get() ? 0 : 1);
              handled.add(e.id());
            });
    until("another handles some of them", () -> !handled.isEmpty());
    open.countDown();
    assertThat(early).hasValue(0);
    assertThat(handled).isSubsetOf(ids);
    assertThat(allowed.peek()).isPositive();
    assertThat(waited.peek()).isGreaterThanOrEqualTo(allowed.peek());
  }

  @Guarantee(2)
  void g02_aShardGoesWhenItsHandlersHaveEndedAndWhatTheyDidIsNotRepeated() {
    boolean inTime = false;
    for (int round = 1; !inTime; round++) { // a machine may be too slow for the time they have
      assertThat(round).as("handlers that could end in time").isLessThan(6);
      inTime = shardsGo("g" + round);
    }
  }

  /** Row C2: handlers end soon after their shards were to go; false when that was not in time. */
  private boolean shardsGo(String group) {
    CountDownLatch open = new CountDownLatch(1);
    AtomicInteger begun = new AtomicInteger();
    Map<String, Integer> times = new ConcurrentHashMap<>();
    ConcurrentLinkedQueue<Boolean> inTime = new ConcurrentLinkedQueue<>();
    whenShardsGo(
        (atMost, rest) -> {
          long began = System.nanoTime();
          open.countDown();
          rest.run();
          inTime.add(atMost.isZero() || System.nanoTime() - began < atMost.toNanos());
        });
    Subscriber first =
        bus()
            .subscribe(topic(), group)
            .concurrency(20)
            .start(
                (e, c) -> {
                  begun.incrementAndGet();
                  open.await(patience().toMillis(), TimeUnit.MILLISECONDS);
                  LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
                  times.merge(e.id(), 1, Integer::sum);
                });
    publish(20, i -> "k" + i);
    until("all are being handled", () -> begun.get() == 20);
    Subscriber second =
        another().subscribe(topic(), group).start((e, c) -> times.merge(e.id(), 1, Integer::sum));
    until("shards went", () -> !inTime.isEmpty() && !second.shards().isEmpty());
    publish(20, i -> "k" + i);
    until("all was handled", () -> times.size() == 40);
    first.close(Duration.ofSeconds(5));
    second.close(Duration.ofSeconds(5));
    if (!inTime.contains(false)) {
      assertThat(times.values()).containsOnly(1);
    }
    return !inTime.contains(false);
  }

  @Guarantee(2)
  void g02_aKeyGoesInOrderAlsoWhenOneIsTriedAgain() {
    Map<String, List<Integer>> seen = new ConcurrentHashMap<>();
    Map<String, AtomicBoolean> inside = new ConcurrentHashMap<>();
    AtomicInteger overlaps = new AtomicInteger();
    Set<String> failedOnce = ConcurrentHashMap.newKeySet();
    bus()
        .subscribe(topic(), "g")
        .retry(AT_ONCE)
        .start(
            (e, c) -> {
              String key = e.key().orElseThrow();
              AtomicBoolean busy = inside.computeIfAbsent(key, k -> new AtomicBoolean());
              if (!busy.compareAndSet(false, true)) {
                overlaps.incrementAndGet();
              }
              try {
                int number = e.data(Integer.class);
                if (number % 17 == 0 && failedOnce.add(e.id())) {
                  throw new IllegalStateException("once");
                }
                seen.computeIfAbsent(key, k -> Collections.synchronizedList(new ArrayList<>()))
                    .add(number);
              } finally {
                busy.set(false);
              }
            });
    publish(400, i -> "k" + i % 8);
    until("all was handled", () -> seen.values().stream().mapToInt(List::size).sum() >= 400);
    assertThat(overlaps).hasValue(0);
    for (int k = 0; k < 8; k++) {
      int remainder = k;
      assertThat(seen.get("k" + k))
          .isEqualTo(IntStream.range(0, 400).filter(i -> i % 8 == remainder).boxed().toList());
    }
  }

  @Guarantee(2)
  void g02_otherKeysDoNotWait() {
    CountDownLatch open = new CountDownLatch(1);
    bus()
        .subscribe(topic(), "g")
        .concurrency(4)
        .start(
            (e, c) -> {
              if (e.key().orElseThrow().equals("slow")) {
                open.await(patience().toMillis(), TimeUnit.MILLISECONDS);
              }
              handled.add(e.id());
            });
    publish(1, i -> "slow");
    List<String> quick = publish(50, i -> "quick" + i);
    until("the others are through", () -> handled.size() >= 50);
    assertThat(handled).containsExactlyInAnyOrderElementsOf(quick);
    open.countDown();
    until("the slow one too", () -> handled.size() == 51);
  }

  @Guarantee(2)
  void g02_aParkedKeyKeepsItsOrder() {
    List<Integer> order = Collections.synchronizedList(new ArrayList<>());
    AtomicBoolean mended = new AtomicBoolean();
    bus()
        .subscribe(topic(), "g")
        .parkKeys()
        .retry(RetryPolicy.fixed(1_000, Duration.ofMillis(50)))
        .start(
            (e, c) -> {
              if (!mended.get() && e.key().orElseThrow().equals("bad")) {
                throw new IllegalStateException("not yet");
              }
              if (e.key().orElseThrow().equals("bad")) {
                order.add(e.data(Integer.class));
              } else {
                handled.add(e.id());
              }
            });
    publish(40, i -> i % 2 == 0 ? "bad" : "good");
    until("the good ones are through", () -> handled.size() >= 20);
    mended.set(true);
    until("the bad ones too", () -> order.size() >= 20);
    assertThat(order).isEqualTo(IntStream.range(0, 40).filter(i -> i % 2 == 0).boxed().toList());
    publish(1, i -> "bad");
    until("and what came later", () -> order.size() == 21);
  }

  @Guarantee(7)
  void g07_aDelayedEventComesWhenItsTimeHasCome() {
    bus().subscribe(topic(), "g").start(note());
    Event event = Event.builder("later").key("k").json(1).build();
    long began = System.nanoTime();
    bus().publishAfter(topic(), event, Duration.ofMillis(600));
    bus().publishAfter(topic(), event, Duration.ofMillis(600));
    until("it came", () -> !handled.isEmpty());
    assertThat(Duration.ofNanos(System.nanoTime() - began))
        .isBetween(Duration.ofMillis(590), Duration.ofSeconds(15));
    during(SOME_TIME, () -> assertThat(handled).containsExactly(event.id()));
  }

  @Guarantee(8)
  void g08_noMoreIsTakenThanMayBeInFlight() {
    CountDownLatch open = new CountDownLatch(1);
    AtomicInteger begun = new AtomicInteger();
    Subscriber subscriber =
        bus()
            .subscribe(topic(), "g")
            .maxInFlight(10)
            .concurrency(20)
            .start(
                (e, c) -> {
                  begun.incrementAndGet();
                  open.await(patience().toMillis(), TimeUnit.MILLISECONDS);
                  handled.add(e.id());
                });
    publish(100, i -> "k" + i);
    until("ten began", () -> begun.get() == 10);
    during(Duration.ofMillis(500), () -> assertThat(subscriber.inFlight()).isLessThanOrEqualTo(10));
    assertThat(begun).hasValue(10);
    open.countDown();
    until("all was handled", () -> handled.size() == 100);
  }

  @Guarantee(9)
  void g09_closingLetsHandlersEndAndSettlesThem() {
    CountDownLatch began = new CountDownLatch(4);
    AtomicInteger inside = new AtomicInteger();
    Subscriber subscriber =
        bus()
            .subscribe(topic(), "g")
            .concurrency(4)
            .start(
                (e, c) -> {
                  inside.incrementAndGet();
                  began.countDown();
                  LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(300));
                  handled.add(e.id());
                  inside.decrementAndGet();
                });
    List<String> ids = publish(40, i -> "k" + i);
    until("four began", () -> began.getCount() == 0);
    subscriber.close(Duration.ofSeconds(20));
    assertThat(inside).hasValue(0);
    int before = handled.size();
    assertThat(before).isBetween(4, 39);
    another().subscribe(topic(), "g").start(note());
    until("the rest was handled", () -> handled.size() >= 40);
    during(Duration.ofMillis(300), () -> assertThat(handled).hasSize(40));
    assertThat(handled).containsExactlyInAnyOrderElementsOf(ids);
  }

  @Guarantee(11)
  void g11_whoAsksGetsHisAnswerOrAnErrorWhenTheTimeIsOver() throws Exception {
    CountDownLatch bothAsked = new CountDownLatch(2);
    another()
        .subscribe(topic(), "service")
        .start(
            (e, c) -> {
              if (e.type().equals("ask")) {
                bothAsked.countDown();
                bothAsked.await(patience().toMillis(), TimeUnit.MILLISECONDS);
                c.reply(Event.of("answer", "to " + e.data(String.class)));
              }
            });
    EventBus other = another();
    CompletableFuture<Event> others =
        CompletableFuture.supplyAsync(() -> other.request(topic(), asks("eight"), patience()));
    Event answer = bus().request(topic(), asks("seven"), patience());
    assertThat(answer.type()).isEqualTo("answer");
    assertThat(answer.data(String.class)).isEqualTo("to seven");
    assertThat(others.get().data(String.class)).isEqualTo("to eight");
    assertThatThrownBy(() -> bus().request(topic(), Event.of("silence", 1), Duration.ofMillis(200)))
        .isInstanceOfSatisfying(
            AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.TIMEOUT));
  }

  private static Event asks(String what) {
    return Event.builder("ask").key(what).json(what).build();
  }

  @Guarantee(12)
  void g12_whatWasHandledIsRecognised() {
    Subscriber first = bus().subscribe(topic(), "g").dedupe(Duration.ofMinutes(5)).start(note());
    Event event = Event.builder("x").key("k").json(1).build();
    bus().publish(topic(), event);
    until("it was handled", () -> handled.size() == 1);
    // so much in between that no transport knows it again by itself
    publish(3_000, i -> "k");
    until("so were the others", () -> handled.size() == 3_001);
    first.close(Duration.ofSeconds(5));
    another().subscribe(topic(), "g").dedupe(Duration.ofMinutes(5)).start(note());
    bus().publish(topic(), event);
    List<String> last = publish(1, i -> "k");
    until("another process handled the last", () -> handled.contains(last.get(0)));
    assertThat(handled.stream().filter(event.id()::equals)).hasSize(1);
  }

  @Test
  void onlyTypesThatAreWantedAreHandled() {
    bus().subscribe(topic(), "g").types("order.*", "stop").start(note());
    Event paid = Event.of("order.paid", 1);
    Event other = Event.of("invoice.paid", 1);
    Event stop = Event.of("stop", 1);
    bus()
        .publish(
            List.of(
                new Outgoing(topic(), paid),
                new Outgoing(topic(), other),
                new Outgoing(topic(), stop)));
    until("two were handled", () -> handled.size() >= 2);
    during(SOME_TIME, () -> assertThat(handled).containsExactlyInAnyOrder(paid.id(), stop.id()));
  }

  @Test
  void everyoneIsToldAndHistoryIsShown() {
    ConcurrentLinkedQueue<String> others = new ConcurrentLinkedQueue<>();
    bus().subscribe(topic(), "a").mode(Mode.EVERYONE).start(note());
    another().subscribe(topic(), "a").mode(Mode.EVERYONE).start((e, c) -> others.add(e.id()));
    bus().subscribe(topic(), "keeper").mode(Mode.SHARED).start((e, c) -> {});
    List<String> ids = publish(5, i -> "k" + i);
    until("both were told", () -> handled.size() == 5 && others.size() == 5);
    assertThat(TransportFixture.ids(bus().history(topic(), Position.START, 100).items()))
        .containsExactlyInAnyOrderElementsOf(ids);
    assertThat(handled).containsExactlyInAnyOrderElementsOf(ids);
    assertThat(others).containsExactlyInAnyOrderElementsOf(ids);
  }

  @Test
  void preparingNamesWhatIsMissing() {
    String missing = topic() + "-x";
    assertThat(bus().prepare(List.of(EventTransport.Topic.of(missing)), false))
        .singleElement()
        .satisfies(problem -> assertThat(problem.toString()).contains(missing));
  }
}
