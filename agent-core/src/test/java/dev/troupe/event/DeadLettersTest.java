package dev.troupe.event;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.resilience.RetryPolicy;
import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.ForwardingStore;
import dev.troupe.state.Outcome;
import dev.troupe.state.Page;
import dev.troupe.state.StateStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** What the contracts of the test kit leave to the implementation of dead letters. */
final class DeadLettersTest extends OwnBus {
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
