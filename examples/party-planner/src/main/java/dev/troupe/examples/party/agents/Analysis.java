package dev.troupe.examples.party.agents;

import dev.troupe.examples.party.plan.Missing;
import dev.troupe.examples.party.request.PartyBrief;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What there is to do.
 *
 * @param parties the parties, none when refused
 * @param notes remarks that hold for the whole request
 * @param refusal why there is nothing to plan and what to do, null when there is
 */
public record Analysis(List<Party> parties, List<String> notes, @Nullable String refusal) {
  /** Copies the lists. */
  public Analysis {
    parties = List.copyOf(parties);
    notes = List.copyOf(notes);
  }

  /**
   * One party.
   *
   * @param brief what it is like
   * @param needs which agents have work, and what each waits for
   * @param missing what can't be planned from the start
   */
  public record Party(PartyBrief brief, List<Need> needs, List<Missing> missing) {
    /** Copies the lists. */
    public Party {
      needs = List.copyOf(needs);
      missing = List.copyOf(missing);
    }
  }
}
