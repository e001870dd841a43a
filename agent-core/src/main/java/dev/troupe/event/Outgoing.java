package dev.troupe.event;

import java.util.Objects;

/**
 * An event on its way to a topic.
 *
 * @param topic where to append it
 * @param event the event
 */
public record Outgoing(String topic, Event event) {
  public Outgoing {
    Names.check("topic", topic);
    Objects.requireNonNull(event, "event");
  }
}
