package dev.troupe.examples.party.request;

import dev.troupe.examples.party.request.Lexicon.Mark;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;

/** One party's text while it is read: its words, what is used up already, and remarks. */
final class Reading {
  final Words words;
  final Lexicon lexicon;
  final Rules rules;
  final LocalDate today;
  final List<String> notes = new ArrayList<>();
  final List<Num> numbers;

  /** Words that belong to a date or an amount, so that nothing else takes their numbers. */
  private final boolean[] used;

  private final boolean[] negated;

  Reading(String text, Lexicon lexicon, Rules rules, LocalDate today) {
    this.words = Words.of(text);
    this.lexicon = lexicon;
    this.rules = rules;
    this.today = today;
    this.used = new boolean[words.size()];
    this.negated = new boolean[words.size()];
    this.numbers = Num.find(words, lexicon.numbers);
    for (Phrases.Hit<String> no : lexicon.find(Mark.NEGATION, words)) {
      int end = Math.min(words.size(), no.to() + rules.negationWindow);
      for (int i = no.to(); i < end && words.breakBefore(i) == 0; i++) {
        negated[i] = true;
      }
    }
  }

  void use(int from, int to) {
    for (int i = Math.max(0, from); i < Math.min(to, used.length); i++) {
      used[i] = true;
    }
  }

  boolean used(int i) {
    return i >= 0 && i < used.length && used[i];
  }

  boolean negated(int i) {
    return i < negated.length && negated[i];
  }

  void note(String note) {
    if (!notes.contains(note)) {
      notes.add(note);
    }
  }
}
