package dev.troupe.examples.party.catalogue;

import java.util.List;

/**
 * A city of the sample catalogue.
 *
 * @param id its name in the data
 * @param name its English name
 * @param country its country
 * @param aliases its names in other languages
 */
public record City(String id, String name, String country, List<String> aliases) {
  /** Copies the list. */
  public City {
    aliases = List.copyOf(aliases);
  }
}
