package dev.troupe.event;

/** What is done with an event. Called by many threads at once, for different events. */
@FunctionalInterface
public interface EventHandler {
  /**
   * Handles an event. When this returns, the event is settled for the group; when it throws, it is
   * tried again as the subscriber's retry policy says, and then kept as a dead letter. An event may
   * come more than once.
   *
   * @param event the event
   * @param context what is known of the delivery, and how to answer
   * @throws Exception when the event could not be handled
   */
  void handle(Event event, EventContext context) throws Exception;
}
