package dev.troupe.llm;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.Outcome;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** What is set aside for one attempt, in the accounts of all its scopes. */
final class BudgetCharge implements Budgets.Charge {
  private static final int ROUNDS = 50;
  private static final long PAUSE_NANOS = 200_000;

  private final BudgetLedger ledger;
  private final BudgetSettler settler;
  private final BudgetAmounts aside;
  private final String mark;
  private final List<BudgetSheet> held = new ArrayList<>(3);
  private final AtomicBoolean over = new AtomicBoolean();

  BudgetCharge(BudgetLedger ledger, BudgetSettler settler, BudgetAmounts aside) {
    this.ledger = ledger;
    this.settler = settler;
    this.aside = aside;
    this.mark = BudgetAccount.ASIDE + ledger.unique();
  }

  /**
   * Sets aside, in one round trip when what is remembered of the scopes is up to date.
   *
   * @return the scope that has not enough left, null when all had; then some may be set aside, and
   *     has to be given back
   */
  @Nullable BudgetSheet reserve(List<BudgetScope> scopes) {
    List<BudgetScope> open = scopes;
    for (int round = 1; !open.isEmpty(); round++) {
      if (round > ROUNDS) {
        throw new AgentException(
            ErrorCode.STORE_UNAVAILABLE,
            "the budget of %s is changed by so many at once that none of %d attempts went through"
                .formatted(open.get(0), ROUNDS));
      }
      if (round > 3) {
        LockSupport.parkNanos(PAUSE_NANOS * round);
      }
      List<BudgetSheet> sheets = new ArrayList<>(open.size());
      List<Change> changes = new ArrayList<>(open.size());
      for (BudgetScope scope : open) {
        BudgetSheet sheet = ledger.sheet(scope);
        if (BudgetRefusal.of(sheet, aside) != null) {
          sheet = ledger.look(scope); // somebody may have allowed it since
          AgentException refused = BudgetRefusal.of(sheet, aside);
          if (refused != null) {
            throw refused;
          }
        }
        sheets.add(sheet);
        changes.add(ledger.change(sheet.settingsId, sheet.reserve(mark, aside)));
      }
      List<BudgetScope> again = new ArrayList<>();
      BudgetSheet spent = null;
      List<Outcome> outcomes = ask(sheets, changes);
      for (int i = 0; i < sheets.size(); i++) {
        BudgetSheet sheet = sheets.get(i);
        if (outcomes.get(i) instanceof Outcome.Done done) {
          ledger.done(sheet, changes.get(i), done);
          hold(sheet);
        } else {
          Outcome.Refused refused = (Outcome.Refused) outcomes.get(i);
          Edit because = refused.because();
          if (because instanceof Edit.NoRow) { // it was made, and its answer was lost
            ledger.forget(sheet.scope);
            hold(sheet);
          } else if (because instanceof Edit.Add
              && ledger.sheet(sheet.scope).period.equals(sheet.period)) {
            spent = sheet;
          } else {
            ledger.refused(sheet, refused);
            again.add(sheet.scope);
          }
        }
      }
      if (spent != null) {
        return spent;
      }
      open = again;
    }
    return null;
  }

  private void hold(BudgetSheet sheet) {
    if (sheet.active()) {
      held.add(sheet);
    }
  }

  private List<Outcome> ask(List<BudgetSheet> sheets, List<Change> changes) {
    try {
      return ledger.ask(changes);
    } catch (AgentException lost) {
      List<BudgetSettler.Settlement> unsure = new ArrayList<>();
      for (BudgetSheet sheet : sheets) {
        if (sheet.active()) {
          unsure.add(new BudgetSettler.Settlement(sheet.accountId, mark, aside, null, false));
        }
      }
      settler.settle(unsure);
      throw lost;
    }
  }

  @Override
  public void used(long inputTokens, long outputTokens, @Nullable BigDecimal cost) {
    BudgetAmounts told = BudgetAmounts.of(inputTokens, outputTokens, cost);
    // a cost that was expected and is not known counts as it was expected
    long nanos = told.priced() ? told.nanos() : aside.nanos();
    settle(new BudgetAmounts(told.input(), told.output(), nanos, told.priced()));
  }

  @Override
  public void unused() {
    settle(null);
  }

  private void settle(@Nullable BudgetAmounts used) {
    if (over.getAndSet(true)) {
      return;
    }
    List<BudgetSettler.Settlement> settlements = new ArrayList<>(held.size());
    for (BudgetSheet sheet : held) {
      settlements.add(new BudgetSettler.Settlement(sheet.accountId, mark, aside, used, true));
    }
    settler.settle(settlements);
  }
}
