package dev.troupe.examples.party.request;

import java.time.DateTimeException;
import java.time.DayOfWeek;
import java.time.LocalDate;
import java.time.Year;
import java.time.format.DateTimeFormatter;
import java.time.format.TextStyle;
import java.time.temporal.ChronoUnit;
import java.time.temporal.TemporalAdjusters;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Finds the day of the party. */
final class DateReader {
  private static final DateTimeFormatter SHOWN =
      DateTimeFormatter.ofPattern("EEEE d MMMM uuuu", Locale.ENGLISH);
  private static final Set<String> SKIPPED =
      Set.of("th", "st", "nd", "rd", "of", "de", "der", "o", "er", "the", "del");
  private static final Set<String> AMBIGUOUS = Set.of("may", "march", "mar", "mars", "marco");
  private static final int YEARS_AHEAD = 2;

  private final Reading reading;
  private final Words words;
  private final List<LocalDate> dates = new ArrayList<>();
  private final List<DayOfWeek> avoid = new ArrayList<>();
  private Phrases.@Nullable Hit<DayOfWeek> weekday;

  DateReader(Reading reading) {
    this.reading = reading;
    this.words = reading.words;
  }

  /** The date as people write it. */
  static String shown(LocalDate date) {
    return SHOWN.format(date);
  }

  PartyBrief.When read() {
    weekdays();
    months();
    for (int i = 0; i < words.size(); i++) {
      if (!reading.used(i)) {
        numeric(i);
      }
    }
    if (dates.isEmpty()) {
      relative();
    }
    return new PartyBrief.When(date(), avoid);
  }

  private @Nullable LocalDate date() {
    if (dates.isEmpty()) {
      return null;
    }
    LocalDate date = dates.get(0);
    if (dates.stream().distinct().count() > 1) {
      reading.note("More than one date is named; planned for " + shown(date) + ".");
    }
    if (date.isBefore(reading.today)) {
      reading.note("The date " + shown(date) + " has passed.");
    }
    return date;
  }

  private void weekdays() {
    for (Phrases.Hit<DayOfWeek> hit : reading.lexicon.weekdays.find(words)) {
      if (reading.negated(hit.from())) {
        avoid.add(hit.value());
      } else if (weekday == null) {
        weekday = hit;
      }
    }
  }

  private void months() {
    for (Phrases.Hit<Integer> month : reading.lexicon.months.find(words)) {
      int before = month.from() - 1;
      while (SKIPPED.contains(words.at(before)) && month.from() - before < 4) {
        before--;
      }
      int day = dayAt(before);
      int after = month.to();
      if (day > 0) {
        reading.use(before, month.to());
      } else if (!AMBIGUOUS.contains(words.at(month.from())) || words.capital(month.from())) {
        after = words.at(after).equals("the") ? after + 1 : after;
        day = words.breakBefore(after) == 0 ? dayAt(after) : 0;
        if (day <= 0) {
          continue;
        }
        after++;
        after = SKIPPED.contains(words.at(after)) ? after + 1 : after;
        reading.use(month.from(), after);
      } else {
        continue;
      }
      int yearAt = SKIPPED.contains(words.at(after)) ? after + 1 : after;
      int year = year(yearAt);
      reading.use(yearAt, year > 0 ? yearAt + 1 : yearAt);
      add(year, month.value(), day);
    }
  }

  private int dayAt(int i) {
    int day = words.number(i);
    return words.at(i).length() <= 2 && day >= 1 && day <= 31 && !reading.used(i) ? day : 0;
  }

  private int year(int i) {
    int year = words.number(i);
    return words.at(i).length() == 4 && year >= 2000 && year < 2100 ? year : 0;
  }

  private void numeric(int i) {
    String first = words.gap(i + 1);
    if (!words.digits(i) || !words.digits(i + 1)) {
      return;
    }
    boolean third = words.digits(i + 2) && words.gap(i + 2).equals(first);
    if (first.equals("-") && third && year(i) > 0) {
      reading.use(i, i + 3);
      add(year(i), words.number(i + 1), words.number(i + 2));
    } else if (first.equals("/") || (first.equals(".") && (third || endsWithPoint(i + 2)))) {
      int year = third ? words.number(i + 2) : 0;
      if (third && words.at(i + 2).length() == 2) {
        year += 2000;
      }
      if (third && (year < 2000 || year >= 2100)) {
        return;
      }
      dayAndMonth(i, year, third ? i + 3 : i + 2);
    }
  }

  private boolean endsWithPoint(int i) {
    return words.gap(i).startsWith(".") && words.at(i - 1).length() <= 2;
  }

  private void dayAndMonth(int i, int year, int end) {
    int a = words.number(i);
    int b = words.number(i + 1);
    if (a < 1 || b < 1 || a > 31 || b > 31 || (a > 12 && b > 12)) {
      return;
    }
    reading.use(i, end);
    add(year, b > 12 ? a : b, b > 12 ? b : a);
    if (a <= 12 && b <= 12 && a != b && !dates.isEmpty()) {
      LocalDate read = dates.get(dates.size() - 1);
      reading.note(
          "The date %s was read as %s (day first).".formatted(words.original(i, end), shown(read)));
    }
  }

  private void add(int year, int month, int day) {
    try {
      if (year > 0) {
        dates.add(checked(LocalDate.of(year, month, day)));
        return;
      }
      LocalDate next = next(month, day);
      LocalDate fitting = next;
      while (wrongWeekday(fitting) && fitting.getYear() <= reading.today.getYear() + YEARS_AHEAD) {
        fitting = next(month, day, fitting.getYear() + 1);
      }
      dates.add(wrongWeekday(fitting) ? checked(next) : fitting);
    } catch (DateTimeException e) {
      reading.note("%d/%d is no date; the day is left open.".formatted(day, month));
    }
  }

  private LocalDate next(int month, int day) {
    LocalDate thisYear = next(month, day, reading.today.getYear());
    return thisYear.isBefore(reading.today)
        ? next(month, day, reading.today.getYear() + 1)
        : thisYear;
  }

  /** 29 February is looked for in the next leap year. */
  private static LocalDate next(int month, int day, int year) {
    if (month == 2 && day == 29) {
      int leap = year;
      while (!Year.isLeap(leap)) {
        leap++;
      }
      return LocalDate.of(leap, month, day);
    }
    return LocalDate.of(year, month, day);
  }

  private boolean wrongWeekday(LocalDate date) {
    return weekday != null && date.getDayOfWeek() != weekday.value();
  }

  private LocalDate checked(LocalDate date) {
    if (weekday != null && wrongWeekday(date)) {
      reading.note(
          "The request says %s, but %s is a %s; planned for the date."
              .formatted(
                  name(weekday.value()),
                  shown(date).substring(shown(date).indexOf(' ') + 1),
                  name(date.getDayOfWeek())));
    }
    return date;
  }

  static String name(DayOfWeek day) {
    return day.getDisplayName(TextStyle.FULL, Locale.ENGLISH);
  }

  /** A weekday alone, "tomorrow", "in two weeks". */
  private void relative() {
    LocalDate date = null;
    String said = "";
    for (int i = 0; i < words.size() && date == null; i++) {
      if (words.at(i).equals("tomorrow") || words.at(i).equals("today")) {
        date = reading.today.plusDays(words.at(i).equals("tomorrow") ? 1 : 0);
        said = words.original(i, i + 1);
      }
    }
    for (Num number : reading.numbers) {
      ChronoUnit unit = unit(words.at(number.to()));
      boolean in = words.at(number.from() - 1).equals("in");
      if (date == null && unit != null && in && number.count() > 0 && number.count() < 400) {
        date = reading.today.plus(number.count(), unit);
        said = words.original(number.from() - 1, number.to() + 1);
        reading.use(number.from() - 1, number.to() + 1);
      }
    }
    if (date == null && weekday != null) {
      date = reading.today.with(TemporalAdjusters.next(weekday.value()));
      said = words.original(weekday.from(), weekday.to());
    }
    if (date != null) {
      dates.add(date);
      reading.note("“%s” was read as %s.".formatted(said, shown(date)));
    }
  }

  private static @Nullable ChronoUnit unit(String word) {
    return switch (word) {
      case "day", "days" -> ChronoUnit.DAYS;
      case "week", "weeks" -> ChronoUnit.WEEKS;
      case "month", "months" -> ChronoUnit.MONTHS;
      default -> null;
    };
  }
}
