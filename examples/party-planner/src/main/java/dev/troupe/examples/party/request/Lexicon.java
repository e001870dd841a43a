package dev.troupe.examples.party.request;

import java.time.DayOfWeek;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** The words of one language, English ones included, as indexes. Immutable. */
final class Lexicon {
  /** The kinds of words that only have to be found. */
  enum Mark {
    LANGUAGE,
    PEOPLE,
    PEOPLE_BEFORE,
    WITH_PARENTS,
    AGE_BEFORE,
    AGE_AFTER,
    BUDGET,
    BUDGET_ALONE,
    PER_HEAD,
    NEGATION,
    ALLERGY,
    ALLERGY_WEAK,
    ALLERGY_FREE,
    ALLERGY_DENIED,
    NOT_FOOD,
    ACCESSIBLE,
    INDOOR,
    OUTDOOR,
    SECOND_PARTY,
    PREPOSITION,
    NOT_A_PLACE
  }

  record Weighted(String id, int weight) {}

  /** A phrase that says what is wanted: the agents to keep, or the one to leave out. */
  record Wanted(String id, List<String> keep, String without, String reason) {}

  final String code;
  final String name;
  final Map<Mark, Phrases<String>> marks;
  final Phrases<Weighted> occasions;
  final Phrases<String> audience;
  final Phrases<String> hints;
  final Phrases<Currency> currencies;
  final Phrases<Currency> currencySigns;
  final Phrases<Integer> numbers;
  final Phrases<String> allergens;
  final Phrases<String> diets;
  final Phrases<Wanted> wanted;
  final Phrases<String> themes;
  final Phrases<Integer> months;
  final Phrases<DayOfWeek> weekdays;
  final Phrases<String> cities;

  Lexicon(Builder b) {
    this.code = b.code;
    this.name = b.name;
    this.marks = new EnumMap<>(Mark.class);
    b.marks.forEach((mark, phrases) -> marks.put(mark, phrases.build()));
    this.occasions = b.occasions.build();
    this.audience = b.audience.build();
    this.hints = b.hints.build();
    this.currencies = b.currencies.build();
    this.currencySigns = b.currencySigns.build();
    this.numbers = b.numbers.build();
    this.allergens = b.allergens.build();
    this.diets = b.diets.build();
    this.wanted = b.wanted.build();
    this.themes = b.themes.build();
    this.months = b.months.build();
    this.weekdays = b.weekdays.build();
    this.cities = b.cities.build();
  }

  List<Phrases.Hit<String>> find(Mark mark, Words words) {
    return phrases(mark).find(words);
  }

  Phrases<String> phrases(Mark mark) {
    Phrases<String> phrases = marks.get(mark);
    return phrases == null ? Phrases.<String>builder().build() : phrases;
  }

  /** Collects words; begins with those of another language. */
  static final class Builder {
    final String code;
    final String name;
    final Map<Mark, Phrases.Builder<String>> marks = new EnumMap<>(Mark.class);
    final Phrases.Builder<Weighted> occasions = Phrases.builder();
    final Phrases.Builder<String> audience = Phrases.builder();
    final Phrases.Builder<String> hints = Phrases.builder();
    final Phrases.Builder<Currency> currencies = Phrases.builder();
    final Phrases.Builder<Currency> currencySigns = Phrases.builder();
    final Phrases.Builder<Integer> numbers = Phrases.builder();
    final Phrases.Builder<String> allergens = Phrases.builder();
    final Phrases.Builder<String> diets = Phrases.builder();
    final Phrases.Builder<Wanted> wanted = Phrases.builder();
    final Phrases.Builder<String> themes = Phrases.builder();
    final Phrases.Builder<Integer> months = Phrases.builder();
    final Phrases.Builder<DayOfWeek> weekdays = Phrases.builder();
    final Phrases.Builder<String> cities = Phrases.builder();

    Builder(String code, String name) {
      this.code = code;
      this.name = name;
    }

    Builder add(Mark mark, Iterable<String> phrases) {
      Phrases.Builder<String> known = marks.computeIfAbsent(mark, none -> Phrases.builder());
      phrases.forEach(phrase -> known.add(phrase, phrase));
      return this;
    }

    Builder startWith(Lexicon other) {
      other.marks.forEach(
          (mark, phrases) -> {
            if (mark != Mark.LANGUAGE) {
              marks.computeIfAbsent(mark, none -> Phrases.builder()).addAll(phrases);
            }
          });
      occasions.addAll(other.occasions);
      audience.addAll(other.audience);
      hints.addAll(other.hints);
      currencies.addAll(other.currencies);
      currencySigns.addAll(other.currencySigns);
      numbers.addAll(other.numbers);
      allergens.addAll(other.allergens);
      diets.addAll(other.diets);
      wanted.addAll(other.wanted);
      themes.addAll(other.themes);
      months.addAll(other.months);
      weekdays.addAll(other.weekdays);
      cities.addAll(other.cities);
      return this;
    }

    Lexicon build() {
      return new Lexicon(this);
    }
  }
}
