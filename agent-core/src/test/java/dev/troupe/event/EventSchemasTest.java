package dev.troupe.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.resilience.RetryPolicy;
import dev.troupe.state.Change;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.RecordId;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.UnaryOperator;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/** Forms that the data of events has had, and what becomes of data in no form at all. */
final class EventSchemasTest {
  private static final String ONE =
      "{\"type\":\"object\",\"required\":[\"euros\"],\"properties\":{\"euros\":{\"type\":\"integer\"}},\"additionalProperties\":false}";
  private static final String TWO =
      "{\"type\":\"object\",\"required\":[\"cents\"],\"properties\":{\"cents\":{\"type\":\"integer\",\"minimum\":0}}}";

  /** The latest form. */
  private record Money(int cents) {}

  private final EventSchemas schemas =
      EventSchemas.builder()
          .schema("paid", "paid/1", ONE)
          .schema("paid", "paid/2", TWO, old -> Map.of("cents", 100 * (Integer) old.get("euros")))
          .build();

  private static Event paid(String schema, Object data) {
    return Event.builder("paid").schema(schema).json(data).build();
  }

  @Test
  void anOlderFormIsBroughtUpToDate() {
    Event latest = schemas.latest(paid("paid/1", Map.of("euros", 3)));
    assertThat(latest.data(Money.class)).isEqualTo(new Money(300));
    assertThat(latest.schema()).contains("paid/2");
    Event other = Event.of("other", "anything");
    assertThat(schemas.latest(other)).isSameAs(other);
  }

  @Test
  void whatBreaksASchemaIsNamedWithoutItsData() {
    assertThatThrownBy(() -> schemas.latest(paid("paid/2", Map.of("cents", "secret"))))
        .isInstanceOfSatisfying(
            AgentException.class,
            e -> {
              assertThat(e.code()).isEqualTo(ErrorCode.INVALID_INPUT);
              assertThat(e.getMessage()).contains("type at '/cents'").doesNotContain("secret");
            });
    assertThatThrownBy(() -> schemas.latest(paid("paid/3", Map.of())))
        .hasMessageContaining("paid/3")
        .hasMessageContaining("paid/2");
    // becomes less than nothing
    assertThatThrownBy(() -> schemas.latest(paid("paid/1", Map.of("euros", -1))))
        .hasMessageContaining("minimum");
    Event noJson =
        Event.builder("paid").schema("paid/2").data(new byte[] {'{'}, "application/json").build();
    assertThatThrownBy(() -> schemas.latest(noJson)).hasMessageContaining("no JSON");
  }

  @Test
  void schemasThatDoNotFitAreRefused() {
    assertThatThrownBy(() -> EventSchemas.builder().schema("a", "a/1", "no json"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("a/1");
    assertThatThrownBy(() -> EventSchemas.builder().schema("a", "a/2", ONE, data -> data))
        .hasMessageContaining("no form before");
    assertThatThrownBy(
            () ->
                EventSchemas.builder()
                    .schema("a", "a/1", ONE)
                    .schema("a", "a/1", TWO, data -> data)
                    .build())
        .hasMessageContaining("two schemas");
  }

  @Test
  void aBusPublishesAndHandlesOnlyWhatKeepsToItsSchema() {
    List<Money> handled = new CopyOnWriteArrayList<>();
    MemoryStateStore store = new MemoryStateStore();
    try (StoreTransport transport = StoreTransport.builder(store).build();
        EventBus older = EventBus.builder(transport, store).build();
        EventBus bus = EventBus.builder(transport, store).schemas(schemas).build()) {
      bus.subscribe("money", "g").start((event, context) -> handled.add(event.data(Money.class)));
      assertThatThrownBy(() -> bus.publish("money", paid("paid/2", Map.of("cents", -1))))
          .isInstanceOf(AgentException.class);
      bus.publish("money", Event.of("paid", Map.of("cents", 5)));
      older.publish("money", paid("paid/1", Map.of("euros", 1)));
      older.publish("money", paid("paid/1", Map.of("dollars", 1)));
      Awaitility.await()
          .until(
              () -> handled.size() == 2 && !bus.deadLetters().list("g", null, 5).items().isEmpty());
      assertThat(handled).containsExactlyInAnyOrder(new Money(5), new Money(100));
      DeadLetter dead = bus.deadLetters().list("g", null, 5).items().get(0);
      assertThat(dead.reason()).isEqualTo(DeadLetter.Reason.INVALID);
      assertThat(dead.event().schema()).contains("paid/1");
      assertThat(dead.error()).contains("required");
    }
  }

  private static final String THREE =
      "{\"type\":\"object\",\"required\":[\"amount\"],\"properties\":{\"amount\":{\"type\":\"string\"}},\"additionalProperties\":false}";

  /** A bus without schemas, as an older version of the host has it, and one with three forms. */
  private static final class Fleet implements AutoCloseable {
    final List<String> handled = new CopyOnWriteArrayList<>();
    final MemoryStateStore store = new MemoryStateStore();
    final StoreTransport transport = StoreTransport.builder(store).build();
    final EventBus older = EventBus.builder(transport, store).build();
    final EventBus bus;

    Fleet(UnaryOperator<Map<String, Object>> toThree) {
      EventSchemas three =
          EventSchemas.builder()
              .schema("paid", "paid/1", ONE)
              .schema(
                  "paid", "paid/2", TWO, old -> Map.of("cents", 100 * (Integer) old.get("euros")))
              .schema("paid", "paid/3", THREE, toThree)
              .build();
      bus = EventBus.builder(transport, store).schemas(three).build();
    }

    Fleet subscribed() {
      bus.subscribe("money", "g")
          .concurrency(1)
          .start(
              (event, context) ->
                  handled.add(event.schema().orElseThrow() + event.data(Map.class)));
      return this;
    }

    List<DeadLetter> letters() {
      return bus.deadLetters().list("g", null, 100).items();
    }

    @Override
    public void close() {
      bus.close(Duration.ofSeconds(1));
      older.close(Duration.ofSeconds(1));
      transport.close();
    }
  }

  private static Map<String, Object> amount(Map<String, Object> old) {
    return Map.of("amount", old.get("cents") + " cents");
  }

  @Test
  void eachFormBecomesTheNextUntilTheLatest() {
    try (Fleet fleet = new Fleet(EventSchemasTest::amount).subscribed()) {
      fleet.older.publish("money", paid("paid/1", Map.of("euros", 3)));
      fleet.older.publish("money", paid("paid/2", Map.of("cents", 7)));
      fleet.older.publish("money", paid("paid/3", Map.of("amount", "nothing")));
      Awaitility.await().until(() -> fleet.handled.size() == 3);
      assertThat(fleet.handled)
          .containsExactlyInAnyOrder(
              "paid/3{amount=300 cents}", "paid/3{amount=7 cents}", "paid/3{amount=nothing}");
      assertThat(fleet.letters()).isEmpty();
    }
  }

  @Test
  void whatCanNotBeBroughtUpToDateIsADeadLetterAsItCameAndStopsNothing() {
    List<UnaryOperator<Map<String, Object>>> wrong =
        List.of(
            old -> {
              throw new IllegalStateException("secret");
            },
            old -> {
              throw new StackOverflowError();
            },
            old -> null,
            old -> Map.of("amount", new Object()),
            old -> old);
    for (UnaryOperator<Map<String, Object>> toThree : wrong) {
      try (Fleet fleet = new Fleet(toThree).subscribed()) {
        Event old =
            Event.builder("paid").schema("paid/1").key("k").json(Map.of("euros", 3)).build();
        Event unknown =
            Event.builder("paid").schema("paid/1.5").key("k").json(Map.of("euros", 3)).build();
        Event latest =
            Event.builder("paid").schema("paid/3").key("k").json(Map.of("amount", "1")).build();
        fleet.older.publish(
            List.of(
                new Outgoing("money", old),
                new Outgoing("money", unknown),
                new Outgoing("money", latest)));
        Awaitility.await().until(() -> fleet.handled.size() == 1 && fleet.letters().size() == 2);
        assertThat(fleet.handled).containsExactly("paid/3{amount=1}");
        assertThat(fleet.letters())
            .allSatisfy(
                letter -> {
                  assertThat(letter.reason()).isEqualTo(DeadLetter.Reason.INVALID);
                  assertThat(letter.error()).contains("paid/3").doesNotContain("secret");
                })
            .extracting(DeadLetter::event)
            .containsExactlyInAnyOrder(old, unknown);
      }
    }
  }

  @Test
  void aFormToWhichNothingLeadsIsRefused() {
    EventSchemas.Builder builder = EventSchemas.builder().schema("paid", "paid/1", ONE);
    assertThatThrownBy(() -> builder.schema("paid", "paid/2", TWO, null))
        .isInstanceOf(NullPointerException.class)
        .hasMessage("upcaster");
  }

  @Test
  void whatIsPublishedLaterOrWithAChangeIsRefusedAtOnceOrADeadLetterWhereverItWaits() {
    try (Fleet fleet = new Fleet(EventSchemasTest::amount).subscribed()) {
      Event broken = paid("paid/3", Map.of("amount", 5));
      assertThatThrownBy(() -> fleet.bus.publishAfter("money", broken, Duration.ofHours(1)))
          .isInstanceOf(AgentException.class)
          .hasMessageContaining("type at '/amount'");
      EventOutbox outbox = fleet.bus.outbox(fleet.store);
      assertThatThrownBy(() -> outbox.edits("key", "money", broken))
          .isInstanceOf(AgentException.class)
          .hasMessageContaining("type at '/amount'");
      // who knows no schemas lets it through, and it is found where it is handled
      Event delayed = paid("paid/3", Map.of("amount", 6));
      fleet.older.publishAfter("money", delayed, Duration.ofMillis(20));
      Event laid = paid("paid/1", Map.of("dollars", 6));
      EventOutbox blind = fleet.older.outbox(fleet.store);
      fleet.store.apply(
          List.of(
              new Change(
                  "change",
                  RecordId.of("key", fleet.store.info().partitions()).partition(),
                  blind.edits("key", "money", laid))));
      blind.look();
      fleet.bus.publishAfter("money", paid("paid/2", Map.of("cents", 8)), Duration.ofMillis(30));
      Awaitility.await().until(() -> fleet.handled.size() == 1 && fleet.letters().size() == 2);
      assertThat(fleet.handled).containsExactly("paid/3{amount=8 cents}");
      assertThat(fleet.letters())
          .allSatisfy(letter -> assertThat(letter.reason()).isEqualTo(DeadLetter.Reason.INVALID))
          .extracting(DeadLetter::event)
          .containsExactlyInAnyOrder(delayed, laid);
    }
  }

  @Test
  void whatFailsIsParkedBuriedAndKnownAgainInTheFormInWhichItCame() {
    try (Fleet fleet = new Fleet(EventSchemasTest::amount)) {
      fleet
          .bus
          .subscribe("money", "g")
          .hotDelay(Duration.ZERO)
          .retry(RetryPolicy.fixed(2, Duration.ofMillis(1)))
          .start(
              (event, context) -> {
                fleet.handled.add(event.schema().orElseThrow());
                throw new IllegalStateException("always");
              });
      Event old = paid("paid/1", Map.of("euros", 3));
      fleet.older.publish("money", old);
      Awaitility.await().until(() -> fleet.letters().size() == 1);
      assertThat(fleet.letters().get(0).event()).isEqualTo(old);
      Event same = paid("paid/1", Map.of("euros", 3));
      fleet.older.publish("money", same);
      Awaitility.await().until(() -> fleet.letters().size() == 2);
      assertThat(fleet.letters())
          .extracting(DeadLetter::reason)
          .containsExactlyInAnyOrder(DeadLetter.Reason.FAILED, DeadLetter.Reason.REPEATED);
      assertThat(fleet.handled).containsExactly("paid/3", "paid/3", "paid/3");
    }
  }
}
