package dev.troupe.llm;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * How a scope stands at a moment.
 *
 * @param scope whose budget it is
 * @param budget what may be used, null when there is no limit
 * @param used what calls took that are over. Kept for scopes with a limit, and for trees of runs
 *     where recording is on
 * @param setAside what calls under way may take at most, and calls whose process died before it
 *     could tell what they took
 * @param left what the next call may take, never less than nothing; null when there is no limit
 * @param until when the period ends and all begins anew, null for the tree of a run
 * @param stop who stopped all calls, null when they are allowed
 */
public record BudgetState(
    BudgetScope scope,
    @Nullable Budget budget,
    Usage used,
    Usage setAside,
    @Nullable Budget left,
    @Nullable Instant until,
    @Nullable Stop stop) {

  /**
   * What an operator said when stopping all calls.
   *
   * @param by who
   * @param reason why
   * @param at when, on the store's clock
   */
  public record Stop(String by, String reason, Instant at) {}
}
