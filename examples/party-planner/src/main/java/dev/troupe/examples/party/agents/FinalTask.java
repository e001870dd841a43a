package dev.troupe.examples.party.agents;

import dev.troupe.examples.party.plan.Missing;
import dev.troupe.examples.party.plan.Offers;
import dev.troupe.examples.party.plan.Verdict;
import dev.troupe.examples.party.request.PartyBrief;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the final planner is given.
 *
 * @param brief the party
 * @param offers what the agents found
 * @param missing what is missing so far
 * @param verdict what the budget allows, null when nobody checked it
 * @param strategy the strategy that chooses
 * @param notes remarks from the planning
 */
public record FinalTask(
    PartyBrief brief,
    List<Offers> offers,
    List<Missing> missing,
    @Nullable Verdict verdict,
    String strategy,
    List<String> notes) {
  /** Copies the lists. */
  public FinalTask {
    offers = List.copyOf(offers);
    missing = List.copyOf(missing);
    notes = List.copyOf(notes);
  }
}
