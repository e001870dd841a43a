package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.event.DeadLetter;
import dev.troupe.event.Delivery;
import dev.troupe.event.Event;
import dev.troupe.event.EventBus;
import dev.troupe.event.Position;
import dev.troupe.event.Subscriber;
import dev.troupe.event.Subscription.Mode;
import dev.troupe.resilience.RetryPolicy;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

/** Sentences 3 to 6 and 10 of the bus: what can't be handled. */
abstract class DeadLetterContract extends BusFixture {
  @Guarantee(3)
  void g03_whatFailsIsTriedAgainAndThenADeadLetter() {
    AtomicInteger attempts = new AtomicInteger();
    bus()
        .subscribe(topic(), "g")
        .retry(AT_ONCE)
        .start(
            (e, c) -> {
              if (e.key().orElseThrow().equals("bad")) {
                assertThat(c.attempt()).isEqualTo(attempts.incrementAndGet());
                throw new IllegalArgumentException("always");
              }
              handled.add(e.id());
            });
    List<String> ids = publish(3, i -> i == 1 ? "bad" : "good");
    until("it is dead", () -> !letters("g").isEmpty());
    DeadLetter letter = letters("g").get(0);
    assertThat(attempts).hasValue(3);
    assertThat(letter.reason()).isEqualTo(DeadLetter.Reason.FAILED);
    assertThat(letter.attempts()).isEqualTo(3);
    assertThat(letter.error()).contains("IllegalArgumentException").contains("always");
    assertThat(letter.event().id()).isEqualTo(ids.get(1));
    liesWhereItCame(letter);
    until("the others are through", () -> handled.size() == 2);
  }

  /** A letter of group g tells where what it holds is found, and since when it is there. */
  private void liesWhereItCame(DeadLetter letter) {
    assertThat(letter.group()).isEqualTo("g");
    assertThat(letter.topic()).isEqualTo(topic());
    List<Delivery> there =
        bus().history(topic(), Position.START, 100).items().stream()
            .filter(one -> one.shard().equals(new Delivery.Shard(topic(), letter.shard())))
            .filter(one -> one.offset().equals(letter.offset()))
            .toList();
    assertThat(there).hasSize(1);
    if (there.get(0).content() instanceof Delivery.Raw raw) {
      assertThat(raw.data()).isEqualTo(((Delivery.Raw) letter.content()).data());
    } else {
      assertThat(there.get(0).content()).isEqualTo(letter.content());
    }
    // clocks of store and test may differ a little
    assertThat(letter.since()).isCloseTo(Instant.now(), within(1, ChronoUnit.HOURS));
    assertThat(bus().deadLetters().get(letter.id()).orElseThrow().since())
        .isEqualTo(letter.since());
  }

  @Guarantee(3)
  void g03_whoHearsEverythingIsCalledOnceForEachEventAndLeavesNoDeadLetter() {
    bus()
        .subscribe(topic(), "all")
        .mode(Mode.EVERYONE)
        .retry(AT_ONCE)
        .start(
            (e, c) -> {
              handled.add(e.id());
              if (e.data(Integer.class) == 1) {
                throw new IllegalStateException("once is enough");
              }
            });
    List<String> ids = new ArrayList<>(publish(3, i -> "k"));
    appendBytes(topic(), "k", new byte[] {1, 2, (byte) 0xff});
    ids.addAll(publish(3, i -> "k"));
    until("all came", () -> handled.containsAll(ids));
    during(SOME_TIME, () -> assertThat(handled).hasSize(6));
    assertThat(letters("all")).isEmpty();
  }

  @Guarantee(3)
  void g03_theSameContentIsNotTriedSoOftenAgain() {
    AtomicInteger attempts = new AtomicInteger();
    bus()
        .subscribe(topic(), "g")
        .retry(AT_ONCE)
        .start(
            (e, c) -> {
              attempts.incrementAndGet();
              throw new IllegalArgumentException("always");
            });
    bus().publish(topic(), Event.of("same", "content"));
    until("it is dead", () -> letters("g").size() == 1);
    bus().publish(topic(), Event.of("same", "content"));
    until("so is the other", () -> letters("g").size() == 2);
    assertThat(attempts).hasValue(4);
    assertThat(letters("g").stream().map(DeadLetter::reason))
        .containsExactlyInAnyOrder(DeadLetter.Reason.FAILED, DeadLetter.Reason.REPEATED);
  }

  @Guarantee(4)
  void g04_whatKillsItsProcessIsADeadLetterAndWhatWasBesideItIsNot() {
    for (Mode mode : List.of(Mode.ORDERED, Mode.SHARED)) {
      String group = "dies" + mode;
      ConcurrentLinkedQueue<String> through = new ConcurrentLinkedQueue<>();
      AtomicInteger deaths = new AtomicInteger();
      EventBus first = another();
      bornToDie(first, group, mode, through, deaths);
      List<String> ids = publish(30, i -> i == 10 ? "poison" : "k" + i % 5);
      AtomicReference<EventBus> last = new AtomicReference<>(first);
      AtomicInteger processes = new AtomicInteger(1);
      until(
          "it is dead and the others are through",
          () -> {
            if (deaths.get() == processes.get()) {
              processes.incrementAndGet();
              last.set(another());
              bornToDie(last.get(), group, mode, through, deaths);
            }
            return !letters(group).isEmpty() && Set.copyOf(through).size() == 29;
          });
      List<DeadLetter> letters = letters(group);
      assertThat(letters).hasSize(1);
      assertThat(letters.get(0).reason()).isEqualTo(DeadLetter.Reason.POISON);
      assertThat(letters.get(0).event().id()).isEqualTo(ids.get(10));
      // more often than it says where nobody could tell who was to blame
      assertThat(deaths.get()).isBetween(3, 6);
      last.get().close(Duration.ofSeconds(5));
    }
  }

  private void bornToDie(
      EventBus bus,
      String group,
      Mode mode,
      ConcurrentLinkedQueue<String> through,
      AtomicInteger deaths) {
    bus.subscribe(topic(), group)
        .mode(mode)
        .concurrency(4)
        .maxDeliveries(3)
        .start(
            (e, c) -> {
              if (e.key().orElseThrow().equals("poison")) {
                dies(bus);
                deaths.incrementAndGet();
                throw new InterruptedException();
              }
              TimeUnit.MILLISECONDS.sleep(10); // is being handled when another one kills
              through.add(e.id());
            });
  }

  @Guarantee(5)
  void g05_bytesThatAreNoEventStopNothing() {
    bus().subscribe(topic(), "g").start(note());
    List<String> ids = new ArrayList<>(publish(2, i -> "k"));
    byte[] bytes = {1, 2, (byte) 0xff};
    appendBytes(topic(), "k", bytes);
    ids.addAll(publish(2, i -> "k"));
    until("all was handled", () -> handled.size() >= 4 && !letters("g").isEmpty());
    assertThat(handled).containsExactlyElementsOf(ids);
    DeadLetter letter = letters("g").get(0);
    assertThat(letter.reason()).isEqualTo(DeadLetter.Reason.UNDECODABLE);
    assertThat(((Delivery.Raw) letter.content()).data()).isEqualTo(bytes);
    assertThat(letter.event()).isNull();
    assertThat(letter.attempts()).isZero();
    assertThat(letter.error()).isNotBlank().isEqualTo(((Delivery.Raw) letter.content()).why());
    liesWhereItCame(letter);
    assertThatThrownBy(() -> bus().deadLetters().replay(letter.id()))
        .isInstanceOfSatisfying(
            AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_INPUT));
    Event mended = Event.builder("mended").key("k").json(1).build();
    assertThat(bus().deadLetters().replay(letter.id(), mended)).isTrue();
    until("the mended one is handled", () -> handled.contains(mended.id()));
    assertThat(letters("g")).isEmpty();
  }

  @Guarantee(6)
  void g06_deadLettersAreReplayedForTheirGroupAloneOrDiscarded() {
    AtomicBoolean mended = new AtomicBoolean();
    AtomicInteger others = new AtomicInteger();
    bus()
        .subscribe(topic(), "g")
        .retry(RetryPolicy.none())
        .start(
            (e, c) -> {
              if (!mended.get()) {
                throw new IllegalStateException("not yet");
              }
              handled.add(e.id());
            });
    bus().subscribe(topic(), "other").start((e, c) -> others.incrementAndGet());
    List<String> ids = publish(6, i -> "k" + i);
    until("all are dead", () -> letters("g").size() == 6 && others.get() == 6);
    mended.set(true);
    List<DeadLetter> letters = letters("g");
    assertThat(bus().deadLetters().discard(letters.get(0).id())).isTrue();
    assertThat(bus().deadLetters().discard(letters.get(0).id())).isFalse();
    assertThat(bus().deadLetters().replay(letters.get(1).id())).isTrue();
    until("one was handled", () -> handled.size() == 1);
    assertThat(bus().deadLetters().replayAll("g", 100)).isEqualTo(4);
    until("all were handled", () -> handled.size() == 5);
    assertThat(handled).doesNotContain(letters.get(0).event().id()).isSubsetOf(ids);
    assertThat(letters("g")).isEmpty();
    during(SOME_TIME, () -> assertThat(others).hasValue(6));
    assertThat(handled).hasSize(5);
  }

  @Guarantee(10)
  void g10_whatCannotBeLaidDownIsNotSkipped() {
    AtomicBoolean fails = new AtomicBoolean(true);
    Subscriber subscriber =
        bus()
            .subscribe(topic(), "g")
            .retry(RetryPolicy.none())
            .start(
                (e, c) -> {
                  if (fails.get()) {
                    storeRefuses(true);
                    throw new IllegalStateException("always");
                  }
                  handled.add(e.id());
                });
    publish(1, i -> "k");
    until("it is told", () -> !subscriber.problems().isEmpty());
    assertThat(bus().problems().toString()).contains("group g");
    fails.set(false);
    publish(1, i -> "k");
    during(Duration.ofMillis(500), () -> assertThat(handled).isEmpty());
    storeRefuses(false);
    until("the first is dead", () -> letters("g").size() == 1);
    assertThat(letters("g").get(0).reason()).isEqualTo(DeadLetter.Reason.FAILED);
    until("the second is handled", () -> handled.size() == 1);
    until("all is well", () -> bus().problems().isEmpty());
  }
}
