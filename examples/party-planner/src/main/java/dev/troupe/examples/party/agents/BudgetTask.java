package dev.troupe.examples.party.agents;

import dev.troupe.examples.party.plan.Offers;
import dev.troupe.examples.party.request.Options;
import dev.troupe.examples.party.request.PartyBrief;
import java.util.List;

/**
 * What the budget agent is given.
 *
 * @param brief the party
 * @param offers what the other agents found
 * @param missing agents that were wanted and brought nothing
 * @param strategy the strategy that chooses among the offers
 * @param options how to plan
 */
public record BudgetTask(
    PartyBrief brief, List<Offers> offers, List<String> missing, String strategy, Options options)
    implements CatalogueAgent.Task {
  /** Copies the lists. */
  public BudgetTask {
    offers = List.copyOf(offers);
    missing = List.copyOf(missing);
  }

  private record Key(
      PartyBrief brief, List<Offers> offers, List<String> missing, String strategy) {}

  @Override
  public Object key() {
    return new Key(brief, offers, missing, strategy);
  }
}
