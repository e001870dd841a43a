package dev.troupe.event;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.event.EventTransport.Problem;
import dev.troupe.event.EventTransport.Topic;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.Page;
import dev.troupe.state.StateStore;
import dev.troupe.state.StoreInfo.Durability;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Publishes events, and has them handled by groups of subscribers, over any {@link EventTransport}.
 * Everything that is not the business of a broker is done here: order by key, retries, dead
 * letters, delays, answers, draining.
 *
 * <p>Guarantees, each with a test of the same number in {@code EventBusContract}:
 *
 * <ol>
 *   <li>An event for which {@link #publish} returned is handled by every group that was subscribed,
 *       or is one of the group's {@link #deadLetters}, or waits in the store for its time: it is
 *       settled only then, whatever dies in between.
 *   <li>In mode {@code ORDERED} events of one key are handled one after another, in the order in
 *       which they were published, also when one of them is tried again; events of other keys do
 *       not wait for them. Only an event that comes a second time may come late.
 *   <li>A handler that throws is called again as the retry policy says. When the policy gives up,
 *       the event is a dead letter with the reason, the attempts and the error. In mode {@code
 *       EVERYONE} it is called once for each event, and nothing becomes a dead letter: the log
 *       tells what was not handled.
 *   <li>An event that kills its process each time is a dead letter after {@link
 *       Subscriber.Builder#maxDeliveries}; what was delivered beside it is not.
 *   <li>Bytes that are no event are a dead letter, and stop nothing.
 *   <li>A dead letter is handled again by its group alone when it is replayed, and is gone when it
 *       is discarded.
 *   <li>An event that is published for a time is published then or soon after, and never before.
 *   <li>At most {@link Subscriber.Builder#maxInFlight} events are taken and not settled.
 *   <li>When {@link Subscriber#close(Duration)} returns, nothing is being handled unless the grace
 *       was over, and what was handled is settled.
 *   <li>What can't be laid down, because the store is away, is tried again until it can; nothing is
 *       skipped, and {@link #problems()} tells.
 *   <li>An answer to a request reaches who asked, or the request fails when its time is over.
 *   <li>With {@link Subscriber.Builder#dedupe}, an event that the group has handled is not handled
 *       again within the window, unless a process died between handling and noting it.
 *   <li>What a handler publishes or answers by its {@link EventContext} has the event's id as
 *       causation, its correlation, and its trace, one span further. An event keeps its own through
 *       retries, delays, parking, dead letters and replays.
 *   <li>In mode {@code EVERYONE} what comes while {@code maxInFlight} events are inside waits in
 *       the transport, or is dropped, as {@link Subscriber.Builder#overflow} says. {@link
 *       EventContext#missed} tells who handles the next one how many, {@link Subscriber#missed} how
 *       many in all.
 *   <li>A group that names a pattern handles each topic that fits it and was made later, from its
 *       first event on, soon after the topic was made, and also when nobody of the group was there
 *       meanwhile; in mode {@code EVERYONE} from when it was found on.
 * </ol>
 *
 * <p>Safe for use by many threads.
 */
public final class EventBus implements AutoCloseable {
  private final EventTransport transport;
  private final StoreAccess access;
  private final ParkingLot parking;
  private final DeadLetters deadLetters;
  private final Replies replies;
  private final List<Subscriber> subscribers = new CopyOnWriteArrayList<>();
  private final AtomicBoolean closed = new AtomicBoolean();
  private final boolean closesTransport;
  private final @Nullable EventSchemas schemas;
  private final Duration findTopicsEvery;
  private final @Nullable MeterRegistry meters;

  private EventBus(Builder b) {
    this.transport = b.transport;
    this.closesTransport = b.closesTransport;
    this.schemas = b.schemas;
    this.meters = b.meters;
    this.findTopicsEvery = b.findTopicsEvery;
    this.access = new StoreAccess(b.store);
    this.parking = new ParkingLot(access, transport, b.lease, b.lookEvery);
    this.deadLetters = new DeadLetters(access, parking);
    this.replies = new Replies(this);
    parking.start(
        (parked, why) -> deadLetters.put("", Task.of(parked), DeadLetter.Reason.UNPUBLISHED, why));
  }

  /**
   * A bus over a store: events, dead letters and what waits all lie there.
   *
   * @param store not closed by the bus
   * @return a new bus
   */
  public static EventBus over(StateStore store) {
    Builder builder = new Builder(StoreTransport.builder(store).build(), store);
    builder.closesTransport = true;
    return builder.build();
  }

  /**
   * A bus inside this process, with which everything dies.
   *
   * @return a new bus
   */
  public static EventBus inMemory() {
    return over(new MemoryStateStore());
  }

  /**
   * A bus over a transport.
   *
   * @param transport carries the events; not closed by the bus
   * @param store keeps dead letters and what waits; not closed by the bus
   * @return a builder
   */
  public static Builder builder(EventTransport transport, StateStore store) {
    return new Builder(transport, store);
  }

  /**
   * Publishes an event as it is; from within a handler rather by {@link EventContext#publish},
   * which says what it follows from. When this returns it is as durable as the transport's {@code
   * info()} says.
   *
   * @param topic where to
   * @param event the event
   * @throws AppendFailedException when it is unknown whether it was published, or it was not
   * @throws AgentException with {@link ErrorCode#INVALID_INPUT} when it does not keep to its schema
   */
  public void publish(String topic, Event event) {
    transport.append(List.of(new Outgoing(topic, checked(event))));
  }

  /**
   * Publishes events together, those of a key in their order.
   *
   * @param events topics and events
   * @throws AppendFailedException naming those that were not published, or of which it is unknown
   */
  public void publish(List<Outgoing> events) {
    if (schemas == null) {
      transport.append(events);
      return;
    }
    List<Outgoing> checked = new ArrayList<>(events.size());
    for (Outgoing one : events) {
      checked.add(new Outgoing(one.topic(), checked(one.event())));
    }
    transport.append(checked);
  }

  /**
   * Publishes an event at a time, by the store's clock. It waits in the store; a second time under
   * the same id and source changes nothing while the first waits.
   *
   * @param topic where to
   * @param event the event
   * @param due when; a time that has passed means at once
   */
  public void publishAt(String topic, Event event, Instant due) {
    refuseToForget("publish later");
    parking.publishAt(new Outgoing(topic, checked(event)), due);
  }

  /**
   * As {@link #publishAt}, after a while.
   *
   * @param topic where to
   * @param event the event
   * @param delay how long to wait
   */
  public void publishAfter(String topic, Event event, Duration delay) {
    publishAt(topic, event, Instant.ofEpochMilli(access.now(access.id(topic))).plus(delay));
  }

  /**
   * What publishes events in one change with something else.
   *
   * @param store the store in which the change is made
   * @return the same bus, seen from there
   * @throws AgentException with {@link ErrorCode#INVALID_INPUT} when this is not the bus's store
   */
  public EventOutbox outbox(StateStore store) {
    if (store != access.store) {
      throw new AgentException(
          ErrorCode.INVALID_INPUT,
          "the event bus keeps what waits in another store (%s) than this one (%s); give both the same object"
              .formatted(access.store.info().name(), store.info().name()));
    }
    return new EventOutbox(this);
  }

  Event checked(Event event) {
    return schemas == null ? event : schemas.checked(event);
  }

  /** An event as handlers get it. */
  Event latest(Event event) {
    return schemas == null ? event : schemas.latest(event);
  }

  private void refuseToForget(String what) {
    if (!storeLasts()) {
      throw new AgentException(
          ErrorCode.INVALID_INPUT,
          "can't %s: events survive %s here, and the store that would keep them until then survives %s; give the bus a store that lasts"
              .formatted(what, transport.info().survives(), access.store.info().survives()));
    }
  }

  /** Whether the store outlives what the transport outlives. */
  boolean storeLasts() {
    return access.store.info().survives().compareTo(transport.info().survives()) >= 0;
  }

  /**
   * Subscribes.
   *
   * @param topic what to handle: a topic, or a pattern as {@link #subscribe(List, String)} has them
   * @param group who handles it: every group gets each event, within the group one does
   * @return says how, and begins with {@link Subscriber.Builder#start}
   */
  public Subscriber.Builder subscribe(String topic, String group) {
    return subscribe(List.of(topic), group);
  }

  /**
   * Subscribes to several topics, and to topics that come later. In a pattern {@code *} stands for
   * one part of a name between dots and {@code **} for any number, also none: {@code orders.*} fits
   * {@code orders.paid}, {@code orders.**} that and {@code orders} and {@code orders.eu.paid}. New
   * topics are looked for every {@link Builder#findTopicsEvery}; those of the library itself, which
   * begin with {@code troupe.}, only for patterns that begin so. Topics that are there when the
   * group first names a pattern begin where the subscriber says ({@link Subscriber.Builder#from}).
   *
   * @param topics names and patterns of what to handle
   * @param group who handles it
   * @return says how, and begins with {@link Subscriber.Builder#start}
   */
  public Subscriber.Builder subscribe(List<String> topics, String group) {
    if (closed.get()) {
      throw new AgentException(ErrorCode.CLOSED, "the bus was closed");
    }
    return new Subscriber.Builder(this, group, topics);
  }

  /**
   * Publishes an event and waits for an answer to it, which a handler gives by {@link
   * EventContext#reply}.
   *
   * @param topic where to
   * @param event the event
   * @param atMost how long to wait
   * @return the answer
   * @throws AgentException with {@link ErrorCode#TIMEOUT} when none came in time; the event may be
   *     handled nevertheless
   */
  public Event request(String topic, Event event, Duration atMost) {
    return replies.request(topic, event, atMost);
  }

  void reply(Event to, Event answer) {
    replies.reply(to, answer);
  }

  /**
   * Shows history without subscribing.
   *
   * @param topic the topic
   * @param from where to begin
   * @param limit the most events in the answer
   * @return a page; go on at {@link Position#at} of its {@code next}
   */
  public Page<Delivery> history(String topic, Position from, int limit) {
    return transport.read(topic, from, limit);
  }

  /**
   * Checks topics and settings, and creates topics when asked to.
   *
   * @param topics what must be there
   * @param create whether to create what is missing
   * @return what is wrong, all at once; empty when all is well
   */
  public List<Problem> prepare(List<Topic> topics, boolean create) {
    return transport.prepare(topics, create);
  }

  /**
   * What could not be handled.
   *
   * @return the same object each time
   */
  public DeadLetters deadLetters() {
    return deadLetters;
  }

  /**
   * What keeps events from flowing just now, in any subscriber of this bus or on their way out of
   * its store.
   *
   * @return empty when all is well
   */
  public List<String> problems() {
    List<String> all = new ArrayList<>();
    String trouble = parking.trouble();
    if (trouble != null) {
      all.add(trouble);
    }
    subscribers.forEach(one -> all.addAll(one.problems()));
    return all;
  }

  Following following(SubscriberOptions options) {
    return new Following(access, options.subscription(), options.patterns(), findTopicsEvery);
  }

  @Nullable MeterRegistry meters() {
    return meters;
  }

  EventTransport transport() {
    return transport;
  }

  StoreAccess access() {
    return access;
  }

  ParkingLot parking() {
    return parking;
  }

  void add(Subscriber subscriber) {
    subscribers.add(subscriber);
  }

  void remove(Subscriber subscriber) {
    subscribers.remove(subscriber);
  }

  /** As {@link #close(Duration)} with 30 seconds. */
  @Override
  public void close() {
    close(Duration.ofSeconds(30));
  }

  /**
   * Closes all subscribers side by side, then the bus. May be called more than once.
   *
   * @param grace how long handlers may still work
   */
  public void close(Duration grace) {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    List<Thread> closing = new ArrayList<>();
    for (Subscriber one : subscribers) {
      Thread thread = new Thread(() -> one.close(grace), "troupe-events-close");
      thread.start();
      closing.add(thread);
    }
    boolean interrupted = false;
    for (Thread thread : closing) {
      while (thread.isAlive()) {
        try {
          thread.join();
        } catch (InterruptedException e) {
          interrupted = true;
          break;
        }
      }
    }
    replies.close();
    parking.close();
    if (closesTransport) {
      transport.close();
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** Makes a bus. Not safe for use by several threads. */
  public static final class Builder {
    private final EventTransport transport;
    private final StateStore store;
    private boolean closesTransport;
    private boolean mayForget;
    private @Nullable EventSchemas schemas;
    private @Nullable MeterRegistry meters;
    private Duration lease = Duration.ofSeconds(10);
    private Duration lookEvery = Duration.ofMillis(250);
    private Duration findTopicsEvery = Duration.ofSeconds(1);

    private Builder(EventTransport transport, StateStore store) {
      this.transport = Objects.requireNonNull(transport, "transport");
      this.store = Objects.requireNonNull(store, "store");
    }

    /**
     * Allows a store that survives less than the transport. What waits or is dead is then lost with
     * the store, and which topics were there when a pattern was first named; retries stay in
     * memory, and nothing can be published later.
     *
     * @return this
     */
    public Builder storeMayForget() {
      this.mayForget = true;
      return this;
    }

    /**
     * Sets what the data of events may look like.
     *
     * @param value the schemas, by type
     * @return this
     */
    public Builder schemas(EventSchemas value) {
      this.schemas = value;
      return this;
    }

    /**
     * Counts what subscribers do with Micrometer, all with the tag {@code group}: the counters
     * {@code troupe.events.handled}, {@code .failed} (attempts), {@code .parked}, {@code .missed}
     * (dropped by overflow) and {@code .dead} (with the tag {@code reason}), the gauges {@code
     * troupe.events.in.flight}, {@code .lag} and {@code .problems}. Two subscribers of a group in
     * one process share a name: give them groups or registries of their own.
     *
     * @param registry the host's; not closed by the bus
     * @return this
     */
    public Builder meterRegistry(MeterRegistry registry) {
      this.meters = registry;
      return this;
    }

    /**
     * Sets after which silence of a bus others take over what it held of the store.
     *
     * @param duration at least 500 milliseconds; 10 seconds when not set
     * @return this
     */
    public Builder lease(Duration duration) {
      if (duration.toMillis() < 500) {
        throw new IllegalArgumentException("lease must be at least 500 ms: " + duration);
      }
      this.lease = duration;
      return this;
    }

    /**
     * Sets how often the bus looks in the store for events whose time has come.
     *
     * @param duration at least 5 milliseconds; 250 milliseconds when not set
     * @return this
     */
    public Builder lookEvery(Duration duration) {
      if (duration.toMillis() < 5) {
        throw new IllegalArgumentException("lookEvery must be at least 5 ms: " + duration);
      }
      this.lookEvery = duration;
      return this;
    }

    /**
     * Sets how often a subscriber with patterns looks for topics that are new. Each look lists all
     * topics of the transport.
     *
     * @param duration at least 5 milliseconds; 1 second when not set
     * @return this
     */
    public Builder findTopicsEvery(Duration duration) {
      if (duration.toMillis() < 5) {
        throw new IllegalArgumentException("findTopicsEvery must be at least 5 ms: " + duration);
      }
      this.findTopicsEvery = duration;
      return this;
    }

    /**
     * Makes the bus.
     *
     * @return a new bus; closed by the caller
     * @throws AgentException with {@link ErrorCode#INVALID_INPUT} when the store survives less than
     *     the transport
     */
    public EventBus build() {
      Durability events = transport.info().survives();
      Durability state = store.info().survives();
      if (state.compareTo(events) < 0 && !mayForget) {
        throw new AgentException(
            ErrorCode.INVALID_INPUT,
            "events of transport %s survive %s, but dead letters and delayed events in store %s only %s; take another store, or say storeMayForget()"
                .formatted(transport.info().name(), events, store.info().name(), state));
      }
      return new EventBus(this);
    }
  }
}
