package dev.troupe.examples.party.plan;

import dev.troupe.examples.party.catalogue.Money;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the budget allows.
 *
 * @param kind how it stands
 * @param total what the recommended offers cost together
 * @param limit the budget, null for none
 * @param reserved what is kept for things that are missing
 * @param caps the most that each agent may spend, when something has to be planned again
 * @param least the least for which everything can be had
 * @param advice what can be done
 */
public record Verdict(
    Kind kind,
    Money total,
    @Nullable Money limit,
    Money reserved,
    List<Cap> caps,
    Money least,
    List<String> advice) {
  /** How it stands. */
  public enum Kind {
    /** Nobody named a budget. */
    NO_LIMIT,
    /** The sum is not more than the budget. */
    WITHIN,
    /** Too dear, but it can be had for less. */
    REPLAN,
    /** Even the cheapest is too dear. */
    IMPOSSIBLE
  }

  /** Copies the lists. */
  public Verdict {
    caps = List.copyOf(caps);
    advice = List.copyOf(advice);
  }

  /**
   * The most that an agent may spend.
   *
   * @param agent its name
   * @param most the amount
   * @param cheaper whether what it recommended costs more
   */
  public record Cap(String agent, Money most, boolean cheaper) {}
}
