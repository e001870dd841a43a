package dev.troupe.examples.party.plan;

import dev.troupe.examples.party.catalogue.Money;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What an agent found.
 *
 * @param agent whose answer this is
 * @param list the offers, the best first; empty when there are none
 * @param least the least that has to be spent to get what was asked for, null when nothing suits
 * @param floor the least that has to be spent to get anything suitable, null when nothing suits
 * @param none why there are no offers, null when there are
 * @param warnings remarks that hold for all offers
 */
public record Offers(
    String agent,
    List<Offer> list,
    @Nullable Money least,
    @Nullable Money floor,
    @Nullable String none,
    List<String> warnings) {
  private static final int BEST = 6;
  private static final int CHEAPEST = 3;

  /** Copies the lists. */
  public Offers {
    list = List.copyOf(list);
    warnings = List.copyOf(warnings);
  }

  /**
   * Says that nothing suits.
   *
   * @param agent whose answer this is
   * @param why why not
   * @param warnings other remarks
   * @return an answer without offers
   */
  public static Offers none(String agent, String why, List<String> warnings) {
    return new Offers(agent, List.of(), null, null, why, warnings);
  }

  /**
   * Chooses from all that suits: the best and the cheapest, not dearer than the cap.
   *
   * @param agent whose answer this is
   * @param suitable all that suits, in any order
   * @param cap the most it may cost, null for no cap
   * @param warnings remarks that hold for all
   * @return the answer
   */
  public static Offers of(
      String agent, List<Offer> suitable, @Nullable Money cap, List<String> warnings) {
    if (suitable.isEmpty()) {
      throw new IllegalArgumentException("say why nothing suits: " + agent);
    }
    List<Offer> byPrice = new ArrayList<>(suitable);
    byPrice.sort(Comparator.comparing(Offer::price).thenComparing(Offer::id));
    Money floor = byPrice.get(0).price();
    Money least = byPrice.stream().filter(Offer::asked).findFirst().map(Offer::price).orElse(floor);
    byPrice.removeIf(offer -> cap != null && offer.price().moreThan(cap));
    List<Offer> byFit = new ArrayList<>(byPrice);
    byFit.sort(BestFit.ORDER);
    Set<Offer> chosen = new LinkedHashSet<>(byFit.subList(0, Math.min(BEST, byFit.size())));
    chosen.addAll(byPrice.subList(0, Math.min(CHEAPEST, byPrice.size())));
    String none = chosen.isEmpty() ? "nothing suitable costs at most " + cap : null;
    return new Offers(agent, List.copyOf(chosen), least, floor, none, warnings);
  }
}
