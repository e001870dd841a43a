package dev.troupe.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.state.Change;
import dev.troupe.state.Claim;
import dev.troupe.state.Edit;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.MortalStore;
import dev.troupe.state.Outcome;
import dev.troupe.state.RecordId;
import dev.troupe.state.Scan;
import dev.troupe.state.StateStore;
import dev.troupe.state.Stored;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A host that changes state of its own and publishes what follows from that, in one change. */
final class EventOutboxTest extends OwnBus {
  private static Event event(int number) {
    return Event.builder("changed").key("order-7").json(number).build();
  }

  /** Sets the state of an order, if it is as expected, and publishes an event with that. */
  private static Outcome set(
      StateStore in, EventOutbox outbox, long version, int number, Event event) {
    List<Edit> edits = new ArrayList<>();
    edits.add(version == 0 ? new Edit.Absent("order-7") : new Edit.AtVersion("order-7", version));
    edits.add(new Edit.Put("order-7", new byte[] {(byte) number}, Map.of(), null));
    edits.addAll(outbox.edits("order-7/event-" + number, "orders", event));
    Outcome outcome =
        in.apply(List.of(new Change("change-" + event.id(), place("order-7").partition(), edits)))
            .get(0);
    outbox.look();
    return outcome;
  }

  private static RecordId place(String key) {
    return RecordId.of(key, new MemoryStateStore().info().partitions());
  }

  private List<Stored> lying(String key) {
    return store.scan(new Scan.Rows(place(key), null, Long.MAX_VALUE, 0)).items();
  }

  /** A bus of a process that may die. */
  private static EventBus over(StateStore seen) {
    return EventBus.builder(StoreTransport.builder(seen).shards(1).build(), seen)
        .lease(Duration.ofMillis(500))
        .lookEvery(Duration.ofMillis(10))
        .build();
  }

  @Test
  void stateAndEventHappenTogetherInTheOrderOfTheChanges() {
    bus.close(Duration.ZERO); // all lie there before one is published
    EventOutbox outbox = bus.outbox(store);
    long version = 0;
    List<String> all = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      Outcome outcome = set(store, outbox, version, i, event(i));
      assertThat(outcome).isInstanceOf(Outcome.Done.class);
      version = ((Outcome.Done) outcome).seen().get(0).version();
      assertThat(lying("order-7").get(0).value()).containsExactly(i);
      assertThat(lying("order-7/event-" + i)).hasSize(1);
      all.add(Integer.toString(i));
    }
    try (EventBus another = over(store)) {
      another
          .subscribe("orders", "g")
          .from(Position.START)
          .start((e, c) -> handled.add(e.data(Integer.class).toString()));
      Awaitility.await().until(() -> handled.size() >= 50);
      assertThat(handled).containsExactlyElementsOf(all);
      Awaitility.await().until(() -> lying("order-7/event-49").isEmpty());
    }
  }

  @Test
  void aChangeThatIsRefusedPublishesNothing() {
    bus.subscribe("orders", "g").start((e, c) -> handled.add(e.id()));
    EventOutbox outbox = bus.outbox(store);
    Event first = event(1);
    assertThat(set(store, outbox, 0, 1, first)).isInstanceOf(Outcome.Done.class);
    Event refused = event(2);
    assertThat(set(store, outbox, 0, 2, refused)).isInstanceOf(Outcome.Refused.class);
    assertThat(lying("order-7/event-2")).isEmpty();
    long version = lying("order-7").get(0).version();
    Event last = event(3); // of the same lane, so it would come behind
    assertThat(set(store, outbox, version, 3, last)).isInstanceOf(Outcome.Done.class);
    handledAre(List.of(first.id(), last.id()));
    assertThat(lying("order-7").get(0).value()).containsExactly(3);
  }

  /** When the process dies that made the change. */
  enum Moment {
    CHANGED,
    CLAIMED,
    PUBLISHED
  }

  /** A store as a process sees it that dies at a moment of an event's way out. */
  private static final class DyingHost extends MortalStore {
    private final Moment moment;

    DyingHost(StateStore store, Moment moment) {
      super(store);
      this.moment = moment;
    }

    private static boolean has(List<Change> changes, Class<? extends Edit> kind) {
      return changes.stream()
          .flatMap(change -> change.edits().stream())
          .anyMatch(e -> kind.isInstance(e) && e.key().startsWith("order-7/event-"));
    }

    @Override
    public List<Outcome> apply(List<Change> changes) {
      if (moment == Moment.PUBLISHED && has(changes, Edit.Delete.class)) {
        die(); // what it published is not noted
      }
      List<Outcome> outcomes = super.apply(changes);
      if (moment == Moment.CHANGED && has(changes, Edit.Queue.class)) {
        die();
      }
      return outcomes;
    }

    @Override
    public List<Stored> claim(Claim claim) {
      List<Stored> found = super.claim(claim);
      if (moment == Moment.CLAIMED
          && found.stream().anyMatch(one -> one.id().key().startsWith("order-7/event-"))) {
        die();
        return super.claim(claim);
      }
      return found;
    }
  }

  @ParameterizedTest
  @EnumSource(Moment.class)
  void whatAProcessDidNotPublishBeforeItDiedAnotherDoes(Moment moment) {
    bus.close(Duration.ZERO); // nobody but who dies, and who comes when it has died
    DyingHost host = new DyingHost(store, moment);
    EventBus dying = over(host);
    Event event = event(1);
    set(host, dying.outbox(host), 0, 1, event);
    Awaitility.await().until(host::isDead);
    assertThat(lying("order-7/event-1")).hasSize(1);
    try (EventBus another = over(store)) {
      another.subscribe("orders", "g").from(Position.START).start((e, c) -> handled.add(e.id()));
      Awaitility.await().until(() -> lying("order-7/event-1").isEmpty());
      Awaitility.await().until(() -> handled.contains(event.id()));
      assertThat(Set.copyOf(handled)).containsExactly(event.id());
      assertThat(lying("order-7").get(0).value()).containsExactly(1);
    } finally {
      dying.close(Duration.ZERO);
    }
  }

  @Test
  void whatCanNotGoWithAChangeIsRefusedBeforeIt() {
    EventOutbox outbox = bus.outbox(store);
    Event large = Event.builder("x").data(new byte[EventOutbox.MAX_BYTES], null).build();
    assertThatThrownBy(() -> outbox.edits("order-7/event-1", "orders", large))
        .isInstanceOfSatisfying(
            AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.LIMIT_EXCEEDED))
        .hasMessageContaining("122880 may go with a change");
    assertThatThrownBy(() -> outbox.edits("order-7/event-1", "no topic", event(1)))
        .isInstanceOfSatisfying(
            AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_INPUT));
    StateStore other = new MemoryStateStore();
    assertThatThrownBy(() -> bus.outbox(other))
        .isInstanceOfSatisfying(
            AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_INPUT))
        .hasMessageContaining("give both the same object");
  }
}
