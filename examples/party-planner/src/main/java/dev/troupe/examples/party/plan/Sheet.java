package dev.troupe.examples.party.plan;

import dev.troupe.examples.party.request.PartyBrief;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

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
 * @param wording an invitation in words, null where no model wrote one
 */
public record Sheet(
    PartyBrief brief,
    List<Pick> picks,
    List<Missing> missing,
    Costs costs,
    String strategy,
    List<String> warnings,
    List<String> notes,
    @Nullable String wording) {
  /** Copies the lists. */
  public Sheet {
    picks = List.copyOf(picks);
    missing = List.copyOf(missing);
    warnings = List.copyOf(warnings);
    notes = List.copyOf(notes);
  }

  /**
   * The same plan with words.
   *
   * @param words an invitation
   * @return the plan
   */
  public Sheet worded(String words) {
    return new Sheet(brief, picks, missing, costs, strategy, warnings, notes, words);
  }

  /**
   * The same plan with one more remark.
   *
   * @param note the remark
   * @return the plan
   */
  public Sheet noting(String note) {
    List<String> more = new ArrayList<>(notes);
    more.add(note);
    return new Sheet(brief, picks, missing, costs, strategy, warnings, more, wording);
  }
}
