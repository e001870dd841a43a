package dev.troupe.llm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.jdbc.PostgresAtAClock;
import dev.troupe.llm.Budgets.Charge;
import dev.troupe.state.Change;
import dev.troupe.state.Outcome;
import dev.troupe.state.StateStore;
import dev.troupe.testkit.ForwardingStore;
import dev.troupe.testkit.MovableClock;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Budgets over PostgreSQL; each has a store of its own, as processes have. */
@Timeout(120)
class PostgresBudgetsTest {
  private static final BigDecimal CENT = new BigDecimal("0.01");

  private final MovableClock clock = new MovableClock();
  private final PostgresAtAClock postgres = new PostgresAtAClock(clock);
  private final List<AutoCloseable> opened = new ArrayList<>();

  private <T extends AutoCloseable> T closing(T what) {
    opened.add(0, what);
    return what;
  }

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable each : opened) {
      each.close();
    }
  }

  private Budgets budgets(StateStore store) {
    return closing(
        Budgets.over(store)
            .perRun(Budget.ofMoney("0.40"))
            .perTenant(Budget.ofTokens(10_000), BudgetPeriod.DAY)
            .build());
  }

  private Budgets budgets() {
    return budgets(closing(postgres.open()));
  }

  private static AgentException refused(Budgets budgets, String run, String tenant) {
    AgentException refused =
        catchThrowableOfType(
            AgentException.class, () -> budgets.charge(run, tenant, 1_000, 1_000, CENT));
    assertThat(refused).isNotNull();
    assertThat(refused.code()).isEqualTo(ErrorCode.BUDGET_EXCEEDED);
    return refused;
  }

  @Test
  void eightThreadsOfTwoProcessesNeverGoBeyondABudgetAndCanUseAllOfIt() throws Exception {
    Budgets one = budgets();
    Budgets two = budgets();
    AtomicInteger granted = new AtomicInteger();
    ExecutorService threads = Executors.newFixedThreadPool(8);
    try {
      List<Future<?>> all = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        Budgets mine = i % 2 == 0 ? one : two;
        all.add(
            threads.submit(
                () -> {
                  for (int n = 0; n < 8; n++) {
                    try {
                      mine.charge("r1", "t", 5, 5, CENT).used(5, 5, CENT);
                      granted.incrementAndGet();
                    } catch (AgentException e) {
                      assertThat(e.code()).isEqualTo(ErrorCode.BUDGET_EXCEEDED);
                    }
                  }
                }));
      }
      for (Future<?> each : all) {
        each.get();
      }
    } finally {
      threads.shutdownNow();
    }
    two.state(BudgetScope.fleet()); // what it settled is written by then
    assertThat(granted).hasValue(40);
    BudgetState state = one.state(BudgetScope.run("r1"));
    assertThat(state.used()).isEqualTo(new Usage(40, 200, 200, new BigDecimal("0.4")));
    assertThat(state.setAside()).isEqualTo(Usage.NONE);
    assertThat(one.state(BudgetScope.tenant("t")).left()).isEqualTo(Budget.ofTokens(9_600));
  }

  @Test
  void aPeriodEndsByTheStoresClockForAllProcesses() {
    Budgets one = budgets();
    Budgets two = budgets();
    one.charge("r1", "t", 5_000, 5_000, CENT).used(5_000, 5_000, CENT);
    assertThat(refused(two, "r2", "t")).hasMessageContaining("tenant 't'");
    clock.advance(Duration.ofDays(1));
    Budgets late = budgets();
    late.charge("r3", "t", 5_000, 4_000, CENT).used(5_000, 4_000, CENT);
    late.state(BudgetScope.tenant("t"));
    assertThat(refused(budgets(), "r4", "t")).hasMessageContaining("tenant 't'");
    assertThat(late.state(BudgetScope.tenant("t")).used().tokens()).isEqualTo(9_000);
  }

  @Test
  void whatAProcessHadSetAsideWhenItDiedStaysChargedUntilThePeriodEnds() {
    boolean[] dead = new boolean[1];
    StateStore mortal =
        new ForwardingStore(closing(postgres.open())) {
          @Override
          public List<Outcome> apply(List<Change> changes) {
            if (dead[0]) {
              throw new AgentException(ErrorCode.CLOSED, "this process is dead");
            }
            return super.apply(changes);
          }
        };
    Charge lost =
        Budgets.over(mortal)
            .perRun(Budget.ofMoney("0.40"))
            .perTenant(Budget.ofTokens(10_000), BudgetPeriod.DAY)
            .build()
            .charge("r1", "t", 4_000, 5_000, new BigDecimal("0.39"));
    dead[0] = true;
    lost.used(1, 1, CENT);

    Budgets lives = budgets();
    assertThat(lives.state(BudgetScope.run("r1")).setAside())
        .isEqualTo(new Usage(1, 4_000, 5_000, new BigDecimal("0.39")));
    assertThat(refused(lives, "r1", "t")).hasMessageContaining("set aside");
    lives.raise("r1", Budget.ofMoney("0.02"));
    lives.charge("r1", "t", 1, 1, CENT).used(1, 1, CENT);
    assertThat(lives.state(BudgetScope.run("r1")).setAside().calls()).isEqualTo(1);
    clock.advance(Duration.ofDays(1));
    Budgets later = budgets();
    later.charge("r1", "t", 1_000, 1_000, CENT).used(1_000, 1_000, CENT);
    assertThat(later.state(BudgetScope.tenant("t")).setAside()).isEqualTo(Usage.NONE);
    assertThat(later.state(BudgetScope.run("r1")).setAside().calls())
        .as("a tree has no period")
        .isEqualTo(1);
  }
}
