package dev.troupe.examples.party.agents;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** Puts agents that wait for each other in order. */
public final class Schedule {
  private Schedule() {}

  /**
   * Groups agents into waves: all of a wave may work side by side, each after what it waits for.
   *
   * @param needs the agents with what they wait for
   * @return the waves; in the order of the needs inside each
   * @throws IllegalArgumentException when an agent waits for one that is not there, stands there
   *     twice, or waits for itself by way of others
   */
  public static List<List<String>> waves(List<Need> needs) {
    Set<String> known = new LinkedHashSet<>();
    for (Need need : needs) {
      if (!known.add(need.agent())) {
        throw new IllegalArgumentException("the agent '" + need.agent() + "' is named twice");
      }
    }
    for (Need need : needs) {
      for (String other : need.dependsOn()) {
        if (!known.contains(other)) {
          throw new IllegalArgumentException(
              "'%s' depends on '%s', which has no work in this plan"
                  .formatted(need.agent(), other));
        }
      }
    }
    List<List<String>> waves = new ArrayList<>();
    Set<String> done = new LinkedHashSet<>();
    while (done.size() < needs.size()) {
      List<String> wave =
          needs.stream()
              .filter(need -> !done.contains(need.agent()) && done.containsAll(need.dependsOn()))
              .map(Need::agent)
              .toList();
      if (wave.isEmpty()) {
        known.removeAll(done);
        throw new IllegalArgumentException(
            "these agents wait for each other: " + String.join(", ", known));
      }
      waves.add(wave);
      done.addAll(wave);
    }
    return waves;
  }
}
