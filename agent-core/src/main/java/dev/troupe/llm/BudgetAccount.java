package dev.troupe.llm;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What a scope's account of one period is about. How much is used and left stands in the counters
 * of its record: for each of tokens, money and calls, {@code left} is what is limited, 0 where
 * nothing is, less what was used and what is set aside.
 *
 * @param budget null where nothing is limited and calls are only recorded
 * @param since when its first call was made
 * @param expires when it may leave the store
 * @param mark the row that tells of the last change of the budget, empty before the first
 */
record BudgetAccount(@Nullable Budget budget, long since, long expires, String mark) {
  static final String LEFT_CALLS = "left-calls";
  static final String LEFT_TOKENS = "left-tokens";
  static final String LEFT_MONEY = "left-money";
  static final String CALLS = "calls";
  static final String INPUT = "input";
  static final String OUTPUT = "output";
  static final String COST = "cost";

  /** Rows of what is set aside begin so. */
  static final String ASIDE = "r";

  /** Rows of settlements begin so; there is one for each process that settled. */
  static final String SETTLED = "s";

  /** Rows of changed budgets begin so. */
  static final String CHANGED = "b";

  static long tokens(@Nullable Budget budget) {
    Long tokens = budget == null ? null : budget.tokens();
    return tokens == null ? 0 : tokens;
  }

  static long calls(@Nullable Budget budget) {
    Long calls = budget == null ? null : budget.calls();
    return calls == null ? 0 : calls;
  }

  static long money(@Nullable Budget budget) {
    return budget == null || budget.money() == null ? 0 : Budget.nanos(budget.money());
  }

  BudgetAccount changed(Budget anew, String by) {
    return new BudgetAccount(anew, since, expires, by);
  }

  BudgetAccount keptUntil(Instant later) {
    return new BudgetAccount(budget, since, later.toEpochMilli(), mark);
  }

  byte[] encode() {
    return new BudgetLines()
        .add(budget)
        .add("since", since)
        .add("expires", expires)
        .add("mark", mark.isEmpty() ? null : mark)
        .encode();
  }

  static BudgetAccount decode(String key, byte[] value) {
    BudgetLines.Read read = new BudgetLines.Read(key, value);
    String mark = read.text("mark");
    return new BudgetAccount(
        read.budget(), read.number("since"), read.number("expires"), mark == null ? "" : mark);
  }
}
