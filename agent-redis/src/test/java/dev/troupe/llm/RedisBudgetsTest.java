package dev.troupe.llm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.redis.RedisStateStore;
import dev.troupe.testkit.RedisServer;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Budgets over the Redis store; each has a store of its own, as processes have. */
@Timeout(60)
class RedisBudgetsTest {
  private static final BigDecimal CENT = new BigDecimal("0.01");

  private static Budgets budgets(RedisStateStore store) {
    return Budgets.over(store)
        .perRun(Budget.ofMoney("0.40"))
        .perTenant(Budget.ofTokens(10_000), BudgetPeriod.DAY)
        .build();
  }

  @Test
  void twoProcessesShareBudgetsAndTheKillSwitch() throws Exception {
    try (RedisServer server = RedisServer.start();
        RedisStateStore here = RedisStateStore.builder().uri(server.uri()).open();
        RedisStateStore there = RedisStateStore.builder().uri(server.uri()).open();
        Budgets one = budgets(here);
        Budgets two = budgets(there)) {
      AtomicInteger granted = new AtomicInteger();
      ExecutorService threads = Executors.newFixedThreadPool(16);
      List<Future<?>> all = new ArrayList<>();
      for (int i = 0; i < 16; i++) {
        Budgets mine = i % 2 == 0 ? one : two;
        all.add(
            threads.submit(
                () -> {
                  for (int n = 0; n < 4; n++) {
                    try {
                      mine.charge("k/r1", "t", 5, 5, CENT).used(5, 5, CENT);
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
      two.state(BudgetScope.fleet()); // what it settled is written by then
      assertThat(granted).hasValue(40);
      BudgetState state = one.state(BudgetScope.run("k/r1"));
      assertThat(state.used()).isEqualTo(new Usage(40, 200, 200, new BigDecimal("0.4")));
      assertThat(state.setAside()).isEqualTo(Usage.NONE);
      assertThat(one.state(BudgetScope.tenant("t")).left()).isEqualTo(Budget.ofTokens(9_600));

      one.raise("k/r1", Budget.ofMoney("1"));
      two.charge("k/r1", "t", 5, 5, CENT).used(5, 5, CENT);
      one.stop(BudgetScope.fleet(), "ann", "enough");
      AgentException refused =
          catchThrowableOfType(AgentException.class, () -> two.charge("k/r2", "u", 5, 5, CENT));
      assertThat(refused).hasMessageContaining("ann");
      one.allow(BudgetScope.fleet(), "ann", "go on");
      two.charge("k/r2", "u", 5, 5, CENT).unused();
    }
  }
}
