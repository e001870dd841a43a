package dev.troupe.examples.party.plan;

import java.util.Comparator;
import java.util.List;

/** Recommends what suits best; the price decides only between equals. */
public final class BestFit implements Recommender {
  static final Comparator<Offer> ORDER =
      Comparator.comparing((Offer offer) -> offer.asked() ? 0 : 1)
          .thenComparing(offer -> -offer.fit())
          .thenComparing(Offer::price)
          .thenComparing(Offer::id);

  @Override
  public String name() {
    return "best-fit";
  }

  @Override
  public String inWords() {
    return "what suits best, within the budget";
  }

  @Override
  public List<Offer> rank(List<Offer> offers) {
    return offers.stream().sorted(ORDER).toList();
  }
}
