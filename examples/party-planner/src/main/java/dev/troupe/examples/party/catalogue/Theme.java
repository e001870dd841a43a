package dev.troupe.examples.party.catalogue;

import java.util.List;

/**
 * A theme of the sample catalogue.
 *
 * @param id its name in the data
 * @param name its name for people
 * @param keywords words by which a request asks for it
 * @param suits when and for whom it is right
 * @param price decoration once, material for each guest
 * @param activities what is done at the party
 * @param colours the colours of the decoration
 */
public record Theme(
    String id,
    String name,
    List<String> keywords,
    Suits suits,
    Price price,
    List<String> activities,
    List<String> colours) {
  /** Copies the lists. */
  public Theme {
    keywords = List.copyOf(keywords);
    activities = List.copyOf(activities);
    colours = List.copyOf(colours);
  }

  /**
   * When and for whom a theme is right.
   *
   * @param occasions ids of occasions
   * @param ages for whom
   * @param setting where
   * @param seasons {@code spring} to {@code winter}; empty for all
   */
  public record Suits(List<String> occasions, Ages ages, Setting setting, List<String> seasons) {
    /** Copies the lists. */
    public Suits {
      occasions = List.copyOf(occasions);
      seasons = List.copyOf(seasons);
    }
  }
}
