package dev.troupe.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.state.MemoryStateStore;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

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
}
