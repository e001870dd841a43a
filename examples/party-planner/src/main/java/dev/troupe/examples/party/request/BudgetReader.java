package dev.troupe.examples.party.request;

import dev.troupe.examples.party.catalogue.Money;
import dev.troupe.examples.party.request.Lexicon.Mark;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Finds what may be spent. Marks the amounts as used, so that nobody counts them as guests. */
final class BudgetReader {
  private static final int NEAR = 6;

  private final Reading reading;
  private final Words words;
  private final List<Amount> amounts = new ArrayList<>();

  BudgetReader(Reading reading) {
    this.reading = reading;
    this.words = reading.words;
  }

  private record Amount(
      BigDecimal value, Currency currency, @Nullable String head, boolean near, String written) {}

  /** Finds the amounts; before guests are counted. */
  BudgetReader find(@Nullable String city) {
    List<Phrases.Hit<String>> marks = reading.lexicon.find(Mark.BUDGET, words);
    for (Num number : reading.numbers) {
      if (!reading.used(number.from())) {
        amount(number, marks, city);
      }
    }
    if (amounts.isEmpty()) {
      for (Num number : reading.numbers) {
        if (!reading.used(number.from()) && amounts.isEmpty()) {
          bare(number);
        }
      }
    }
    return this;
  }

  private void amount(Num number, List<Phrases.Hit<String>> marks, @Nullable String city) {
    int from = number.from();
    int to = number.to();
    Currency currency = null;
    if (to < words.size() && words.breakBefore(to) == 0 && close(to)) {
      int length = reading.lexicon.currencies.lengthAt(words, to);
      int sign = reading.lexicon.currencySigns.lengthAt(words, to);
      if (length > 0 || sign > 0) {
        Phrases<Currency> found =
            length >= sign ? reading.lexicon.currencies : reading.lexicon.currencySigns;
        currency = found.valueAt(words, to);
        to += Math.max(length, sign);
      }
    }
    if (currency == null) {
      for (int back = 2; back >= 1 && currency == null; back--) {
        int at = number.from() - back;
        if (at >= 0
            && reading.lexicon.currencySigns.lengthAt(words, at) == back
            && words.together(at, number.from(), 1)
            && close(number.from())) {
          currency = reading.lexicon.currencySigns.valueAt(words, at);
          from = at;
        }
      }
    }
    if (currency == null) {
      return;
    }
    boolean crowns = words.at(to - 1).equals("kr") || words.at(from).equals("kr");
    if (crowns && currency.code().equals("SEK") && "cph".equals(city)) {
      currency = reading.rules.currencies.getOrDefault("DKK", currency);
    }
    reading.use(from, to);
    add(number, currency, words.original(from, to), to, near(marks, from));
  }

  private boolean close(int i) {
    String gap = words.gap(i);
    return gap.isBlank() || gap.equals(".") || gap.equals(". ") || gap.equals("-");
  }

  private boolean near(List<Phrases.Hit<String>> marks, int at) {
    return marks.stream()
        .anyMatch(m -> Math.abs(m.from() - at) <= NEAR && words.together(m.from(), at, 2));
  }

  /** "budget 500", "we can spend 500": an amount in the usual currency. */
  private void bare(Num number) {
    Phrases<String> alone = reading.lexicon.phrases(Mark.BUDGET_ALONE);
    boolean people =
        reading.lexicon.audience.lengthAt(words, number.to()) > 0
            || reading.lexicon.phrases(Mark.PEOPLE).lengthAt(words, number.to()) > 0;
    for (int back = 1; back <= 4 && !people && number.from() - back >= 0; back++) {
      int at = number.from() - back;
      if (alone.lengthAt(words, at) > 0 && words.together(at, number.from(), 2)) {
        String code = reading.rules.defaults.currency();
        Currency usual = reading.rules.currencies.get(code);
        if (usual != null) {
          String written = words.original(number.from(), number.to());
          reading.note("No currency was given with “" + written + "”: " + code + " assumed.");
          reading.use(number.from(), number.to());
          add(number, usual, written + " " + code, number.to(), true);
        }
        return;
      }
    }
  }

  private void add(Num number, Currency currency, String written, int to, boolean near) {
    BigDecimal most = BigDecimal.valueOf(reading.rules.limits.budgetEur());
    if (number.negative() || number.value().multiply(currency.rateToEur()).compareTo(most) > 0) {
      String shown = written.substring(0, Math.min(30, written.length()));
      reading.note("The amount “%s” is out of range and was not taken.".formatted(shown));
      return;
    }
    String head = null;
    for (int i = to; i <= to + 2 && i < words.size() && words.breakBefore(i) == 0; i++) {
      int length = reading.lexicon.phrases(Mark.PER_HEAD).lengthAt(words, i);
      if (length > 0 && head == null) {
        head = words.original(i, i + length);
        reading.use(i, i + length);
      }
    }
    amounts.add(new Amount(number.value(), currency, head, near, written));
  }

  /** The budget; after guests are counted. */
  PartyBrief.@Nullable Budget read(PartyBrief.Guests guests) {
    PartyBrief.Budget best = null;
    boolean bestNear = false;
    for (Amount amount : amounts) {
      PartyBrief.Budget budget = budget(amount, guests);
      boolean better =
          best == null
              || (amount.near && !bestNear)
              || (amount.near == bestNear && budget.limit().moreThan(best.limit()));
      if (better) {
        best = budget;
        bestNear = amount.near;
      }
    }
    if (amounts.size() > 1 && best != null) {
      reading.note("More than one amount is named; " + best.stated() + " was taken as the budget.");
    }
    return best;
  }

  private PartyBrief.Budget budget(Amount amount, PartyBrief.Guests guests) {
    int heads = 1;
    String stated = amount.written;
    if (amount.head != null) {
      String unit = amount.head.toLowerCase(Locale.ROOT);
      boolean children =
          reading.lexicon.audience.find(Words.of(unit)).stream()
              .anyMatch(hit -> GuestReader.CHILDREN.contains(hit.value()));
      heads = children && guests.kids() > 0 ? guests.kids() : guests.total();
      stated += " " + amount.head + " for " + heads;
    }
    BigDecimal total = amount.value.multiply(BigDecimal.valueOf(heads));
    Money limit = Money.of(total.multiply(amount.currency.rateToEur()));
    if (!amount.currency.code().equals("EUR")) {
      reading.note(
          "%s is %s at the sample rate of %s."
              .formatted(stated, limit, amount.currency.rateToEur().toPlainString()));
    }
    return new PartyBrief.Budget(limit, stated);
  }
}
