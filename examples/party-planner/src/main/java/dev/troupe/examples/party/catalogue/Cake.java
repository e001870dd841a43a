package dev.troupe.examples.party.catalogue;

import java.util.List;

/**
 * A cake of the sample catalogue.
 *
 * @param id its name in the data
 * @param name its name for people
 * @param flavours what it tastes of
 * @param themes ids of themes or occasions; {@code general} suits all
 * @param servings for how many
 * @param price of the whole cake
 * @param contents what is in it
 */
public record Cake(
    String id,
    String name,
    List<String> flavours,
    List<String> themes,
    int servings,
    Money price,
    Contents contents) {
  /** Copies the lists. */
  public Cake {
    flavours = List.copyOf(flavours);
    themes = List.copyOf(themes);
  }

  /**
   * What is in a cake.
   *
   * @param allergens what the recipe holds, by the 14 names of EU law
   * @param traces what it may hold from the same kitchen
   * @param diets the diets it is made for
   * @param alcohol whether there is alcohol in it
   */
  public record Contents(
      List<String> allergens, List<String> traces, List<String> diets, boolean alcohol) {
    /** Copies the lists. */
    public Contents {
      allergens = List.copyOf(allergens);
      traces = List.copyOf(traces);
      diets = List.copyOf(diets);
    }

    /**
     * Whether somebody with an allergy must not eat it.
     *
     * @param allergen an allergen
     * @return true when it is in the recipe or may be there in traces
     */
    public boolean mayHold(String allergen) {
      return allergens.contains(allergen) || traces.contains(allergen);
    }
  }
}
