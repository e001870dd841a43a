package dev.troupe.examples.party.request;

import dev.troupe.examples.party.catalogue.City;
import dev.troupe.examples.party.request.Lexicon.Mark;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Finds the city of the party, known or not. */
final class PlaceReader {
  private static final int SHORT_ALIAS = 3;
  private static final int LONGEST_NAME = 3;

  private final Reading reading;
  private final Words words;

  PlaceReader(Reading reading) {
    this.reading = reading;
    this.words = reading.words;
  }

  PartyBrief.Place read() {
    List<Phrases.Hit<String>> known = new ArrayList<>();
    for (Phrases.Hit<String> hit : reading.lexicon.cities.find(words)) {
      if (meant(hit)) {
        known.add(hit);
      }
    }
    if (!known.isEmpty()) {
      Phrases.Hit<String> first =
          known.stream()
              .filter(hit -> afterPreposition(hit.from()))
              .findFirst()
              .orElse(known.get(0));
      String name = reading.rules.cityName(first.value());
      if (known.stream().anyMatch(hit -> !hit.value().equals(first.value()))) {
        reading.note("More than one city is named; planned for " + name + ".");
      }
      return new PartyBrief.Place(first.value(), name, List.of());
    }
    return unknown();
  }

  /** A short name such as "Rim" or "Rom" counts only as a name; "Milan's" is a person. */
  private boolean meant(Phrases.Hit<String> hit) {
    if (reading.negated(hit.from())) {
      return false;
    }
    String after = words.gap(hit.to());
    if (words.at(hit.to()).equals("s") && (after.equals("'") || after.equals("’"))) {
      return false;
    }
    boolean small = hit.to() - hit.from() == 1 && words.at(hit.from()).length() <= SHORT_ALIAS;
    return !small || words.capital(hit.from()) || afterPreposition(hit.from());
  }

  private boolean afterPreposition(int i) {
    Phrases<String> prepositions = reading.lexicon.phrases(Mark.PREPOSITION);
    return i > 0 && words.breakBefore(i) == 0 && prepositions.lengthAt(words, i - 1) == 1;
  }

  private PartyBrief.Place unknown() {
    String small = null;
    for (Phrases.Hit<String> hit : reading.lexicon.find(Mark.PREPOSITION, words)) {
      int from = hit.to();
      if (!words.capital(from) || words.breakBefore(from) > 0) {
        small = small == null ? misspelt(from) : small;
        continue;
      }
      int to = from;
      while (to < from + LONGEST_NAME
          && words.capital(to)
          && !ordinary(to)
          && (to == from || words.gap(to).equals(" ") || words.gap(to).equals("-"))) {
        to++;
      }
      if (to > from) {
        return named(words.original(from, to));
      }
    }
    if (small != null) {
      return named(small);
    }
    return new PartyBrief.Place(null, null, List.of());
  }

  /** "in lisbonn": no capital letter, but nearly a city. */
  private @Nullable String misspelt(int i) {
    boolean alone = words.at(i).length() >= 5 && words.breakBefore(i) == 0 && !ordinary(i);
    return alone && !near(words.at(i), 1).isEmpty() ? words.original(i, i + 1) : null;
  }

  private boolean ordinary(int i) {
    return reading.lexicon.phrases(Mark.NOT_A_PLACE).lengthAt(words, i) > 0
        || reading.lexicon.months.lengthAt(words, i) > 0
        || reading.lexicon.weekdays.lengthAt(words, i) > 0;
  }

  private PartyBrief.Place named(String name) {
    List<String> inCountry =
        reading.rules.cities.values().stream()
            .filter(city -> city.country().equalsIgnoreCase(name))
            .map(City::name)
            .toList();
    List<String> meant = inCountry.isEmpty() ? near(Words.of(name).at(0), 2) : inCountry;
    return new PartyBrief.Place(null, name, meant);
  }

  private List<String> near(String name, int atMost) {
    record Near(String city, int distance) {}
    List<Near> near = new ArrayList<>();
    for (City city : reading.rules.cities.values()) {
      int least = distance(name, Words.of(city.name()).at(0));
      for (String alias : city.aliases()) {
        least = alias.length() > 4 ? Math.min(least, distance(name, Words.of(alias).at(0))) : least;
      }
      if (least <= Math.min(atMost, name.length() / 3)) {
        near.add(new Near(city.name(), least));
      }
    }
    near.sort(Comparator.comparingInt(Near::distance).thenComparing(Near::city));
    return near.stream().limit(3).map(Near::city).toList();
  }

  static int distance(String a, String b) {
    int[] row = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int change = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(change, Math.min(row[j], row[j - 1]) + 1);
      }
    }
    return row[b.length()];
  }
}
