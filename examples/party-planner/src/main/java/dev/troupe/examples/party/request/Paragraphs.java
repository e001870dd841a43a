package dev.troupe.examples.party.request;

import dev.troupe.examples.party.request.Lexicon.Mark;
import java.time.LocalDate;

/** Finds the paragraph of a long text that holds the request. */
final class Paragraphs {
  private final Lexicon lexicon;
  private final Rules rules;
  private final LocalDate today;

  Paragraphs(Lexicon lexicon, Rules rules, LocalDate today) {
    this.lexicon = lexicon;
    this.rules = rules;
    this.today = today;
  }

  /** The paragraph with the most facts, cut to the normal limit; the first when several have. */
  String best(String text) {
    String best = "";
    int most = -1;
    for (String paragraph : text.split("\n\n", -1)) {
      int facts = facts(paragraph);
      if (facts > most) {
        most = facts;
        best = paragraph;
      }
    }
    return best.substring(0, Math.min(best.length(), rules.limits.most()));
  }

  private int facts(String paragraph) {
    Reading reading = new Reading(paragraph, lexicon, rules, today);
    int facts = 0;
    facts += new DateReader(reading).read().date() == null ? 0 : 2;
    facts += new PlaceReader(reading).read().city() == null ? 0 : 2;
    BudgetReader budget = new BudgetReader(reading).find(null);
    PartyBrief.Guests guests = new GuestReader(reading).read();
    facts += budget.read(guests) == null ? 0 : 2;
    boolean assumed = reading.notes.stream().anyMatch(n -> n.startsWith("The number of guests"));
    facts += assumed ? 0 : 2;
    SubjectReader subject = new SubjectReader(reading);
    facts += subject.what().occasion().equals(rules.defaults.occasion()) ? 0 : 1;
    facts += subject.themes().isEmpty() ? 0 : 1;
    facts += lexicon.find(Mark.ACCESSIBLE, reading.words).isEmpty() ? 0 : 1;
    return facts;
  }
}
