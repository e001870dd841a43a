package dev.troupe.event;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.resilience.RetryPolicy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** Events that wait in memory for their next attempt: who waits with them, and who does not. */
final class HotWaitTest extends OwnBus {
  private final StoreTransport transport =
      StoreTransport.builder(store).shards(1).lease(Duration.ofSeconds(1)).build();
  private final EventBus own = EventBus.builder(transport, store).build();

  @Override
  void close() {
    own.close(Duration.ZERO);
    transport.close();
    super.close();
  }

  /** As many events, each of its own key. */
  private List<String> publish(String type, int count) {
    List<Outgoing> events = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      events.add(new Outgoing("t", Event.builder(type).key(type + i).json(i).build()));
    }
    own.publish(events);
    return events.stream().map(one -> one.event().id()).toList();
  }

  @Test
  void keysThatWaitHoldUpNoOtherHoweverFewThreadsThereAre() {
    Set<String> failed = ConcurrentHashMap.newKeySet();
    Subscriber subscriber =
        own.subscribe("t", "g")
            .concurrency(2)
            .hotDelay(Duration.ofHours(2))
            .retry(RetryPolicy.fixed(2, Duration.ofHours(1)))
            .start(
                (e, c) -> {
                  if (e.type().equals("bad")) {
                    failed.add(e.id());
                    throw new IllegalStateException("in an hour");
                  }
                  handled.add(e.id());
                });
    List<String> bad = publish("bad", 20);
    List<String> good = new ArrayList<>(publish("good", 50));
    // of a key that waits; it waits, too
    own.publish("t", Event.builder("behind").key("bad7").json(1).build());
    good.addAll(publish("good", 50));
    handledAre(good);
    assertThat(failed).containsExactlyInAnyOrderElementsOf(bad);
    assertThat(parkedOf("g")).isZero();
    Awaitility.await().until(() -> subscriber.inFlight() == 21);
    assertThat(handled).hasSize(100);
  }

  @Test
  void whatWaitsIsInsideAndNoMoreIsTakenAndTheMemberKeepsItsShard() {
    AtomicBoolean mended = new AtomicBoolean();
    AtomicInteger most = new AtomicInteger();
    AtomicInteger attempts = new AtomicInteger();
    ConcurrentLinkedQueue<String> others = new ConcurrentLinkedQueue<>();
    Set<String> tried = ConcurrentHashMap.newKeySet();
    Subscriber subscriber =
        own.subscribe("t", "g")
            .concurrency(4)
            .maxInFlight(20)
            .retry(RetryPolicy.fixed(1_000_000, Duration.ofMillis(30)))
            .start(
                (e, c) -> {
                  if (!mended.get()) {
                    tried.add(e.id());
                    attempts.incrementAndGet();
                    throw new IllegalStateException("not yet");
                  }
                  handled.add(e.id());
                });
    Awaitility.await().until(() -> subscriber.shards().size() == 1);
    StoreTransport second =
        StoreTransport.builder(store).shards(1).lease(Duration.ofSeconds(1)).build();
    try (EventBus another = EventBus.builder(second, store).build()) {
      another.subscribe("t", "g").start((e, c) -> others.add(e.id()));
      List<String> ids = publish("slow", 100);
      Awaitility.await().until(() -> tried.size() == 20);
      // each of them several times, and for longer than a silent member would keep its shard
      long end = System.nanoTime() + Duration.ofSeconds(2).toNanos();
      Awaitility.await()
          .pollInterval(Duration.ofMillis(5))
          .until(
              () -> {
                most.accumulateAndGet(subscriber.inFlight(), Math::max);
                return attempts.get() >= 200 && System.nanoTime() - end > 0;
              });
      assertThat(most).hasValue(20);
      assertThat(tried).hasSize(20);
      assertThat(others).isEmpty();
      mended.set(true);
      Awaitility.await().until(() -> handled.size() + others.size() >= 100);
      assertThat(others).isEmpty();
      assertThat(handled).containsExactlyInAnyOrderElementsOf(ids);
    }
    second.close();
  }
}
