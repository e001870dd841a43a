package dev.troupe.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.event.Subscription.Mode;
import dev.troupe.resilience.BackoffRetryPolicy;
import dev.troupe.resilience.RetryPolicy;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** For how long a group recognises what it has handled, and which copies that is about. */
final class DedupeTest extends OwnBus {
  private static final Event EVENT = Event.builder("x").key("k").json(1).build();

  /** Copies come by several topics, because no transport knows them again then. */
  private Subscriber.Builder copies(Duration window) {
    return bus.subscribe(List.of("one", "other"), "g").dedupe(window);
  }

  private Subscriber.Builder retrying(RetryPolicy policy, Duration window) {
    return bus.subscribe("t", "g").retry(policy).dedupe(window);
  }

  @Test
  void aWindowShorterThanTheRetriesIsRefusedWithBothNumbers() {
    RetryPolicy waits = RetryPolicy.fixed(4, Duration.ofSeconds(20));
    assertThatThrownBy(() -> retrying(waits, Duration.ofSeconds(60)).start((e, c) -> {}))
        .isInstanceOfSatisfying(
            AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_INPUT))
        .hasMessageContaining("group g")
        .hasMessageContaining("for PT1M (dedupe)")
        .hasMessageContaining("again for PT1M;")
        .hasMessageContaining("longer window");
    retrying(waits, Duration.ofSeconds(61)).start((e, c) -> {}).close();
    // 200, 400, 800 and 1,600 ms, when chance shortens none
    RetryPolicy grows = RetryPolicy.exponential(5);
    assertThatThrownBy(() -> retrying(grows, Duration.ofSeconds(3)).start((e, c) -> {}))
        .hasMessageContaining("again for PT3S;");
    retrying(grows, Duration.ofMillis(3_001)).start((e, c) -> {}).close();
  }

  @Test
  void whoTriesForEverCanNotRecogniseAndWhoDoesNotTryAgainNeedsNoLongWindow() {
    Duration year = Duration.ofDays(365);
    List<RetryPolicy> endless =
        List.of(
            attempt -> Optional.of(Duration.ofMillis(1)),
            RetryPolicy.fixed(2, Duration.ofSeconds(Long.MAX_VALUE)),
            BackoffRetryPolicy.builder(1_000).maxDelay(Duration.ofDays(3_650)).build());
    for (RetryPolicy policy : endless) {
      assertThatThrownBy(() -> retrying(policy, year).start((e, c) -> {}))
          .isInstanceOf(AgentException.class)
          .hasMessageContaining("again for ever;");
    }
    RetryPolicy fails =
        attempt -> {
          throw new IllegalStateException("no policy");
        };
    for (RetryPolicy policy : List.of(RetryPolicy.none(), fails)) {
      retrying(policy, Duration.ofMillis(1)).start((e, c) -> {}).close();
    }
  }

  @Test
  void whereEveryoneHandlesEverythingNothingIsRecognised() {
    assertThatThrownBy(() -> copies(Duration.ofDays(1)).mode(Mode.EVERYONE).start((e, c) -> {}))
        .isInstanceOfSatisfying(
            AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_INPUT))
        .hasMessageContaining("EVERYONE");
  }

  @Test
  void aCopyThatWasTakenBeforeTheFirstWasHandledIsNotHandled() {
    CountDownLatch bothTaken = new CountDownLatch(1);
    Subscriber subscriber =
        copies(Duration.ofMinutes(5))
            .concurrency(1)
            .start(
                (e, c) -> {
                  bothTaken.await();
                  handled.add(e.id());
                });
    bus.publish("one", EVENT);
    bus.publish("other", EVENT);
    Awaitility.await().until(() -> subscriber.inFlight() == 2);
    bothTaken.countDown();
    Awaitility.await().until(() -> subscriber.inFlight() == 0);
    assertThat(handled).containsExactly(EVENT.id());
  }

  @Test
  void aCopyOfWhatIsParkedIsNotHandled() {
    AtomicBoolean mended = new AtomicBoolean();
    AtomicInteger attempts = new AtomicInteger();
    Subscriber subscriber =
        copies(Duration.ofMinutes(30))
            .hotDelay(Duration.ZERO)
            .retry(RetryPolicy.fixed(10_000, Duration.ofMillis(20)))
            .start(
                (e, c) -> {
                  attempts.incrementAndGet();
                  if (!mended.get()) {
                    throw new IllegalStateException("not yet");
                  }
                  handled.add(e.id());
                });
    bus.publish("one", EVENT);
    Awaitility.await().until(() -> attempts.get() >= 2);
    bus.publish("other", EVENT);
    Awaitility.await()
        .until(() -> subscriber.shards().stream().allMatch(shard -> shard.lag() == 0));
    mended.set(true);
    Event next = Event.builder("x").key("k").json(2).build();
    bus.publish(List.of(new Outgoing("one", next), new Outgoing("other", next)));
    Awaitility.await().until(() -> handled.contains(next.id()) && handled.contains(EVENT.id()));
    Awaitility.await().until(() -> subscriber.inFlight() == 0 && parkedOf("g") == 0);
    assertThat(handled.stream().filter(EVENT.id()::equals)).hasSize(1);
  }

  @Test
  void whenTheWindowIsOverACopyIsHandledAgainHoweverManyCameMeanwhile() {
    StoreTransport transport = StoreTransport.builder(store).shards(1).build();
    try (EventBus own =
        EventBus.builder(transport, store).findTopicsEvery(Duration.ofMillis(5)).build()) {
      Subscriber subscriber =
          own.subscribe("many.*", "g")
              .dedupe(Duration.ofMillis(500))
              .retry(RetryPolicy.none())
              .start((e, c) -> handled.add(e.id()));
      AtomicInteger topics = new AtomicInteger();
      Awaitility.await()
          .until(
              () -> {
                own.publish("many." + topics.incrementAndGet(), EVENT);
                return handled.size() >= 2;
              });
      assertThat(subscriber.problems()).isEmpty();
    }
    transport.close();
  }
}
