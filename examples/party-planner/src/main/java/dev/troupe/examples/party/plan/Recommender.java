package dev.troupe.examples.party.plan;

import java.util.List;

/**
 * A strategy that chooses among offers. A pure function: the same offers give the same order. Safe
 * for use by many threads.
 */
public interface Recommender {
  /**
   * Its name, by which a request may ask for it.
   *
   * @return a short name such as {@code best-fit}
   */
  String name();

  /**
   * What it looks at, for the reader of the plan.
   *
   * @return a few words
   */
  String inWords();

  /**
   * Puts offers in order.
   *
   * @param offers what there is
   * @return the same offers, the recommended one first
   */
  List<Offer> rank(List<Offer> offers);
}
