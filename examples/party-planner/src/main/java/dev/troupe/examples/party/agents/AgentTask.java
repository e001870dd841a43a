package dev.troupe.examples.party.agents;

import dev.troupe.examples.party.catalogue.Money;
import dev.troupe.examples.party.request.Options;
import dev.troupe.examples.party.request.PartyBrief;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What an agent that looks for offers is given.
 *
 * @param brief the party
 * @param before what was chosen from the agents it depends on
 * @param cap the most it may spend, null for no cap
 * @param options how to plan
 */
public record AgentTask(PartyBrief brief, List<Choice> before, @Nullable Money cap, Options options)
    implements CatalogueAgent.Task {
  /** Copies the list. */
  public AgentTask {
    before = List.copyOf(before);
  }

  /**
   * What was chosen from another agent.
   *
   * @param agent the agent
   * @param id the offer
   */
  public record Choice(String agent, String id) {}

  /**
   * What was chosen from an agent.
   *
   * @param agent the agent
   * @return the offer's id, null when there is none
   */
  public @Nullable String chosen(String agent) {
    for (Choice choice : before) {
      if (choice.agent().equals(agent)) {
        return choice.id();
      }
    }
    return null;
  }

  private record Key(PartyBrief brief, List<Choice> before, @Nullable Money cap) {}

  @Override
  public Object key() {
    return new Key(brief, before, cap);
  }
}
