package dev.troupe.examples.party.plan;

import java.util.Comparator;
import java.util.List;

/** Recommends what gives most for the money: how well it suits, less what it costs. */
public final class BestValue implements Recommender {
  /** How many points of fit the dearest offer loses by its price. */
  private static final long PRICE_POINTS = 50;

  @Override
  public String name() {
    return "best-value";
  }

  @Override
  public String inWords() {
    return "what gives most for the money";
  }

  @Override
  public List<Offer> rank(List<Offer> offers) {
    long dearest = offers.stream().mapToLong(offer -> offer.price().cents()).max().orElse(0);
    Comparator<Offer> byValue =
        Comparator.comparing((Offer offer) -> offer.asked() ? 0 : 1)
            .thenComparing(offer -> -value(offer, Math.max(1, dearest)))
            .thenComparing(Offer::price)
            .thenComparing(Offer::id);
    return offers.stream().sorted(byValue).toList();
  }

  private static long value(Offer offer, long dearest) {
    return 1_000L * offer.fit() - 1_000L * PRICE_POINTS * offer.price().cents() / dearest;
  }
}
