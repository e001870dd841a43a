package dev.troupe.event;

/** What became of a delivery. */
public sealed interface Settlement {
  /**
   * What was delivered.
   *
   * @return the delivery, as the feed gave it
   */
  Delivery delivery();

  /**
   * Never again for this group.
   *
   * @param delivery what was delivered
   */
  record Done(Delivery delivery) implements Settlement {}

  /**
   * Give it back; it is delivered again soon.
   *
   * @param delivery what was delivered
   */
  record Again(Delivery delivery) implements Settlement {}

  /**
   * Still working: it must not be given to another.
   *
   * @param delivery what was delivered
   */
  record Keep(Delivery delivery) implements Settlement {}
}
