package dev.troupe.llm;

import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.YearMonth;
import java.time.ZoneOffset;

/** How long the budget of a tenant or the fleet lasts before it begins anew. */
public enum BudgetPeriod {
  /** A calendar day in UTC, by the store's clock. */
  DAY,
  /** A calendar month in UTC, by the store's clock. */
  MONTH;

  private static final long DAY_MILLIS = Duration.ofDays(1).toMillis();

  /** The last day that was asked for; nearly all ask for today. */
  private volatile Named last = new Named(Long.MIN_VALUE, "");

  private record Named(long day, String name) {}

  /** The name of the period that an instant lies in: {@code 2026-03-01} or {@code 2026-03}. */
  String nameAt(long millis) {
    long number = Math.floorDiv(millis, DAY_MILLIS);
    Named known = last;
    if (known.day != number) {
      LocalDate day = day(millis);
      known = new Named(number, this == DAY ? day.toString() : YearMonth.from(day).toString());
      last = known;
    }
    return known.name;
  }

  Instant endAfter(long millis) {
    LocalDate day = day(millis);
    LocalDate next = this == DAY ? day.plusDays(1) : day.withDayOfMonth(1).plusMonths(1);
    return next.atStartOfDay(ZoneOffset.UTC).toInstant();
  }

  private static LocalDate day(long millis) {
    return LocalDate.ofInstant(Instant.ofEpochMilli(millis), ZoneOffset.UTC);
  }
}
