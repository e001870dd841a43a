package dev.troupe.examples.party.request;

import dev.troupe.examples.party.catalogue.Ages;
import dev.troupe.examples.party.catalogue.Catalogue;
import dev.troupe.examples.party.catalogue.City;
import dev.troupe.examples.party.catalogue.DataFiles;
import dev.troupe.examples.party.catalogue.Setting;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * How requests are understood, read from {@code rules.yaml} and made into indexes once. Immutable,
 * safe for use by many threads.
 */
public final class Rules {
  final Limits limits;
  final Defaults defaults;
  final Map<String, List<String>> agents;
  final List<Occasion> occasions;
  final List<Audience> audiences;
  final Map<String, List<String>> dietAvoids;
  final Set<String> allergens;
  final Map<String, Currency> currencies;
  final List<String> needs;
  final List<String> certainAllergies;
  final int negationWindow;
  final int allergyWindow;
  final Map<String, City> cities = new LinkedHashMap<>();
  final Lexicon english;
  final List<Lexicon> languages;

  Rules(RulesFile file, Catalogue catalogue) {
    this.limits = file.limits();
    this.defaults = file.defaults();
    this.agents = file.agents();
    this.occasions = file.occasions();
    this.audiences = file.audiences();
    this.dietAvoids = file.dietAvoids();
    this.allergens = file.allergens();
    this.currencies = file.currencies();
    this.needs = file.needs();
    this.certainAllergies = file.certainAllergies();
    this.negationWindow = file.window("negations");
    this.allergyWindow = file.window("allergies");
    catalogue.cities().forEach(city -> cities.put(city.id(), city));
    this.english = file.english(catalogue);
    this.languages = file.languages(english);
  }

  /**
   * Reads and checks the rules.
   *
   * @param files where they are
   * @param catalogue what they speak of
   * @return the rules
   * @throws dev.troupe.examples.party.catalogue.DataException when something is wrong with them
   */
  public static Rules load(DataFiles files, Catalogue catalogue) {
    return new Rules(new RulesFile(files.yaml("rules.yaml"), catalogue), catalogue);
  }

  record Limits(int least, int most, int hardMost, int guests, long budgetEur, int parties) {}

  record Defaults(
      String occasion,
      String audience,
      int guests,
      String currency,
      int kidsPerAdult,
      Map<String, Integer> shares) {}

  record Occasion(String id, String name) {}

  record Audience(String id, Ages ages) {}

  Occasion occasion(String id) {
    return occasions.stream().filter(o -> o.id().equals(id)).findFirst().orElseThrow();
  }

  Audience audience(String id) {
    return audiences.stream().filter(a -> a.id().equals(id)).findFirst().orElseThrow();
  }

  Audience audience(int age) {
    return audiences.stream()
        .filter(a -> a.ages().min() <= age && age <= a.ages().max())
        .findFirst()
        .orElseGet(() -> audience(defaults.audience()));
  }

  /**
   * The agents and what each waits for.
   *
   * @return agents with the agents whose results they need
   */
  public Map<String, List<String>> agents() {
    return agents;
  }

  /**
   * The part of the budget that each agent gets at first.
   *
   * @return agents with their weights
   */
  public Map<String, Integer> shares() {
    return defaults.shares();
  }

  /**
   * The name of a city.
   *
   * @param id its id
   * @return its name, null when there is no such city
   */
  public @Nullable String cityName(String id) {
    City city = cities.get(id);
    return city == null ? null : city.name();
  }

  /**
   * The occasions that the rules know.
   *
   * @return their ids
   */
  public List<String> occasionIds() {
    return occasions.stream().map(Occasion::id).toList();
  }

  /**
   * The name of an occasion.
   *
   * @param id its id
   * @return its name, the id where there is no such occasion
   */
  public String occasionName(String id) {
    return occasions.stream()
        .filter(o -> o.id().equals(id))
        .map(Occasion::name)
        .findFirst()
        .orElse(id);
  }

  /**
   * The names of all cities.
   *
   * @return the names in the order of the data
   */
  public List<String> cityNames() {
    return cities.values().stream().map(City::name).toList();
  }

  /**
   * The allergens that the rules know.
   *
   * @return their names in EU law
   */
  public Set<String> allergens() {
    return allergens;
  }

  /**
   * The allergens that a cake for a diet must not hold.
   *
   * @param diet the diet
   * @return allergens, which may still be there in traces
   */
  public List<String> avoidedBy(String diet) {
    return dietAvoids.getOrDefault(diet, List.of());
  }

  /**
   * The diets that the rules know.
   *
   * @return their names
   */
  public Set<String> diets() {
    return dietAvoids.keySet();
  }

  /**
   * What is planned when a text could not be read at all.
   *
   * @return one party with nothing but defaults
   */
  public Understanding generalParty() {
    Occasion occasion = occasion(defaults.occasion());
    Audience audience = audience(defaults.audience());
    PartyBrief brief =
        new PartyBrief(
            new PartyBrief.What(occasion.id(), occasion.name(), List.of(), "en"),
            new PartyBrief.Guests(0, defaults.guests(), audience.id(), audience.ages(), null),
            new PartyBrief.When(null, List.of()),
            new PartyBrief.Place(null, null, List.of()),
            null,
            new PartyBrief.Food(List.of(), List.of(), List.of("unknown, as nothing could be read")),
            new PartyBrief.Wishes(List.of(), false, Setting.ANY),
            new PartyBrief.Needs(needs, List.of()),
            List.of("The number of guests is not known: %d assumed.".formatted(defaults.guests())));
    return new Understanding(List.of(brief), List.of(), null);
  }

  /**
   * Checks what a reader other than the rules understood.
   *
   * @param read what it understood
   * @return the same
   * @throws IllegalArgumentException when it names what does not exist or is out of range
   */
  public Understanding checked(Understanding read) {
    require(read.refusal() != null || !read.parties().isEmpty(), "no party and no refusal");
    require(read.parties().size() <= limits.parties(), "too many parties");
    for (PartyBrief party : read.parties()) {
      String city = party.place().city();
      require(city == null || cities.containsKey(city), "an unknown city: " + city);
      require(allergens.containsAll(party.food().avoid()), "an unknown allergen");
      require(diets().containsAll(party.food().diets()), "an unknown diet");
      require(agents.keySet().containsAll(party.needs().agents()), "an unknown agent");
      int guests = party.guests().total();
      require(guests >= 1 && guests <= limits.guests(), "a wrong number of guests: " + guests);
      require(
          occasions.stream().anyMatch(o -> o.id().equals(party.what().occasion())),
          "an unknown occasion: " + party.what().occasion());
    }
    return read;
  }

  private static void require(boolean holds, String otherwise) {
    if (!holds) {
      throw new IllegalArgumentException("the answer holds " + otherwise);
    }
  }
}
