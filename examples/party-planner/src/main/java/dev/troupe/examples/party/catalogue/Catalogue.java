package dev.troupe.examples.party.catalogue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** All that can be had, read once and kept in memory. Immutable, safe for use by many threads. */
public final class Catalogue {
  private final List<City> cities;
  private final List<Theme> themes;
  private final Map<String, Theme> themesById;
  private final Map<String, List<Venue>> venues;
  private final List<Cake> cakes;

  private Catalogue(
      List<City> cities, List<Theme> themes, Map<String, List<Venue>> venues, List<Cake> cakes) {
    this.cities = List.copyOf(cities);
    this.themes = List.copyOf(themes);
    this.themesById = new HashMap<>();
    themes.forEach(theme -> themesById.put(theme.id(), theme));
    this.venues = venues;
    this.cakes = List.copyOf(cakes);
  }

  /**
   * Reads and checks the data files.
   *
   * @param files where they are
   * @return the catalogue
   * @throws DataException when something is wrong with them
   */
  public static Catalogue load(DataFiles files) {
    List<City> cities = unique(files.yaml("cities.yaml").entries("cities"), Catalogue::city);
    List<Theme> themes =
        unique(files.yaml("catalogue/themes.yaml").entries("themes"), Catalogue::theme);
    List<Cake> cakes = unique(files.yaml("catalogue/cakes.yaml").entries("cakes"), Catalogue::cake);
    String venues = "catalogue/venues.csv";
    return new Catalogue(cities, themes, VenueFile.read(venues, files.text(venues), cities), cakes);
  }

  private interface Reader<T> {
    T read(Entry entry);
  }

  private static <T> List<T> unique(List<Entry> entries, Reader<T> reader) {
    Set<String> ids = new HashSet<>();
    List<T> read = new ArrayList<>();
    for (Entry entry : entries) {
      if (!ids.add(entry.text("id"))) {
        throw entry.wrong("id", "stands there twice");
      }
      read.add(reader.read(entry));
    }
    return read;
  }

  private static City city(Entry e) {
    return new City(e.text("id"), e.text("name"), e.text("country"), e.texts("aliases"));
  }

  private static Theme theme(Entry e) {
    int from = e.count("ageMin");
    int to = e.count("ageMax");
    if (to < from) {
      throw e.wrong("ageMax", "is less than ageMin: " + to);
    }
    return new Theme(
        e.text("id"),
        e.text("name"),
        e.texts("keywords"),
        new Theme.Suits(filled(e, "occasions"), new Ages(from, to), setting(e), e.texts("seasons")),
        new Price(Money.of(e.number("decorationCost")), Money.of(e.number("costPerGuest"))),
        filled(e, "activities"),
        filled(e, "colours"));
  }

  private static List<String> filled(Entry e, String field) {
    List<String> texts = e.texts(field);
    if (texts.isEmpty()) {
      throw e.wrong(field, "must not be empty");
    }
    return texts;
  }

  private static Setting setting(Entry e) {
    try {
      return Setting.valueOf(e.text("setting").toUpperCase(Locale.ROOT));
    } catch (IllegalArgumentException unknown) {
      throw e.wrong("setting", "must be indoor, outdoor or any, is '" + e.text("setting") + "'");
    }
  }

  private static Cake cake(Entry e) {
    if (e.count("servings") < 1) {
      throw e.wrong("servings", "must be at least 1");
    }
    return new Cake(
        e.text("id"),
        e.text("name"),
        e.texts("flavours"),
        filled(e, "themes"),
        e.count("servings"),
        Money.of(e.number("price")),
        new Cake.Contents(
            e.texts("allergens"), e.texts("traces"), e.texts("diets"), e.flag("alcohol")));
  }

  /**
   * The cities.
   *
   * @return an unmodifiable list
   */
  public List<City> cities() {
    return cities;
  }

  /**
   * The themes.
   *
   * @return an unmodifiable list
   */
  public List<Theme> themes() {
    return themes;
  }

  /**
   * One theme.
   *
   * @param id its id
   * @return the theme, null when there is none
   */
  public @Nullable Theme theme(String id) {
    return themesById.get(id);
  }

  /**
   * The cakes.
   *
   * @return an unmodifiable list
   */
  public List<Cake> cakes() {
    return cakes;
  }

  /**
   * The venues of one city.
   *
   * @param cityId the city's id
   * @return an unmodifiable list, empty when there are none
   */
  public List<Venue> venues(String cityId) {
    return venues.getOrDefault(cityId, List.of());
  }

  /**
   * All venues.
   *
   * @return city ids with their venues
   */
  public Map<String, List<Venue>> venues() {
    return new LinkedHashMap<>(venues);
  }
}
