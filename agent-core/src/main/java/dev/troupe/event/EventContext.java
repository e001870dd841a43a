package dev.troupe.event;

import dev.troupe.event.Delivery.Shard;

/** What a handler knows of an event beside the event. Safe for use by many threads. */
public final class EventContext {
  private final EventBus bus;
  private final Event event;
  private final String group;
  private final Shard shard;
  private final int attempt;
  private final long missed;

  EventContext(EventBus bus, String group, Task task, Event event) {
    this.bus = bus;
    this.event = event;
    this.group = group;
    this.shard = task.shard;
    this.attempt = task.attempts + 1;
    this.missed = task.missed;
  }

  /**
   * The topic that the event came from.
   *
   * @return its name
   */
  public String topic() {
    return shard.topic();
  }

  /**
   * The group that handles it.
   *
   * @return its name
   */
  public String group() {
    return group;
  }

  /**
   * Which attempt this is.
   *
   * @return from 1; goes on counting after a delay, but not after the death of a process, unless
   *     the event lay in the store
   */
  public int attempt() {
    return attempt;
  }

  /**
   * How many events were dropped directly before this one, in the order in which they came, because
   * the listener was slower than they.
   *
   * @return 0 unless {@link Subscriber.Builder#overflow} lets events be dropped
   */
  public long missed() {
    return missed;
  }

  /**
   * The same for every attempt at this event by this group: for what must not be done twice.
   *
   * @return group, source and id of the event
   */
  public String idempotencyKey() {
    return group + ":" + event.source() + ":" + event.id();
  }

  /**
   * Publishes an event that follows from this one, see {@link #following}.
   *
   * @param topic where to
   * @param next the event
   * @throws AppendFailedException when it is unknown whether it was published, or it was not
   */
  public void publish(String topic, Event next) {
    bus.publish(topic, following(next));
  }

  /**
   * Answers a request, see {@link EventBus#request}. The answer follows from this event. Nothing
   * happens when nobody waits any more.
   *
   * @param answer the answer
   * @throws dev.troupe.AgentException with {@code INVALID_INPUT} when the event asks for no answer
   */
  public void reply(Event answer) {
    bus.reply(event, following(answer));
  }

  /**
   * An event as one that follows from this one: with this event's id as {@code causationid}, its
   * {@code correlationid}, and in its trace, one span further, with its {@code tracestate}. What
   * the event has of these stays; with a {@code traceparent} of its own it keeps its trace whole.
   * For events that are published in another way than by {@link #publish}, such as later.
   *
   * @param next the event
   * @return the same event with what it lacked
   */
  public Event following(Event next) {
    return Lineage.following(event, next);
  }
}
