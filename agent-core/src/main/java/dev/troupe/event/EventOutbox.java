package dev.troupe.event;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.state.Edit;
import java.util.List;

/**
 * Publishes events in one change with something else: both happen, or neither. The event lies in
 * the store, written by the same change as its cause, until a bus over that store has published it;
 * any bus of the fleet does, whoever wrote it. It is published at least once, and under the same id
 * and source should it be published twice. Events of one key that were written in one partition are
 * published in the order of their changes.
 *
 * <p>Agents have this by {@link dev.troupe.agent.AgentContext#publish(String, Event)}; this is for
 * hosts that make changes of their own. Safe for use by many threads.
 */
public final class EventOutbox {
  /** The most bytes of an event that goes with a change: 120 KiB, as a run's input. */
  public static final int MAX_BYTES = 120 * 1024;

  private final EventBus bus;

  EventOutbox(EventBus bus) {
    this.bus = bus;
  }

  /**
   * What a change has to do so that an event is published when the change is done.
   *
   * @param key the record in which it lies until then: never used before, and of the same route as
   *     what else the change touches
   * @param topic where to
   * @param event the event
   * @return lines for the change
   * @throws AgentException with {@link ErrorCode#INVALID_INPUT} when it does not keep to its schema
   *     or the topic is none, {@link ErrorCode#LIMIT_EXCEEDED} when it is too large
   */
  public List<Edit> edits(String key, String topic, Event event) {
    Event checked = bus.checked(event);
    int size = EventText.encode(checked).length;
    if (size > MAX_BYTES) {
      throw new AgentException(
          ErrorCode.LIMIT_EXCEEDED,
          "%s has %d bytes, and %d may go with a change; lay what is large elsewhere and publish where it lies"
              .formatted(checked, size, MAX_BYTES));
    }
    return bus.parking().laid(key, new Outgoing(topic, checked));
  }

  /** Says that such a change was made, so that the event need not wait for the bus's next look. */
  public void look() {
    bus.parking().look();
  }
}
