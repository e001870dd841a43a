package dev.troupe.event;

/**
 * What becomes of events in mode {@link Subscription.Mode#EVERYONE} that come while a listener has
 * as many inside as {@link Subscriber.Builder#maxInFlight} allows. What is dropped is counted, see
 * {@link EventContext#missed} and {@link Subscriber#missed}.
 */
public enum Overflow {
  /**
   * They wait in the transport and nothing is dropped here. A transport does not wait for listeners
   * of which it remembers nothing: what it deletes before they come to it, they never see.
   */
  WAIT,
  /**
   * The oldest that wait are dropped: what is handled next is as new as can be. Those that are
   * being handled stay.
   */
  DROP_OLDEST,
  /** They are dropped themselves: what came first is handled without a gap. */
  DROP_NEWEST
}
