package dev.troupe.examples.party.request;

import dev.troupe.examples.party.catalogue.Ages;
import dev.troupe.examples.party.request.Lexicon.Mark;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Finds who comes: how many children, how many others, and for which age it is. */
final class GuestReader {
  private static final String ANYBODY = "";
  static final Set<String> CHILDREN = Set.of("toddlers", "kids");
  private static final Set<String> AND = Set.of("and", "plus", "und", "y", "et", "e");
  private static final int JOINED_WITHIN = 4;
  private static final Set<String> NO_PEOPLE_AFTER =
      Set.of(
          "am", "pm", "o", "th", "st", "nd", "rd", "year", "years", "hour", "hours", "day", "days",
          "week", "weeks", "month", "months", "minutes", "km", "m", "h", "uhr", "tiers", "s");

  private final Reading reading;
  private final Words words;
  private @Nullable String refusal;

  GuestReader(Reading reading) {
    this.reading = reading;
    this.words = reading.words;
  }

  private record Counted(String group, int count, boolean announced, int at) {}

  @Nullable String refusal() {
    return refusal;
  }

  PartyBrief.Guests read() {
    Integer age = age();
    List<Counted> counted = count();
    Map<String, Integer> groups = new LinkedHashMap<>();
    for (Counted c : counted) {
      groups.merge(c.group(), best(counted, c.group()), (a, b) -> a);
    }
    String audience = audience(age, groups);
    Ages ages = reading.rules.audience(audience).ages();
    if (age != null && ages.max() < 18 && ages.covers(new Ages(age, age)) > 0) {
      ages = new Ages(age, age);
    }
    int kids = 0;
    int others = 0;
    for (Map.Entry<String, Integer> group : groups.entrySet()) {
      if (CHILDREN.contains(group.getKey())) {
        kids += group.getValue();
      } else if (!group.getKey().equals(ANYBODY)) {
        others += group.getValue();
      }
    }
    int anybody = groups.getOrDefault(ANYBODY, 0);
    if (anybody >= kids + others && anybody > 0) {
      boolean forChildren = kids == 0 && CHILDREN.contains(audience);
      others = forChildren ? others : anybody - kids;
      kids = forChildren ? anybody - others : kids;
    }
    return checked(new PartyBrief.Guests(kids, others, audience, ages, age), anybody > 0);
  }

  private PartyBrief.Guests checked(PartyBrief.Guests guests, boolean totalGiven) {
    int kids = guests.kids();
    int others = guests.others();
    if (kids + others == 0) {
      boolean children = CHILDREN.contains(guests.audience());
      int assumed = reading.rules.defaults.guests();
      reading.note("The number of guests was not given: %d assumed.".formatted(assumed));
      kids = children ? assumed : 0;
      others = children ? 0 : assumed;
    }
    if (kids > 0 && others == 0 && !totalGiven) {
      others = grownUps(kids);
    }
    if (kids + others > reading.rules.limits.guests()) {
      refusal =
          "%,d guests are more than this planner can plan for: at most %d."
              .formatted(kids + others, reading.rules.limits.guests());
    }
    return new PartyBrief.Guests(kids, others, guests.audience(), guests.ages(), guests.age());
  }

  private int grownUps(int kids) {
    if (!reading.lexicon.find(Mark.WITH_PARENTS, words).isEmpty()) {
      reading.note("One parent was counted for each child.");
      return kids;
    }
    int each = reading.rules.defaults.kidsPerAdult();
    int adults = (kids + each - 1) / each;
    reading.note(
        "%d %s added to look after the children, one for each %d."
            .formatted(adults, adults == 1 ? "adult was" : "adults were", each));
    return adults;
  }

  private String audience(@Nullable Integer age, Map<String, Integer> groups) {
    boolean onlyChildren = !groups.isEmpty() && CHILDREN.containsAll(groups.keySet());
    if (age != null && !(age >= 18 && onlyChildren)) {
      return reading.rules.audience(age).id();
    }
    String best = most(reading.lexicon.audience);
    if (best == null && onlyChildren) {
      best = groups.keySet().iterator().next();
    }
    if (best == null) {
      best = most(reading.lexicon.hints);
    }
    return best == null ? reading.rules.defaults.audience() : best;
  }

  private @Nullable String most(Phrases<String> phrases) {
    Map<String, Integer> found = new LinkedHashMap<>();
    for (Phrases.Hit<String> hit : phrases.find(words)) {
      if (!reading.negated(hit.from()) && !aboutFood(hit.to())) {
        found.merge(hit.value(), 1, Integer::sum);
      }
    }
    String best = null;
    for (Rules.Audience audience : reading.rules.audiences) {
      int times = found.getOrDefault(audience.id(), 0);
      if (times > (best == null ? 0 : found.getOrDefault(best, 0))) {
        best = audience.id();
      }
    }
    return best;
  }

  private @Nullable Integer age() {
    Phrases<String> after = reading.lexicon.phrases(Mark.AGE_AFTER);
    for (Num number : reading.numbers) {
      boolean before = false;
      for (int back = 1; back <= 3 && number.from() - back >= 0 && !before; back++) {
        int length = reading.lexicon.phrases(Mark.AGE_BEFORE).lengthAt(words, number.from() - back);
        before = length == back && words.together(number.from() - back, number.from(), 1);
      }
      boolean following =
          words.breakBefore(number.to()) == 0 && after.lengthAt(words, number.to()) > 0;
      int age = number.count();
      if ((before || following) && age > 0 && age <= 110 && !reading.used(number.from())) {
        reading.use(number.from(), number.to());
        return age;
      }
    }
    return null;
  }

  private List<Counted> count() {
    List<Counted> counted = new ArrayList<>();
    for (Num number : reading.numbers) {
      if (reading.used(number.from())) {
        continue;
      }
      String group = groupAfter(number.to());
      boolean announced = announced(number.from());
      if (group == null && (!announced || other(number.to()))) {
        continue;
      }
      int count = number.count();
      if (count < 1 && group != null) {
        String sign = number.negative() ? "-" : "";
        String written = words.original(number.from(), number.to() + 1);
        String shown = written.substring(0, Math.min(20, written.length()));
        reading.note("“%s%s” is no number of guests and was not taken.".formatted(sign, shown));
      } else if (count >= 1) {
        add(counted, new Counted(group == null ? ANYBODY : group, count, announced, number.to()));
      }
    }
    counted.removeIf(c -> (c.count == 1 || aboutFood(c.at)) && counted.size() > 1);
    counted.removeIf(c -> c.count == 1 && aboutFood(c.at));
    return counted;
  }

  /** "10 boys and 12 girls" are 22 children. */
  private void add(List<Counted> counted, Counted next) {
    int last = counted.size() - 1;
    Counted before = last < 0 ? null : counted.get(last);
    boolean joined =
        before != null
            && before.group.equals(next.group)
            && next.at - before.at <= JOINED_WITHIN
            && (AND.contains(words.at(next.at - 2)) || AND.contains(words.at(next.at - 3)));
    if (before != null && joined && before.count > 1) {
      int sum = before.count + next.count;
      counted.set(last, new Counted(next.group, sum, before.announced, next.at));
    } else {
      counted.add(next);
    }
  }

  /** "3 kids are allergic": counts those with an allergy, not the guests. */
  private boolean aboutFood(int at) {
    for (int i = at; i < at + 5 && i < words.size() && words.breakBefore(i) == 0; i++) {
      if (reading.lexicon.phrases(Mark.ALLERGY).lengthAt(words, i) > 0
          || reading.lexicon.diets.lengthAt(words, i) > 0) {
        return true;
      }
    }
    return false;
  }

  private static int best(List<Counted> counted, String group) {
    int most = 0;
    for (Counted c : counted) {
      if (c.group().equals(group)) {
        if (c.announced()) {
          return c.count();
        }
        most = Math.max(most, c.count());
      }
    }
    return most;
  }

  /** The group named right after a number, with at most two words between, null for none. */
  private @Nullable String groupAfter(int at) {
    for (int i = at; i <= at + 2 && i < words.size() && words.breakBefore(i) == 0; i++) {
      if (reading.lexicon.audience.lengthAt(words, i) > 0) {
        return reading.lexicon.audience.valueAt(words, i);
      }
      if (reading.lexicon.phrases(Mark.PEOPLE).lengthAt(words, i) > 0) {
        return ANYBODY;
      }
      if (other(i)) {
        return null;
      }
    }
    return null;
  }

  private boolean announced(int at) {
    Phrases<String> before = reading.lexicon.phrases(Mark.PEOPLE_BEFORE);
    for (int back = 1; back <= 3 && at - back >= 0; back++) {
      if (before.lengthAt(words, at - back) == back && words.together(at - back, at, 1)) {
        return true;
      }
    }
    return false;
  }

  private boolean other(int i) {
    return (NO_PEOPLE_AFTER.contains(words.at(i)) && words.breakBefore(i) == 0)
        || words.digits(i)
        || reading.lexicon.currencies.lengthAt(words, i) > 0
        || reading.lexicon.months.lengthAt(words, i) > 0
        || reading.lexicon.phrases(Mark.PER_HEAD).lengthAt(words, i) > 0
        || words.gap(i).contains("%");
  }
}
