package dev.troupe.llm;

import dev.troupe.llm.BudgetScope.Kind;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What holds where no operator said otherwise.
 *
 * @param budgets by kind of scope; none where it is absent
 * @param periods of the tenants' and the fleet's budgets
 * @param recording whether calls of trees without a budget are recorded too
 * @param unpriced whether calls of models without a price are allowed under a budget of money
 * @param keepTrees how long the account of a tree is kept after its last call, at least half of it
 */
record BudgetRules(
    Map<Kind, Budget> budgets,
    Map<Kind, BudgetPeriod> periods,
    boolean recording,
    boolean unpriced,
    Duration keepTrees) {
  BudgetRules {
    budgets = Map.copyOf(budgets);
    periods = Map.copyOf(periods);
  }

  @Nullable Budget budget(Kind kind) {
    return budgets.get(kind);
  }

  BudgetPeriod period(Kind kind) {
    return periods.getOrDefault(kind, BudgetPeriod.DAY);
  }
}
