package dev.troupe.llm;

import java.math.BigDecimal;
import org.jspecify.annotations.Nullable;

/** Budgets of run trees, tenants and periods, kept in the store. */
public final class Budgets {
  Budgets() {}

  /** What was set aside for one attempt. Exactly one of its methods is called, once. */
  interface Charge {
    /** What the attempt really took; a null cost where the model has no price. */
    void used(long inputTokens, long outputTokens, @Nullable BigDecimal cost);

    /** The attempt never reached the provider: all is given back. */
    void unused();
  }

  /**
   * Sets aside what an attempt may take.
   *
   * @param root the root of the run's tree, null outside runs
   * @throws dev.troupe.AgentException with BUDGET_EXCEEDED when one of the budgets has not enough
   *     left; nothing is set aside
   */
  @SuppressWarnings("DoNotCallSuggester")
  Charge charge(
      @Nullable String root,
      String tenant,
      long inputTokens,
      long outputTokens,
      @Nullable BigDecimal cost) {
    throw new UnsupportedOperationException("being built");
  }
}
