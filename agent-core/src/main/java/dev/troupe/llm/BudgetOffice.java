package dev.troupe.llm;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.llm.BudgetState.Stop;
import dev.troupe.state.Edit;
import dev.troupe.state.Outcome;
import dev.troupe.state.Stored;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** What operators see and say of budgets. */
final class BudgetOffice {
  private static final int ATTEMPTS = 50;

  private final BudgetLedger ledger;

  BudgetOffice(BudgetLedger ledger) {
    this.ledger = ledger;
  }

  /** What to make of a scope as it is; the budget is null where there is none. */
  void set(
      BudgetScope scope, @Nullable BudgetPeriod period, UnaryOperator<@Nullable Budget> edition) {
    update(
        scope,
        period,
        (sheet, id) -> {
          Budget anew = edition.apply(sheet.budget());
          if (anew == null) {
            throw new IllegalArgumentException("a budget can't be taken away: " + scope);
          }
          List<Edit> edits =
              sheet.write(sheet.known.settings().limited(anew, period).changedBy(id));
          edits.addAll(sheet.follow(anew, id));
          return edits;
        });
  }

  /** Stops calls or, with null, allows them. */
  void rule(BudgetScope scope, Function<Instant, @Nullable Stop> ruling) {
    update(
        scope,
        null,
        (sheet, id) ->
            sheet.write(sheet.known.settings().stopped(ruling.apply(sheet.now())).changedBy(id)));
  }

  /** What is written under an id from what a sheet shows. */
  private interface Writing {
    List<Edit> of(BudgetSheet sheet, String id);
  }

  private void update(BudgetScope scope, @Nullable BudgetPeriod period, Writing writing) {
    String id = ledger.unique();
    for (int attempt = 1; attempt <= ATTEMPTS; attempt++) {
      BudgetSheet sheet = ledger.read(scope, period);
      if (sheet.known.settings().changes().contains(id)) {
        return; // it was made, and its answer was lost
      }
      Outcome outcome =
          ledger.ask(List.of(ledger.change(sheet.settingsId, writing.of(sheet, id)))).get(0);
      if (outcome instanceof Outcome.Done) {
        return;
      }
      LockSupport.parkNanos(ThreadLocalRandom.current().nextLong(200_000L * attempt));
    }
    throw new AgentException(
        ErrorCode.STORE_UNAVAILABLE,
        "the budget of %s is changed by so many at once that none of %d attempts went through"
            .formatted(scope, ATTEMPTS));
  }

  BudgetState state(BudgetScope scope) {
    BudgetSheet sheet = ledger.read(scope, null);
    Budget budget = sheet.budget();
    Stop stop = sheet.known.settings().stop();
    List<Stored> account =
        sheet.known.account() == null ? List.of() : ledger.whole(sheet.accountId);
    if (account.isEmpty()) {
      return new BudgetState(scope, budget, Usage.NONE, Usage.NONE, budget, sheet.until(), stop);
    }
    Map<String, Long> counters = account.get(0).counters();
    return new BudgetState(
        scope,
        budget,
        used(counters),
        setAside(account),
        budget == null ? null : left(budget, counters, sheet),
        sheet.until(),
        stop);
  }

  private static Usage used(Map<String, Long> counters) {
    return new Usage(
        counters.getOrDefault(BudgetAccount.CALLS, 0L),
        counters.getOrDefault(BudgetAccount.INPUT, 0L),
        counters.getOrDefault(BudgetAccount.OUTPUT, 0L),
        Budget.dollars(counters.getOrDefault(BudgetAccount.COST, 0L)));
  }

  private static Usage setAside(List<Stored> account) {
    List<BudgetAmounts> all = new ArrayList<>();
    for (Stored part : account) {
      part.rows()
          .subMap(BudgetAccount.ASIDE, true, BudgetAccount.SETTLED, false)
          .values()
          .forEach(row -> all.add(BudgetAmounts.decode(row)));
    }
    return new Usage(
        all.size(),
        all.stream().mapToLong(BudgetAmounts::input).sum(),
        all.stream().mapToLong(BudgetAmounts::output).sum(),
        Budget.dollars(all.stream().mapToLong(BudgetAmounts::nanos).sum()));
  }

  private static Budget left(Budget budget, Map<String, Long> counters, BudgetSheet sheet) {
    return new Budget(
        budget.tokens() == null ? null : left(counters, BudgetAccount.LEFT_TOKENS),
        budget.money() == null ? null : Budget.dollars(left(counters, BudgetAccount.LEFT_MONEY)),
        budget.calls() == null ? null : left(counters, BudgetAccount.LEFT_CALLS),
        budget.time() == null
            ? null
            : sheet.spent().compareTo(budget.time()) >= 0
                ? Duration.ZERO
                : budget.time().minus(sheet.spent()));
  }

  private static Long left(Map<String, Long> counters, String counter) {
    return Math.max(0, counters.getOrDefault(counter, 0L));
  }
}
