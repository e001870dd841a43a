package dev.troupe.examples.party.request;

import dev.troupe.examples.party.catalogue.Ages;
import dev.troupe.examples.party.catalogue.Catalogue;
import dev.troupe.examples.party.catalogue.City;
import dev.troupe.examples.party.catalogue.Entry;
import dev.troupe.examples.party.catalogue.Theme;
import dev.troupe.examples.party.request.Lexicon.Mark;
import dev.troupe.examples.party.request.Lexicon.Wanted;
import dev.troupe.examples.party.request.Lexicon.Weighted;
import java.time.DayOfWeek;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** Reads {@code rules.yaml} and checks it against itself and the catalogue. */
final class RulesFile {
  private final Entry root;

  RulesFile(Entry root, Catalogue catalogue) {
    this.root = root;
    RulesCheck.check(this, root, catalogue);
  }

  Rules.Limits limits() {
    Entry e = root.entry("limits");
    return new Rules.Limits(
        e.count("minCharacters"),
        e.count("maxCharacters"),
        e.count("hardMaxCharacters"),
        e.count("maxGuests"),
        e.count("maxBudgetEur"),
        e.count("maxParties"));
  }

  Rules.Defaults defaults() {
    Entry e = root.entry("defaults");
    Entry shares = e.entry("budgetShares");
    Map<String, Integer> parts = new LinkedHashMap<>();
    shares.names().forEach(agent -> parts.put(agent, shares.count(agent)));
    return new Rules.Defaults(
        e.text("occasion"),
        e.text("audience"),
        e.count("guests"),
        e.text("currency"),
        e.count("kidsPerAdult"),
        parts);
  }

  Map<String, List<String>> agents() {
    Map<String, List<String>> agents = new LinkedHashMap<>();
    for (Entry e : root.entries("agents")) {
      agents.put(e.text("id"), e.texts("dependsOn"));
    }
    return agents;
  }

  List<Rules.Occasion> occasions() {
    return root.entries("occasions").stream()
        .map(e -> new Rules.Occasion(e.text("id"), e.text("name")))
        .toList();
  }

  List<Rules.Audience> audiences() {
    return root.entries("audience").stream()
        .map(e -> new Rules.Audience(e.text("id"), new Ages(e.count("ageMin"), e.count("ageMax"))))
        .toList();
  }

  Map<String, List<String>> dietAvoids() {
    Map<String, List<String>> avoids = new LinkedHashMap<>();
    root.entries("diets").forEach(e -> avoids.put(e.text("id"), e.texts("avoids")));
    return avoids;
  }

  Set<String> allergens() {
    Set<String> ids = new LinkedHashSet<>();
    root.entries("allergens").forEach(e -> ids.add(e.text("id")));
    return ids;
  }

  Map<String, Currency> currencies() {
    Map<String, Currency> currencies = new LinkedHashMap<>();
    for (Entry e : root.entries("currencies")) {
      currencies.put(e.text("code"), new Currency(e.text("code"), e.number("rateToEur")));
    }
    return currencies;
  }

  /** How markers begin that mean an allergy even when none is recognised, folded like all words. */
  List<String> certainAllergies() {
    return root.entry("allergies").texts("certain").stream()
        .map(begin -> Words.of(begin).at(0))
        .toList();
  }

  List<String> needs() {
    return root.entry("needs").texts("default");
  }

  int window(String section) {
    return root.entry(section).count("window");
  }

  List<Lexicon> languages(Lexicon english) {
    List<Lexicon> languages = new ArrayList<>();
    for (Entry e : root.entries("languages")) {
      languages.add(new LanguageFile(e, english, defaults().occasion()).lexicon());
    }
    return languages;
  }

  Lexicon english(Catalogue catalogue) {
    Lexicon.Builder b = new Lexicon.Builder("en", "English");
    marks(b);
    for (Entry e : root.entries("occasions")) {
      Entry keywords = e.entry("keywords");
      for (String word : keywords.names()) {
        b.occasions.add(word, new Weighted(e.text("id"), keywords.count(word)));
      }
    }
    for (Entry e : root.entries("audience")) {
      b.audience.addAll(e.texts("words"), e.text("id"));
      b.hints.addAll(e.texts("hints"), e.text("id"));
    }
    for (Entry e : root.entries("currencies")) {
      Currency currency = new Currency(e.text("code"), e.number("rateToEur"));
      b.currencies.addAll(e.texts("words"), currency).addAll(e.texts("symbols"), currency);
      b.currencySigns.addAll(e.texts("symbols"), currency).add(e.text("code"), currency);
    }
    Entry numbers = root.entry("numbers");
    numbers.names().forEach(word -> b.numbers.add(word, numbers.count(word)));
    root.entries("allergens").forEach(e -> b.allergens.addAll(e.texts("words"), e.text("id")));
    root.entries("diets").forEach(e -> b.diets.addAll(e.texts("words"), e.text("id")));
    needs(b);
    for (Theme theme : catalogue.themes()) {
      b.themes.addAll(theme.keywords(), theme.id());
    }
    root.entries("months").forEach(e -> b.months.addAll(e.texts("words"), e.count("number")));
    for (Entry e : root.entries("weekdays")) {
      b.weekdays.addAll(e.texts("words"), weekday(e));
    }
    for (City city : catalogue.cities()) {
      b.cities.add(city.name(), city.id()).addAll(city.aliases(), city.id());
    }
    return b.build();
  }

  private void marks(Lexicon.Builder b) {
    Entry people = root.entry("people");
    Entry ages = root.entry("ages");
    Entry budget = root.entry("budget");
    Entry allergies = root.entry("allergies");
    Entry wishes = root.entry("venueWishes");
    Entry places = root.entry("places");
    b.add(Mark.PEOPLE, people.texts("words"))
        .add(Mark.PEOPLE_BEFORE, people.texts("before"))
        .add(Mark.WITH_PARENTS, root.texts("withParents"))
        .add(Mark.AGE_BEFORE, ages.texts("before"))
        .add(Mark.AGE_AFTER, ages.texts("after"))
        .add(Mark.BUDGET, budget.texts("words"))
        .add(Mark.BUDGET_ALONE, budget.texts("needNoCurrency"))
        .add(Mark.PER_HEAD, budget.texts("perHead"))
        .add(Mark.NEGATION, root.entry("negations").texts("words"))
        .add(Mark.ALLERGY, allergies.texts("markers"))
        .add(Mark.ALLERGY_WEAK, allergies.texts("weak"))
        .add(Mark.ALLERGY_FREE, allergies.texts("free"))
        .add(Mark.ALLERGY_DENIED, allergies.texts("denials"))
        .add(Mark.NOT_FOOD, allergies.texts("ignore"))
        .add(Mark.ACCESSIBLE, wishes.texts("accessible"))
        .add(Mark.INDOOR, wishes.texts("indoor"))
        .add(Mark.OUTDOOR, wishes.texts("outdoor"))
        .add(Mark.SECOND_PARTY, root.texts("secondParty"))
        .add(Mark.PREPOSITION, places.texts("prepositions"))
        .add(Mark.NOT_A_PLACE, places.texts("notPlaces"));
  }

  private void needs(Lexicon.Builder b) {
    Entry needs = root.entry("needs");
    for (Entry e : needs.entries("only")) {
      Wanted only = new Wanted(e.text("id"), e.texts("keep"), "", "");
      b.wanted.addAll(e.texts("phrases"), only);
    }
    for (Entry e : needs.entries("without")) {
      Wanted without = new Wanted("", List.of(), e.text("agent"), e.text("reason"));
      b.wanted.addAll(e.texts("phrases"), without);
    }
  }

  private static DayOfWeek weekday(Entry e) {
    try {
      return DayOfWeek.valueOf(e.text("id").toUpperCase(Locale.ROOT));
    } catch (IllegalArgumentException unknown) {
      throw e.wrong("id", "must be a weekday, is '" + e.text("id") + "'");
    }
  }
}
