package dev.troupe.llm;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.llm.BudgetScope.Kind;
import dev.troupe.llm.BudgetState.Stop;
import dev.troupe.state.StateStore;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Budgets of run trees, tenants and the fleet, kept in the store. Before each attempt at a provider
 * what it may take at most is set aside in every budget that it belongs to, in one round trip;
 * afterwards, behind the call's back, what it really took is written instead. All processes that
 * share the store share the budgets, so neither fan-out nor retries nor restarts escape them.
 *
 * <p>What is set aside and used never goes beyond a budget; only an answer that took more than was
 * set aside for it brings it beyond, and then no other call is made. What a process had set aside
 * when it died stays charged: it is not known what the provider counted. Where little is left, a
 * call may be refused because of what another one had set aside a moment before.
 *
 * <p>Who is refused gets an {@link AgentException} with {@code BUDGET_EXCEEDED}: a run stops with
 * it, and goes on where it stood when the budget was raised and the run resumed.
 *
 * <p>A budget that the builder gives counts from when its scope makes its first call, in each
 * period; give all processes the same. What {@link #set} and {@link #raise} say replaces it, and is
 * kept. A store that does not answer fails the call: nothing is called that could not be charged.
 *
 * <p>Safe for use by many threads.
 */
public final class Budgets implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Budgets.class);
  private static final long FLUSH_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final long CLOSE_NANOS = TimeUnit.SECONDS.toNanos(5);

  private final BudgetLedger ledger;
  private final BudgetSettler settler;
  private final BudgetOffice office;

  private Budgets(Builder b) {
    ledger =
        new BudgetLedger(
            b.store, new BudgetRules(b.budgets, b.periods, b.recording, b.unpriced, b.keepTrees));
    settler = new BudgetSettler(ledger);
    office = new BudgetOffice(ledger);
  }

  /**
   * Starts budgets.
   *
   * @param store where they are kept; not closed by this
   * @return a builder
   */
  public static Builder over(StateStore store) {
    return new Builder(store);
  }

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
   * @throws AgentException with BUDGET_EXCEEDED when one of the budgets has not enough left, or
   *     calls were stopped; nothing is set aside
   */
  Charge charge(
      @Nullable String root,
      String tenant,
      long inputTokens,
      long outputTokens,
      @Nullable BigDecimal cost) {
    BudgetAmounts take = BudgetAmounts.of(inputTokens, outputTokens, cost);
    List<BudgetScope> scopes = new ArrayList<>(3);
    if (root != null) {
      scopes.add(BudgetScope.run(root));
    }
    if (!tenant.isEmpty()) {
      scopes.add(BudgetScope.tenant(tenant));
    }
    scopes.add(BudgetScope.fleet());
    for (boolean again = false; ; again = true) {
      boolean owed = settler.owes();
      BudgetCharge charge = new BudgetCharge(ledger, settler, take);
      BudgetSheet spent;
      try {
        spent = charge.reserve(scopes);
      } catch (RuntimeException refused) {
        charge.unused();
        throw refused;
      }
      if (spent == null) {
        return charge;
      }
      charge.unused();
      // what calls before gave back may not have been written yet
      if (!settler.flush(FLUSH_NANOS) || !owed || again) {
        throw BudgetRefusal.exceeded(spent, take, stateIfKnown(spent.scope));
      }
    }
  }

  private @Nullable BudgetState stateIfKnown(BudgetScope scope) {
    try {
      return office.state(scope);
    } catch (AgentException away) {
      LOG.debug("the budget of {} can't be read: {}", scope, away.getMessage());
      return null;
    }
  }

  /**
   * Sets the budget of one run's tree, before it makes its first call or later.
   *
   * @param root the run at its root
   * @param budget replaces the one before; what was used stays used
   */
  public void set(String root, Budget budget) {
    set(BudgetScope.run(root), budget);
  }

  /**
   * Sets a budget.
   *
   * @param scope whose; a tenant's or the fleet's holds for this and all later periods
   * @param budget replaces the one before; what was used stays used
   */
  public void set(BudgetScope scope, Budget budget) {
    check(scope.kind(), budget);
    office.set(scope, null, before -> budget);
  }

  /**
   * Sets a budget and how long it lasts. Another period than before begins with nothing used.
   *
   * @param scope a tenant or the fleet
   * @param budget replaces the one before
   * @param period how long it lasts
   */
  public void set(BudgetScope scope, Budget budget, BudgetPeriod period) {
    if (scope.kind() == Kind.RUN) {
      throw new IllegalArgumentException("the budget of a run's tree has no period: " + scope.id());
    }
    check(scope.kind(), budget);
    office.set(scope, Objects.requireNonNull(period, "period"), before -> budget);
  }

  /**
   * Raises the budget of one run's tree, so that it can be resumed.
   *
   * @param root the run at its root
   * @param more what to add
   * @throws AgentException with {@code INVALID_INPUT} when it has none
   */
  public void raise(String root, Budget more) {
    raise(BudgetScope.run(root), more);
  }

  /**
   * Raises a budget.
   *
   * @param scope whose; a tenant's or the fleet's is raised for this and all later periods
   * @param more what to add; what is not limited stays so
   * @throws AgentException with {@code INVALID_INPUT} when it has none
   */
  public void raise(BudgetScope scope, Budget more) {
    check(scope.kind(), more);
    office.set(
        scope,
        null,
        before -> {
          if (before == null) {
            throw new AgentException(
                ErrorCode.INVALID_INPUT,
                scope + " has no budget that could be raised; give it one with Budgets.set");
          }
          return before.plus(more);
        });
  }

  private static void check(Kind kind, Budget budget) {
    if (kind != Kind.RUN && budget.time() != null) {
      throw new IllegalArgumentException(
          "only the budget of a run's tree limits time, not that of a tenant or the fleet");
    }
  }

  /**
   * Stops all calls of a scope, in every process from its next call on, until they are allowed
   * again. Kept in the store over restarts. A run that wants to make a call stops and can be
   * resumed; a call under way goes on.
   *
   * @param scope a run's tree, a tenant or everybody
   * @param by who says so
   * @param reason why; shown in the errors
   */
  public void stop(BudgetScope scope, String by, String reason) {
    String who = BudgetLines.oneLine(by);
    String why = BudgetLines.oneLine(reason);
    office.rule(scope, now -> new Stop(who, why, now));
    LOG.warn("all model calls of {} were stopped by {}: {}", scope, who, why);
  }

  /**
   * Allows calls again.
   *
   * @param scope what was stopped
   * @param by who says so
   * @param reason why
   */
  public void allow(BudgetScope scope, String by, String reason) {
    office.rule(scope, now -> null);
    LOG.warn(
        "model calls of {} are allowed again by {}: {}",
        scope,
        BudgetLines.oneLine(by),
        BudgetLines.oneLine(reason));
  }

  /**
   * How a scope stands: what it may use, has used, and has set aside for calls under way. Calls of
   * this process that are over are counted.
   *
   * @param scope whose budget
   * @return its state, for tenants and the fleet in the present period
   */
  public BudgetState state(BudgetScope scope) {
    settler.flush(FLUSH_NANOS);
    return office.state(scope);
  }

  /**
   * What the tree of a run took, with or without a budget.
   *
   * @param root the run at its root
   * @return what was recorded
   */
  public Usage usage(String root) {
    return state(BudgetScope.run(root)).used();
  }

  /** Writes what calls took that are over. Waits for that at most five seconds. */
  @Override
  public void close() {
    settler.close(CLOSE_NANOS);
  }

  /** Collects what holds unless operators say otherwise. Not safe for several threads. */
  public static final class Builder {
    private static final Duration LEAST_KEPT = Duration.ofDays(1);

    private final StateStore store;
    private final Map<Kind, Budget> budgets = new EnumMap<>(Kind.class);
    private final Map<Kind, BudgetPeriod> periods = new EnumMap<>(Kind.class);
    private boolean recording = true;
    private boolean unpriced;
    private Duration keepTrees = Duration.ofDays(90);

    private Builder(StateStore store) {
      this.store = Objects.requireNonNull(store, "store");
    }

    /**
     * Limits the tree of every run.
     *
     * @param budget for a run with all runs that it calls
     * @return this
     */
    public Builder perRun(Budget budget) {
      budgets.put(Kind.RUN, budget);
      return this;
    }

    /**
     * Limits every tenant.
     *
     * @param budget for one tenant in one period
     * @param period how long it lasts
     * @return this
     */
    public Builder perTenant(Budget budget, BudgetPeriod period) {
      return periodic(Kind.TENANT, budget, period);
    }

    /**
     * Limits everybody together.
     *
     * @param budget for the fleet in one period
     * @param period how long it lasts
     * @return this
     */
    public Builder fleet(Budget budget, BudgetPeriod period) {
      return periodic(Kind.FLEET, budget, period);
    }

    private Builder periodic(Kind kind, Budget budget, BudgetPeriod period) {
      check(kind, budget);
      budgets.put(kind, budget);
      periods.put(kind, Objects.requireNonNull(period, "period"));
      return this;
    }

    /**
     * Whether what trees take is recorded where nothing is limited, for {@link Budgets#usage}. On
     * unless said otherwise.
     *
     * @param on whether
     * @return this
     */
    public Builder recording(boolean on) {
      recording = on;
      return this;
    }

    /**
     * Allows calls of models without a price under budgets of money; they cost nothing there. They
     * are refused unless this is said.
     *
     * @return this
     */
    public Builder allowUnpriced() {
      unpriced = true;
      return this;
    }

    /**
     * Sets how long the account of a tree is kept after its last call: 90 days unless said
     * otherwise, at the least half of that. A run that sleeps longer begins its budget anew.
     *
     * @param time at least a day
     * @return this
     */
    public Builder keepRuns(Duration time) {
      if (time.compareTo(LEAST_KEPT) < 0) {
        throw new IllegalArgumentException("accounts are kept for a day at least: " + time);
      }
      keepTrees = time;
      return this;
    }

    /**
     * Builds the budgets.
     *
     * @return budgets; close them, so that what the last calls took is written
     */
    public Budgets build() {
      return new Budgets(this);
    }
  }
}
