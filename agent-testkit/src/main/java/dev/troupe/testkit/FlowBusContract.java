package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.TraceContext;
import dev.troupe.event.DeadLetter;
import dev.troupe.event.Event;
import dev.troupe.event.EventContext;
import dev.troupe.event.EventTransport;
import dev.troupe.event.Outgoing;
import dev.troupe.event.Overflow;
import dev.troupe.event.Subscriber;
import dev.troupe.event.Subscription.Mode;
import dev.troupe.resilience.RetryPolicy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/** What a bus keeps of where events come from, and of how they reach those who listen. */
abstract class FlowBusContract extends DeadLetterContract {
  private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";
  private static final String SPAN = "b7ad6b7169203331";

  /** For subclasses. */
  protected FlowBusContract() {}

  private static Event.Builder traced(String type) {
    return Event.builder(type)
        .key("k")
        .correlationId("run-7")
        .traceparent("00-" + TRACE + "-" + SPAN + "-01")
        .tracestate("one=1,two=2")
        .json(1);
  }

  private static void follows(Event next, Event from) {
    assertThat(next.causationId()).contains(from.id());
    assertThat(next.correlationId()).contains("run-7");
    assertThat(next.tracestate()).contains("one=1,two=2");
    String parent = next.traceparent().orElseThrow();
    assertThat(parent).matches("00-" + TRACE + "-[0-9a-f]{16}-01").doesNotContain(SPAN);
    assertThat(next.trace()).contains(new TraceContext(parent, "one=1,two=2"));
  }

  @Guarantee(13)
  void g13_whatFollowsFromAnEventGoesOnInItsTrace() {
    Map<String, Event> seen = new ConcurrentHashMap<>();
    Event own =
        Event.builder("own")
            .causationId("cause")
            .correlationId("other")
            .traceparent("00-" + "1".repeat(32) + "-" + "2".repeat(16) + "-00")
            .json(1)
            .build();
    bus()
        .subscribe(topic(), "g")
        .start(
            (e, c) -> {
              if (e.type().equals("first")) {
                c.publish(topic(), Event.of("second", 2));
                c.publish(topic(), own);
                bus()
                    .publishAfter(topic(), c.following(Event.of("later", 3)), Duration.ofMillis(1));
              }
              seen.put(e.type(), e);
            });
    Event first = traced("first").build();
    bus().publish(topic(), first);
    until("all came", () -> seen.size() == 4);
    follows(seen.get("second"), first);
    follows(seen.get("later"), first);
    assertThat(seen.get("second").traceparent()).isNotEqualTo(seen.get("later").traceparent());
    assertThat(seen).containsEntry("own", own).containsEntry("first", first);
    assertThat(seen.get("second").time()).isPresent();
  }

  @Guarantee(13)
  void g13_anAnswerGoesOnInTheTraceOfItsQuestion() {
    List<String> asked = Collections.synchronizedList(new ArrayList<>());
    another()
        .subscribe(topic(), "service")
        .start(
            (e, c) -> {
              asked.add(e.id());
              c.reply(Event.of("answer", 7));
            });
    Event question = traced("ask").build();
    follows(bus().request(topic(), question, patience()), question);
    assertThat(asked).containsExactly(question.id());
  }

  @Guarantee(13)
  void g13_anEventKeepsItsTraceWhereverItWaits() {
    List<Event> tried = Collections.synchronizedList(new ArrayList<>());
    AtomicBoolean mended = new AtomicBoolean();
    bus()
        .subscribe(topic(), "g")
        .parkKeys()
        .retry(RetryPolicy.fixed(3, Duration.ofMillis(10)))
        .start(
            (e, c) -> {
              tried.add(e);
              if (!mended.get()) {
                throw new IllegalStateException("not yet");
              }
            });
    Event event = traced("first").causationId("cause").build();
    bus().publishAfter(topic(), event, Duration.ofMillis(1));
    until("it is dead", () -> letters("g").size() == 1);
    DeadLetter letter = letters("g").get(0);
    assertThat(letter.event()).isEqualTo(event);
    mended.set(true);
    Event instead = Event.builder("mended").key("k").json(2).build();
    assertThat(bus().deadLetters().replay(letter.id(), instead)).isTrue();
    until("it was handled", () -> tried.size() == 4);
    assertThat(tried.subList(0, 3)).containsOnly(event);
    Event last = tried.get(3);
    assertThat(last.id()).isEqualTo(instead.id());
    assertThat(last.causationId()).contains("cause");
    assertThat(last.correlationId()).contains("run-7");
    assertThat(last.trace()).isPresent().isEqualTo(event.trace());
  }

  /** A listener that stands still at its first event, and what it heard. */
  private final class Slow {
    final List<Integer> heard = Collections.synchronizedList(new ArrayList<>());
    final List<Long> missed = Collections.synchronizedList(new ArrayList<>());
    final CountDownLatch began = new CountDownLatch(1);
    final CountDownLatch open = new CountDownLatch(1);
    final Subscriber subscriber;

    Slow(Overflow overflow) {
      subscriber =
          bus()
              .subscribe(topic(), "slow")
              .mode(Mode.EVERYONE)
              .concurrency(1)
              .maxInFlight(10)
              .overflow(overflow)
              .start(this::handle);
    }

    private void handle(Event event, EventContext context) throws InterruptedException {
      began.countDown();
      open.await(patience().toMillis(), TimeUnit.MILLISECONDS);
      missed.add(context.missed());
      heard.add(event.data(Integer.class));
    }

    /** A hundred events come, of which the first is being handled. */
    Slow flooded() {
      publish(1, i -> "k");
      until("the first is handled", () -> began.getCount() == 0);
      publish(99, i -> "k");
      return this;
    }
  }

  @Guarantee(14)
  void g14_whatIsTooMuchWaits() {
    Slow slow = new Slow(Overflow.WAIT).flooded();
    during(
        Duration.ofMillis(300),
        () -> assertThat(slow.subscriber.inFlight()).isLessThanOrEqualTo(10));
    slow.open.countDown();
    until("all was handled", () -> slow.heard.size() == 100);
    assertThat(slow.missed).containsOnly(0L);
    assertThat(slow.subscriber.missed()).isZero();
  }

  @Guarantee(14)
  void g14_theOldestGiveWay() {
    Slow slow = new Slow(Overflow.DROP_OLDEST).flooded();
    until("the rest was dropped", () -> slow.subscriber.missed() == 90);
    assertThat(slow.subscriber.inFlight()).isEqualTo(10);
    slow.open.countDown();
    until("the others were handled", () -> slow.heard.size() == 10);
    assertThat(slow.heard).containsExactly(0, 90, 91, 92, 93, 94, 95, 96, 97, 98);
    assertThat(slow.missed).containsExactly(0L, 90L, 0L, 0L, 0L, 0L, 0L, 0L, 0L, 0L);
    publish(1, i -> "k");
    until("the next is handled", () -> slow.heard.size() == 11);
    assertThat(slow.missed.get(10)).isZero();
  }

  @Guarantee(14)
  void g14_theNewestGiveWay() {
    Slow slow = new Slow(Overflow.DROP_NEWEST).flooded();
    until("the rest was dropped", () -> slow.subscriber.missed() == 90);
    slow.open.countDown();
    until("the others were handled", () -> slow.heard.size() == 10);
    assertThat(slow.heard).containsExactly(0, 0, 1, 2, 3, 4, 5, 6, 7, 8);
    publish(1, i -> "k");
    until("the next is handled", () -> slow.heard.size() == 11);
    assertThat(slow.missed.subList(0, 10)).containsOnly(0L);
    assertThat(slow.missed.get(10)).isEqualTo(90);
  }

  /** A topic that is made with all that is in it before anybody can have found it. */
  private List<String> made(String name, int count) {
    String made = topic() + "." + name;
    assertThat(bus().prepare(List.of(EventTransport.Topic.of(made)), true)).isEmpty();
    return publishTo(made, count);
  }

  private List<String> publishTo(String to, int count) {
    List<Outgoing> events = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      events.add(new Outgoing(to, Event.builder("tick").key("k" + i % 5).json(i).build()));
    }
    bus().publish(events);
    return events.stream().map(one -> one.event().id()).toList();
  }

  @Guarantee(15)
  void g15_aTopicThatComesLaterIsHandledFromItsFirstEventOn() {
    for (Mode mode : List.of(Mode.ORDERED, Mode.SHARED)) {
      ConcurrentLinkedQueue<String> handled = new ConcurrentLinkedQueue<>();
      AtomicInteger failures = new AtomicInteger();
      made("old" + mode, 5);
      bus()
          .subscribe(List.of(topic(), topic() + ".*"), "g" + mode)
          .mode(mode)
          .parkKeys()
          .retry(RetryPolicy.fixed(3, Duration.ofMillis(10)))
          .start(
              (e, c) -> {
                if (c.attempt() == 1 && e.data(Integer.class) % 10 == 3) {
                  failures.incrementAndGet();
                  throw new IllegalStateException("once");
                }
                handled.add(e.id());
              });
      List<String> ids = new ArrayList<>(made("new" + mode, 20));
      ids.addAll(publishTo(topic() + ".old" + mode, 5));
      ids.addAll(publish(5, i -> "k"));
      made("deep.er" + mode, 5);
      until("all was handled", () -> handled.size() >= 30);
      ids.addAll(publishTo(topic() + ".new" + mode, 5));
      until("the rest too", () -> handled.size() >= 35);
      during(Duration.ofMillis(200), () -> assertThat(handled).hasSize(35));
      assertThat(handled).containsExactlyInAnyOrderElementsOf(ids);
      assertThat(failures).hasValue(5);
    }
  }

  @Guarantee(15)
  void g15_aTopicThatCameWhileNobodyWasThereIsHandledFromItsFirstEventOn() {
    for (Mode mode : List.of(Mode.ORDERED, Mode.SHARED)) {
      String pattern = topic() + ".away" + mode + ".**";
      ConcurrentLinkedQueue<String> handled = new ConcurrentLinkedQueue<>();
      bus()
          .subscribe(pattern, "g" + mode)
          .mode(mode)
          .start((e, c) -> {})
          .close(Duration.ofSeconds(5));
      List<String> ids = new ArrayList<>(made("away" + mode + ".a", 10));
      ids.addAll(made("away" + mode + ".b.c", 10));
      another().subscribe(pattern, "g" + mode).mode(mode).start((e, c) -> handled.add(e.id()));
      another().subscribe(pattern, "g" + mode).mode(mode).start((e, c) -> handled.add(e.id()));
      until("all was handled", () -> handled.size() >= 20);
      assertThat(handled).containsExactlyInAnyOrderElementsOf(ids);
    }
  }

  @Guarantee(15)
  void g15_whoHearsEverythingHearsATopicFromWhenItWasFound() {
    ConcurrentLinkedQueue<String> heard = new ConcurrentLinkedQueue<>();
    bus().subscribe(topic() + ".*", "all").mode(Mode.EVERYONE).start((e, c) -> heard.add(e.id()));
    made("later", 0);
    List<String> ids = new ArrayList<>();
    until(
        "one was heard",
        () -> {
          ids.addAll(publishTo(topic() + ".later", 1));
          return !heard.isEmpty();
        });
    until("so is the last", () -> heard.contains(ids.get(ids.size() - 1)));
    assertThat(ids.subList(ids.size() - heard.size(), ids.size()))
        .containsExactlyInAnyOrderElementsOf(heard);
  }
}
