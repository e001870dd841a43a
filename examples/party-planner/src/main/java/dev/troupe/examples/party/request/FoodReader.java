package dev.troupe.examples.party.request;

import dev.troupe.examples.party.request.Lexicon.Mark;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Finds allergies and diets. Errs on the safe side: an allergen too many costs a choice of cakes,
 * one too few may cost a life.
 */
final class FoodReader {
  private static final int AFTER_WEAK = 6;
  private static final int BEFORE_FREE = 3;

  private final Reading reading;
  private final Words words;
  private final boolean[] masked;
  private final List<Phrases.Hit<String>> allergens;
  private boolean onlyCertain;

  FoodReader(Reading reading) {
    this.reading = reading;
    this.words = reading.words;
    this.masked = new boolean[words.size()];
    this.allergens = reading.lexicon.allergens.find(words);
    mask(Mark.NOT_FOOD);
    mask(Mark.ALLERGY_DENIED);
  }

  private void mask(Mark mark) {
    for (Phrases.Hit<String> hit : reading.lexicon.find(mark, words)) {
      for (int i = hit.from(); i < hit.to(); i++) {
        masked[i] = true;
      }
    }
  }

  /** Keeps to words that always mean an allergy, for texts that speak of many things. */
  FoodReader certainOnly() {
    onlyCertain = true;
    return this;
  }

  PartyBrief.Food read() {
    Set<String> avoid = new LinkedHashSet<>();
    List<String> unclear = new ArrayList<>();
    for (Phrases.Hit<String> marker : reading.lexicon.find(Mark.ALLERGY, words)) {
      if (!masked[marker.from()] && (!onlyCertain || certain(words.at(marker.from())))) {
        marked(marker, avoid, unclear);
      }
    }
    Set<String> diets = new LinkedHashSet<>();
    for (Phrases.Hit<String> diet : reading.lexicon.diets.find(words)) {
      if (!onlyCertain && !masked[diet.from()] && !words.at(diet.from() - 1).equals("not")) {
        diets.add(diet.value());
      }
    }
    return new PartyBrief.Food(List.copyOf(avoid), List.copyOf(diets), unclear);
  }

  private void marked(Phrases.Hit<String> marker, Set<String> avoid, List<String> unclear) {
    boolean weak = reading.lexicon.phrases(Mark.ALLERGY_WEAK).lengthAt(words, marker.from()) > 0;
    boolean free = reading.lexicon.phrases(Mark.ALLERGY_FREE).lengthAt(words, marker.from()) > 0;
    boolean single = marker.to() - marker.from() == 1;
    int before = weak && single ? 0 : free && single ? BEFORE_FREE : reading.rules.allergyWindow;
    int after = free && single ? 0 : weak && single ? AFTER_WEAK : reading.rules.allergyWindow;
    boolean found = false;
    for (Phrases.Hit<String> allergen : allergens) {
      int first = marker.from() - before;
      int last = marker.to() + after;
      boolean inside = allergen.to() > first && allergen.from() < last;
      if (inside && !masked[allergen.from()] && words.together(marker.from(), allergen.from(), 2)) {
        avoid.add(allergen.value());
        found = true;
      }
    }
    if (!found && certain(words.at(marker.from()))) {
      int end = marker.to();
      while (end < marker.to() + 4 && end < words.size() && words.breakBefore(end) == 0) {
        end++;
      }
      unclear.add(words.original(marker.from(), end));
    }
  }

  private boolean certain(String word) {
    return reading.rules.certainAllergies.stream().anyMatch(word::startsWith);
  }
}
