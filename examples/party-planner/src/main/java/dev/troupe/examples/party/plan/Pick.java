package dev.troupe.examples.party.plan;

import java.util.List;

/**
 * What is recommended.
 *
 * @param agent the agent that brought it
 * @param chosen what is recommended
 * @param alternatives what else would do, the better first
 */
public record Pick(String agent, Offer chosen, List<Offer> alternatives) {
  /** Copies the list. */
  public Pick {
    alternatives = List.copyOf(alternatives);
  }
}
