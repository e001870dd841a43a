package dev.troupe.llm;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.llm.BudgetScope.Kind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Why a call is not made, in words. */
final class BudgetRefusal {
  private BudgetRefusal() {}

  /** What can be told without the counters; null when nothing speaks against the call. */
  static @Nullable AgentException of(BudgetSheet sheet, BudgetAmounts take) {
    BudgetState.Stop stop = sheet.known.settings().stop();
    if (stop != null) {
      return refuse(
          "%s made no call: %s stopped all its calls at %s: %s; allow them with Budgets.allow%s"
              .formatted(sheet.scope, stop.by(), stop.at(), stop.reason(), resume(sheet.scope)));
    }
    Budget budget = sheet.budget();
    if (budget == null) {
      return null;
    }
    if (budget.money() != null && !take.priced() && !sheet.rules.unpriced()) {
      return refuse(
          "%s has a budget of %s US dollars, and the model has no price, so it can't be kept; give the model a price with PriceTable.with, ask a model that has one, or allow this with Budgets.Builder.allowUnpriced%s"
              .formatted(sheet.scope, budget.money().toPlainString(), resume(sheet.scope)));
    }
    Duration time = budget.time();
    if (time != null && sheet.spent().compareTo(time) >= 0) {
      return refuse(
          "the time of %s is over: its first call was %s ago, and its budget is %s; %s"
              .formatted(sheet.scope, sheet.spent(), time, raise(sheet)));
    }
    return null;
  }

  /** Says what is not enough; the state is as it was read a little later. */
  static AgentException exceeded(
      BudgetSheet sheet, BudgetAmounts take, @Nullable BudgetState state) {
    Budget budget = state == null ? sheet.budget() : state.budget();
    List<String> parts = new ArrayList<>();
    if (budget != null && budget.tokens() != null) {
      String now =
          state == null
              ? ""
              : ", %d used, %d set aside"
                  .formatted(state.used().tokens(), state.setAside().tokens());
      parts.add("tokens %d%s, this call %d".formatted(budget.tokens(), now, take.tokens()));
    }
    if (budget != null && budget.money() != null) {
      String now =
          state == null
              ? ""
              : ", %s used, %s set aside"
                  .formatted(
                      state.used().cost().toPlainString(), state.setAside().cost().toPlainString());
      parts.add(
          "US dollars %s%s, this call %s"
              .formatted(
                  budget.money().toPlainString(),
                  now,
                  Budget.dollars(take.nanos()).toPlainString()));
    }
    if (budget != null && budget.calls() != null) {
      String now =
          state == null
              ? ""
              : ", %d used, %d set aside".formatted(state.used().calls(), state.setAside().calls());
      parts.add("calls %d%s".formatted(budget.calls(), now));
    }
    return refuse(
        "the budget of %s has not enough left for this call (%s); %s"
            .formatted(sheet.scope, String.join("; ", parts), raise(sheet)));
  }

  private static String raise(BudgetSheet sheet) {
    String wait = sheet.until() == null ? "" : ", or wait until it begins anew at " + sheet.until();
    return "raise it with Budgets.raise" + wait + resume(sheet.scope);
  }

  private static String resume(BudgetScope scope) {
    return scope.kind() == Kind.RUN
        ? ", then resume what was stopped with AgentRuntime.resume"
        : ", then resume the runs that were stopped with AgentRuntime.resume";
  }

  private static AgentException refuse(String message) {
    return new AgentException(ErrorCode.BUDGET_EXCEEDED, message);
  }
}
