package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.event.DeadLetter;
import dev.troupe.event.Event;
import dev.troupe.event.EventBus;
import dev.troupe.event.EventHandler;
import dev.troupe.event.EventTransport;
import dev.troupe.event.Feed;
import dev.troupe.event.Outgoing;
import dev.troupe.resilience.RetryPolicy;
import dev.troupe.state.StateStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** What tests of the bus share: hooks for transport and store, buses that are closed. */
@Timeout(300)
@Execution(ExecutionMode.CONCURRENT) // they mostly wait
public abstract class BusFixture {
  /** For tests that wait until the policy gives up. */
  static final RetryPolicy AT_ONCE = RetryPolicy.fixed(3, Duration.ofMillis(10));

  /** For what must not come. */
  static final Duration SOME_TIME = Duration.ofMillis(300);

  /** The ids of the events that {@link #note} has handled. */
  final ConcurrentLinkedQueue<String> handled = new ConcurrentLinkedQueue<>();

  private final String topic = "b-" + UUID.randomUUID();
  private final List<EventBus> buses = new ArrayList<>();
  private final Map<EventBus, MortalProcess> processes = new ConcurrentHashMap<>();
  private final List<EventTransport> transports = new ArrayList<>();
  private @Nullable UnwillingStore store;
  private volatile MortalProcess.Going going = (atMost, rest) -> rest.run();

  /** For subclasses. */
  protected BusFixture() {}

  /**
   * Makes a transport as another process would, over what all transports of this test share.
   *
   * @return a transport, closed after the test
   */
  protected abstract EventTransport transport();

  /**
   * The store that all buses of a test share; called once, closed by the subclass.
   *
   * @return the store
   */
  protected abstract StateStore store();

  /**
   * Puts bytes where an event should be.
   *
   * @param to the topic
   * @param key the key that decides the shard
   * @param bytes no event
   */
  protected abstract void appendBytes(String to, String key, byte[] bytes);

  /**
   * How long to wait for what must come.
   *
   * @return 30 seconds, or more
   */
  protected Duration patience() {
    return Duration.ofSeconds(30);
  }

  @BeforeEach
  void openOne() {
    another();
    List<EventTransport.Topic> needed =
        List.of(EventTransport.Topic.of(topic), EventTransport.Topic.of("troupe.replies"));
    assertThat(bus().prepare(needed, true)).isEmpty();
  }

  @AfterEach
  void closeAll() {
    storeRefuses(false);
    buses.forEach(bus -> bus.close(Duration.ofSeconds(1)));
    transports.forEach(EventTransport::close);
    closed();
  }

  /** Called after everything of a test was closed, to close what lies behind it. */
  protected void closed() {}

  final String topic() {
    return topic;
  }

  /** Handles an event by remembering its id. */
  final EventHandler note() {
    return (event, context) -> handled.add(event.id());
  }

  final EventBus bus() {
    return buses.get(0);
  }

  /** The bus of another process. */
  final EventBus another() {
    if (store == null) {
      store = new UnwillingStore(store());
    }
    EventTransport transport = transport();
    transports.add(transport);
    MortalProcess process =
        new MortalProcess(transport, store, (atMost, rest) -> going.shards(atMost, rest));
    EventBus bus =
        EventBus.builder(seen(process.transport()), seen(process.store()))
            .lookEvery(Duration.ofMillis(20))
            .findTopicsEvery(Duration.ofMillis(50))
            .lease(Duration.ofSeconds(2))
            .build();
    buses.add(bus);
    processes.put(bus, process);
    return bus;
  }

  /** What a bus sees of its transport, on top of everything; there is a test that spoils it. */
  EventTransport seen(EventTransport behind) {
    return behind;
  }

  /** As above, of its store. */
  StateStore seen(StateStore behind) {
    return behind;
  }

  /** The process of a bus dies: nothing that it does reaches anybody any more. */
  final void dies(EventBus bus) {
    MortalProcess process = processes.get(bus);
    process.die();
    process.feeds().forEach(this::silent);
  }

  /**
   * The process of a feed died; for transports that go on by themselves.
   *
   * @param feed whose process it was
   */
  protected void silent(Feed feed) {}

  /** What to do around the word to a bus that shards go; with no time they are gone already. */
  final void whenShardsGo(MortalProcess.Going then) {
    going = then;
  }

  /** From now on the store of dead letters and parked events fails, or no longer. */
  final void storeRefuses(boolean on) {
    if (store != null) {
      store.refuses(on);
    }
  }

  final List<String> publish(int count, IntFunction<String> key) {
    List<Outgoing> events = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Event event = Event.builder("tick").key(key.apply(i)).json(i).build();
      events.add(new Outgoing(topic, event));
    }
    bus().publish(events);
    return events.stream().map(one -> one.event().id()).toList();
  }

  final List<DeadLetter> letters(String group) {
    return bus().deadLetters().list(group, null, 100).items().stream()
        .filter(letter -> letter.topic().equals(topic))
        .toList();
  }

  final void during(Duration time, Runnable action) {
    long end = System.nanoTime() + time.toNanos();
    while (System.nanoTime() - end < 0) {
      action.run();
      LockSupport.parkNanos(5_000_000);
    }
  }

  final void until(String what, BooleanSupplier reached) {
    long end = System.nanoTime() + patience().toNanos();
    while (!reached.getAsBoolean()) {
      assertThat(System.nanoTime() - end).as("%s within %s", what, patience()).isNegative();
      LockSupport.parkNanos(5_000_000);
    }
  }
}
