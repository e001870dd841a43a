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

  /** The name of the period that an instant lies in: {@code 2026-03-01} or {@code 2026-03}. */
  String nameAt(long millis) {
    LocalDate day = day(millis);
    return this == DAY ? day.toString() : YearMonth.from(day).toString();
  }

  Instant endAfter(long millis) {
    LocalDate day = day(millis);
    LocalDate next = this == DAY ? day.plusDays(1) : day.withDayOfMonth(1).plusMonths(1);
    return next.atStartOfDay(ZoneOffset.UTC).toInstant();
  }

  private static LocalDate day(long millis) {
    return LocalDate.ofEpochDay(Math.floorDiv(millis, DAY_MILLIS));
  }
}
