package dev.troupe.examples.party.request;

import dev.troupe.examples.party.request.Lexicon.Mark;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** Reads requests by the rules of {@code rules.yaml}. Pure and fast; safe for many threads. */
public final class RuleReader implements RequestReader {
  /** What a request may look like, for messages that refuse one. */
  public static final String EXAMPLE =
      "a dinosaur party for 12 kids on 6 June in Lisbon, 600 euros, one is allergic to nuts";

  private final Rules rules;

  /**
   * Creates a reader.
   *
   * @param rules what it goes by
   */
  public RuleReader(Rules rules) {
    this.rules = rules;
  }

  /**
   * Says why a text is refused before anybody reads it.
   *
   * @param text the request, sanitised
   * @param rules with the limits
   * @return why, or an empty text when it may be read
   */
  public static String refusal(String text, Rules rules) {
    if (text.isEmpty()) {
      return "There is nothing to plan: the request is empty. " + example();
    }
    int letters = text.codePointCount(0, text.length());
    if (letters < rules.limits.least()) {
      return "There is nothing to plan: “%s” is too short. %s".formatted(text, example());
    }
    if (letters > rules.limits.hardMost()) {
      return "The request has %,d characters; at most %,d can be read. Send only what matters for the"
              .formatted(letters, rules.limits.hardMost())
          + " party: "
          + example();
    }
    return "";
  }

  private static String example() {
    return "Say what you celebrate, for how many, where, when and for how much. For example: “"
        + EXAMPLE
        + "”";
  }

  @Override
  public Understanding read(String text, LocalDate today) {
    List<String> notes = new ArrayList<>();
    Lexicon lexicon = language(text);
    if (!lexicon.code.equals("en")) {
      notes.add("The request was read as " + lexicon.name + ".");
    }
    String part = text;
    if (text.codePointCount(0, text.length()) > rules.limits.most()) {
      part = new Paragraphs(lexicon, rules, today).best(text);
      String begin = part.substring(0, Math.min(60, part.length())).replace('\n', ' ').strip();
      notes.add(
          ("The text is long (%,d characters). Only the part that begins “%s…” was taken as the"
                  + " request, and allergies from all of it. Send what else matters by itself.")
              .formatted(text.codePointCount(0, text.length()), begin));
    }
    List<PartyBrief> parties = new ArrayList<>();
    for (String one : new Splitter(lexicon, rules, today).split(part)) {
      Reading reading = new Reading(one, lexicon, rules, today);
      GuestReader guests = new GuestReader(reading);
      PartyBrief brief = brief(reading, guests);
      String refusal = guests.refusal();
      if (refusal != null) {
        return Understanding.refused(refusal);
      }
      if (new SubjectReader(reading).recognised()) {
        parties.add(brief);
      }
    }
    if (parties.isEmpty()) {
      return Understanding.refused(
          "Nothing in the request says what to celebrate or for whom: no occasion, no theme and no"
              + " guests were recognised. "
              + example());
    }
    if (parties.size() > rules.limits.parties()) {
      return Understanding.refused(
          "The text holds %d parties; send at most %d at once."
              .formatted(parties.size(), rules.limits.parties()));
    }
    if (parties.size() > 1) {
      notes.add("The text holds %d parties; each has a plan of its own.".formatted(parties.size()));
    }
    return new Understanding(
        part.equals(text) ? parties : withAllergiesOf(text, lexicon, today, parties), notes, null);
  }

  private static PartyBrief brief(Reading reading, GuestReader guestReader) {
    PartyBrief.When when = new DateReader(reading).read();
    PartyBrief.Place place = new PlaceReader(reading).read();
    BudgetReader budget = new BudgetReader(reading).find(place.city());
    PartyBrief.Guests guests = guestReader.read();
    SubjectReader subject = new SubjectReader(reading);
    PartyBrief.Needs needs = subject.needs();
    PartyBrief.Budget limit = budget.read(guests);
    return new PartyBrief(
        subject.what(),
        guests,
        when,
        place,
        limit,
        new FoodReader(reading).read(),
        subject.wishes(),
        needs,
        reading.notes);
  }

  private Lexicon language(String text) {
    Words words = Words.of(text);
    Lexicon best = rules.english;
    int most = 1;
    for (Lexicon language : rules.languages) {
      Set<String> found = new HashSet<>();
      language.find(Mark.LANGUAGE, words).forEach(hit -> found.add(hit.value()));
      if (found.size() > most) {
        most = found.size();
        best = language;
      }
    }
    return best;
  }

  /** The allergies of a long text belong to the party wherever they stand. */
  private List<PartyBrief> withAllergiesOf(
      String text, Lexicon lexicon, LocalDate today, List<PartyBrief> parties) {
    PartyBrief.Food everywhere =
        new FoodReader(new Reading(text, lexicon, rules, today)).certainOnly().read();
    return parties.stream().map(party -> adding(party, everywhere)).toList();
  }

  /**
   * Adds allergies and diets to a party.
   *
   * @param party the party
   * @param food what has to be added
   * @return the party with what it had and what was added
   */
  public static PartyBrief adding(PartyBrief party, PartyBrief.Food food) {
    PartyBrief.Food merged =
        new PartyBrief.Food(
            union(party.food().avoid(), food.avoid()),
            union(party.food().diets(), food.diets()),
            union(party.food().unclear(), food.unclear()));
    return new PartyBrief(
        party.what(),
        party.guests(),
        party.when(),
        party.place(),
        party.budget(),
        merged,
        party.wishes(),
        party.needs(),
        party.notes());
  }

  private static List<String> union(List<String> a, List<String> b) {
    Set<String> all = new LinkedHashSet<>(a);
    all.addAll(b);
    return List.copyOf(all);
  }
}
