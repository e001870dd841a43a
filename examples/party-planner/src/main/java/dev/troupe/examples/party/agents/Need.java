package dev.troupe.examples.party.agents;

import java.util.List;

/**
 * An agent that has work in a plan.
 *
 * @param agent its name
 * @param dependsOn the agents whose results it uses
 */
public record Need(String agent, List<String> dependsOn) {
  /** Copies the list. */
  public Need {
    dependsOn = List.copyOf(dependsOn);
  }
}
