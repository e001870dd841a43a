package dev.troupe.examples.party.plan;

import dev.troupe.examples.party.catalogue.Money;
import java.util.List;

/**
 * One thing that would do.
 *
 * @param id its id in the catalogue
 * @param name its name for people
 * @param price what it costs for this party, in all
 * @param fit how well it suits, 0 to 100
 * @param asked whether the request asked for just this
 * @param why why it suits
 * @param warnings what to mind
 * @param facts what else there is to know
 */
public record Offer(
    String id,
    String name,
    Money price,
    int fit,
    boolean asked,
    List<String> why,
    List<String> warnings,
    List<Fact> facts) {
  /** Copies the lists and keeps the fit in its range. */
  public Offer {
    fit = Math.max(0, Math.min(100, fit));
    why = List.copyOf(why);
    warnings = List.copyOf(warnings);
    facts = List.copyOf(facts);
  }
}
