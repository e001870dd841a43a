package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.TraceContext;
import dev.troupe.event.DeadLetter;
import dev.troupe.event.Event;
import dev.troupe.resilience.RetryPolicy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;

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
}
