package dev.troupe.examples.party.plan;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The answer to a request: a sheet for each party in it, or a refusal.
 *
 * @param sheets the parties
 * @param notes remarks that hold for the whole request
 * @param refusal why there is nothing to plan and what to do, null when there is
 */
public record PartyPlan(List<Sheet> sheets, List<String> notes, @Nullable String refusal) {
  /** Copies the lists. */
  public PartyPlan {
    sheets = List.copyOf(sheets);
    notes = List.copyOf(notes);
  }

  /**
   * Whether everything that was wanted is there.
   *
   * @return false when a sheet misses something or the request was refused
   */
  public boolean complete() {
    return refusal == null && sheets.stream().allMatch(sheet -> sheet.missing().isEmpty());
  }
}
