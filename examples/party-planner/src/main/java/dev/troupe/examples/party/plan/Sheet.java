package dev.troupe.examples.party.plan;

import dev.troupe.examples.party.request.PartyBrief;
import java.util.List;

/**
 * The plan of one party.
 *
 * @param brief the party as it was understood
 * @param picks what is recommended
 * @param missing what was wanted and is not there
 * @param costs what it costs
 * @param strategy the strategy that chose
 * @param warnings what to mind
 * @param notes assumptions and remarks
 */
public record Sheet(
    PartyBrief brief,
    List<Pick> picks,
    List<Missing> missing,
    Costs costs,
    String strategy,
    List<String> warnings,
    List<String> notes) {
  /** Copies the lists. */
  public Sheet {
    picks = List.copyOf(picks);
    missing = List.copyOf(missing);
    warnings = List.copyOf(warnings);
    notes = List.copyOf(notes);
  }
}
