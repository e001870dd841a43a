package dev.troupe.examples.party.request;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a text says: the parties in it, or why it can't be planned.
 *
 * @param parties the parties, none when refused
 * @param notes remarks that hold for the whole text
 * @param refusal why there is nothing to plan and what to do, null when there is
 */
public record Understanding(
    List<PartyBrief> parties, List<String> notes, @Nullable String refusal) {
  /** Copies the lists. */
  public Understanding {
    parties = List.copyOf(parties);
    notes = List.copyOf(notes);
  }

  /**
   * Refuses a text.
   *
   * @param why what is wrong and what to do
   * @return an understanding without a party
   */
  public static Understanding refused(String why) {
    return new Understanding(List.of(), List.of(), why);
  }
}
