package dev.troupe.llm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.jdbc.SqliteStateStore;
import dev.troupe.state.StateStore;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Budgets in a file of SQLite. */
@Timeout(60)
class SqliteBudgetsTest {
  @TempDir Path folder;

  private StateStore open() {
    return SqliteStateStore.builder(folder.resolve("budgets.db")).open();
  }

  private static Budgets budgets(StateStore store) {
    return Budgets.over(store)
        .perRun(Budget.ofMoney("0.40"))
        .fleet(Budget.ofCalls(100), BudgetPeriod.MONTH)
        .build();
  }

  private static void assertRefused(Budgets budgets, String tenant) {
    AgentException refused =
        catchThrowableOfType(
            AgentException.class, () -> budgets.charge("r1", tenant, 1, 1, new BigDecimal("0.01")));
    assertThat(refused).isNotNull();
    assertThat(refused.code()).isEqualTo(ErrorCode.BUDGET_EXCEEDED);
  }

  @Test
  void aBudgetHoldsForAllThreadsAndOverARestart() throws Exception {
    AtomicInteger granted = new AtomicInteger();
    try (StateStore store = open();
        Budgets one = budgets(store);
        Budgets two = budgets(store)) {
      ExecutorService threads = Executors.newFixedThreadPool(16);
      List<Future<?>> all = new ArrayList<>();
      for (int i = 0; i < 16; i++) {
        Budgets mine = i % 2 == 0 ? one : two;
        all.add(
            threads.submit(
                () -> {
                  for (int n = 0; n < 4; n++) {
                    try {
                      BigDecimal cent = new BigDecimal("0.01");
                      mine.charge("r1", "t", 5, 5, cent).used(5, 5, cent);
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
      threads.shutdown();
      one.stop(BudgetScope.tenant("t"), "ann", "enough");
    }
    assertThat(granted).hasValue(40);
    try (StateStore store = open();
        Budgets later = budgets(store)) {
      assertThat(later.usage("r1")).isEqualTo(new Usage(40, 200, 200, new BigDecimal("0.4")));
      assertThat(later.state(BudgetScope.fleet()).left()).isEqualTo(Budget.ofCalls(60));
      assertRefused(later, "");
      later.raise("r1", Budget.ofMoney("0.01"));
      assertRefused(later, "t");
      later.allow(BudgetScope.tenant("t"), "ann", "go on");
      later.charge("r1", "t", 1, 1, new BigDecimal("0.01")).unused();
      assertThat(later.state(BudgetScope.run("r1")).setAside()).isEqualTo(Usage.NONE);
    }
  }
}
