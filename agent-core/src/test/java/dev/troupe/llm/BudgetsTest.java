package dev.troupe.llm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.llm.Budgets.Charge;
import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.ForwardingStore;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.MortalStore;
import dev.troupe.state.Outcome;
import dev.troupe.state.RecordId;
import dev.troupe.state.Scan;
import dev.troupe.state.StateStore;
import dev.troupe.state.Stored;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class BudgetsTest {
  private static final BigDecimal CENT = new BigDecimal("0.01");

  private final AtomicReference<Instant> clock =
      new AtomicReference<>(Instant.parse("2026-03-31T23:00:00Z"));
  private final StateStore store = new MemoryStateStore(64, (InstantSource) clock::get);
  private final List<Budgets> opened = new ArrayList<>();

  private Budgets open(StateStore over, UnaryOperator<Budgets.Builder> options) {
    Budgets budgets = options.apply(Budgets.over(over)).build();
    opened.add(budgets);
    return budgets;
  }

  private Budgets open(UnaryOperator<Budgets.Builder> options) {
    return open(store, options);
  }

  @AfterEach
  void close() {
    opened.forEach(Budgets::close);
  }

  private static AgentException refused(Runnable call) {
    AgentException refusal = catchThrowableOfType(AgentException.class, call::run);
    assertThat(refusal).isNotNull();
    assertThat(refusal.code()).as(refusal.toString()).isEqualTo(ErrorCode.BUDGET_EXCEEDED);
    return refusal;
  }

  @Test
  void whatACallTookIsChargedInsteadOfWhatWasSetAside() {
    Budgets budgets = open(b -> b.perRun(Budget.ofTokens(1_000).and(Budget.ofMoney("1"))));
    Charge charge = budgets.charge("r1", "", 300, 200, new BigDecimal("0.30"));

    BudgetState before = budgets.state(BudgetScope.run("r1"));
    assertThat(before.setAside()).isEqualTo(new Usage(1, 300, 200, new BigDecimal("0.3")));
    assertThat(before.used()).isEqualTo(Usage.NONE);
    assertThat(before.left()).isEqualTo(new Budget(500L, new BigDecimal("0.7"), null, null));

    charge.used(290, 10, CENT);
    BudgetState after = budgets.state(BudgetScope.run("r1"));
    assertThat(after.setAside()).isEqualTo(Usage.NONE);
    assertThat(after.used()).isEqualTo(new Usage(1, 290, 10, CENT));
    assertThat(after.left()).isEqualTo(new Budget(700L, new BigDecimal("0.99"), null, null));
  }

  @Test
  void whatNeverReachedTheProviderIsGivenBack() {
    Budgets budgets = open(b -> b.perRun(Budget.ofCalls(1)));
    budgets.charge("r1", "", 1, 1, null).unused();
    Charge again = budgets.charge("r1", "", 1, 1, null);
    again.unused();
    again.used(1, 1, null); // the second word does not count
    assertThat(budgets.usage("r1")).isEqualTo(Usage.NONE);
    assertThat(budgets.state(BudgetScope.run("r1")).left()).isEqualTo(Budget.ofCalls(1));
  }

  @Test
  void theRefusalNamesScopeUseLimitAndTheWayOut() {
    Budgets budgets = open(b -> b.perRun(Budget.ofTokens(1_000)));
    budgets.charge("r1", "", 600, 0, null).used(600, 0, null);
    AgentException refusal = refused(() -> budgets.charge("r1", "", 300, 200, null));
    assertThat(refusal)
        .hasMessageContaining("run 'r1'")
        .hasMessageContaining("tokens 1000, 600 used, 0 set aside, this call 500")
        .hasMessageContaining("Budgets.raise")
        .hasMessageContaining("AgentRuntime.resume");
    assertThat(refusal.retryable()).isFalse();
  }

  @Test
  void aRefusedCallLeavesNothingSetAsideAnywhere() {
    Budgets budgets =
        open(
            b ->
                b.perRun(Budget.ofCalls(5))
                    .perTenant(Budget.ofCalls(1), BudgetPeriod.DAY)
                    .fleet(Budget.ofCalls(5), BudgetPeriod.DAY));
    budgets.charge("r1", "t", 1, 1, null);
    assertThat(refused(() -> budgets.charge("r2", "t", 1, 1, null)))
        .hasMessageContaining("tenant 't'")
        .hasMessageContaining("2026-04-01T00:00:00Z");
    assertThat(budgets.state(BudgetScope.run("r2")).left()).isEqualTo(Budget.ofCalls(5));
    assertThat(budgets.state(BudgetScope.fleet()).left()).isEqualTo(Budget.ofCalls(4));
  }

  @Test
  void anAnswerThatTookMoreThanWasSetAsideCountsWholeAndIsTheLast() {
    Budgets budgets = open(b -> b.perRun(Budget.ofTokens(100)));
    budgets.charge("r1", "", 50, 50, null).used(50, 150, null);
    assertThat(budgets.usage("r1").tokens()).isEqualTo(200);
    assertThat(budgets.state(BudgetScope.run("r1")).left()).isEqualTo(Budget.ofTokens(0));
    refused(() -> budgets.charge("r1", "", 1, 0, null));
    refused(() -> budgets.charge("r1", "", 0, 0, null));
  }

  /** Two objects over one store are two processes. */
  @Test
  void manyThreadsOfTwoProcessesNeverGoBeyondABudget() throws Exception {
    Budgets one =
        open(b -> b.perRun(Budget.ofMoney("1")).perTenant(Budget.ofCalls(70), BudgetPeriod.DAY));
    Budgets two =
        open(b -> b.perRun(Budget.ofMoney("1")).perTenant(Budget.ofCalls(70), BudgetPeriod.DAY));
    AtomicLong spent = new AtomicLong();
    AtomicInteger granted = new AtomicInteger();
    ExecutorService threads = Executors.newFixedThreadPool(16);
    try {
      List<Future<?>> all = new ArrayList<>();
      for (int i = 0; i < 16; i++) {
        Budgets mine = i % 2 == 0 ? one : two;
        all.add(
            threads.submit(
                () -> {
                  for (int n = 0; n < 30; n++) {
                    try {
                      Charge charge = mine.charge("r1", "t", 10, 10, CENT);
                      granted.incrementAndGet();
                      if (n % 5 == 4) {
                        charge.unused();
                        granted.decrementAndGet();
                      } else {
                        charge.used(10, 10, CENT);
                        spent.addAndGet(Budget.nanos(CENT));
                      }
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
    assertThat(granted.get()).isLessThanOrEqualTo(70);
    assertThat(granted.get()).as("calls were made at all").isGreaterThan(30);
    two.close(); // so that what both settled is written
    BudgetState state = one.state(BudgetScope.run("r1"));
    assertThat(state.used().cost()).isEqualByComparingTo(Budget.dollars(spent.get()));
    assertThat(state.used().calls()).isEqualTo(granted.get());
    assertThat(state.setAside()).isEqualTo(Usage.NONE);
    assertThat(state.left())
        .isEqualTo(new Budget(null, Budget.dollars(1_000_000_000 - spent.get()), null, null));
    assertThat(one.state(BudgetScope.tenant("t")).left())
        .isEqualTo(Budget.ofCalls(70 - granted.get()));
  }

  @Test
  void whatAProcessHadSetAsideWhenItDiedStaysCharged() {
    MortalStore mortal = new MortalStore(store);
    Budgets dies = open(mortal, b -> b.perRun(Budget.ofTokens(1_000)));
    Charge lost = dies.charge("r1", "", 400, 200, null);
    mortal.die();
    lost.used(1, 1, null);

    Budgets lives = open(b -> b.perRun(Budget.ofTokens(1_000)));
    assertThat(lives.state(BudgetScope.run("r1")).setAside().tokens()).isEqualTo(600);
    refused(() -> lives.charge("r1", "", 401, 0, null));
    lives.charge("r1", "", 400, 0, null).used(400, 0, null);
    assertThat(lives.usage("r1").tokens()).isEqualTo(400);
  }

  /** Makes changes and drops the answer, each second time. */
  private static final class ForgetfulStore extends ForwardingStore {
    private final AtomicInteger calls = new AtomicInteger();

    ForgetfulStore(StateStore store) {
      super(store);
    }

    @Override
    public List<Outcome> apply(List<Change> changes) {
      List<Outcome> outcomes = super.apply(changes);
      if (calls.incrementAndGet() % 2 == 0) {
        throw new AgentException(ErrorCode.STORE_UNAVAILABLE, "the answer was lost");
      }
      return outcomes;
    }
  }

  @Test
  void aLostAnswerChargesSettlesAndRaisesNothingTwice() {
    Budgets budgets =
        open(
            new ForgetfulStore(store),
            b -> b.perRun(Budget.ofTokens(1_000)).fleet(Budget.ofCalls(50), BudgetPeriod.MONTH));
    for (int i = 0; i < 10; i++) {
      budgets.charge("r1", "", 40, 40, null).used(30, 20, null);
    }
    budgets.raise("r1", Budget.ofTokens(100));
    budgets.raise("r1", Budget.ofTokens(100));
    BudgetState state = budgets.state(BudgetScope.run("r1"));
    assertThat(state.used()).isEqualTo(new Usage(10, 300, 200, BigDecimal.ZERO));
    assertThat(state.setAside()).isEqualTo(Usage.NONE);
    assertThat(state.budget()).isEqualTo(Budget.ofTokens(1_200));
    assertThat(state.left()).isEqualTo(Budget.ofTokens(700));
    assertThat(budgets.state(BudgetScope.fleet()).left()).isEqualTo(Budget.ofCalls(40));
  }

  /** Makes changes, but does not answer while it is told so. */
  private static final class MuteStore extends ForwardingStore {
    volatile boolean mute;

    MuteStore(StateStore store) {
      super(store);
    }

    @Override
    public List<Outcome> apply(List<Change> changes) {
      List<Outcome> outcomes = super.apply(changes);
      if (mute) {
        throw new AgentException(ErrorCode.STORE_UNAVAILABLE, "no answer");
      }
      return outcomes;
    }
  }

  @Test
  void aStoreThatDoesNotAnswerFailsTheCallAndWhatItDidIsUndoneLater() {
    MuteStore mute = new MuteStore(store);
    Budgets budgets = open(mute, b -> b.perRun(Budget.ofTokens(1_000)));
    budgets.charge("r1", "", 1, 0, null).used(1, 0, null);
    budgets.usage("r1");
    mute.mute = true;
    AgentException away =
        catchThrowableOfType(AgentException.class, () -> budgets.charge("r1", "", 500, 0, null));
    assertThat(away.code()).isEqualTo(ErrorCode.STORE_UNAVAILABLE);
    mute.mute = false;
    org.awaitility.Awaitility.await()
        .atMost(Duration.ofSeconds(20))
        .untilAsserted(
            () ->
                assertThat(budgets.state(BudgetScope.run("r1")).left())
                    .isEqualTo(Budget.ofTokens(999)));
  }

  @Test
  void aPeriodEndsByTheStoresClockAndAllBeginsAnew() {
    Budgets daily = open(b -> b.perTenant(Budget.ofCalls(1), BudgetPeriod.DAY));
    Budgets other = open(b -> b.perTenant(Budget.ofCalls(1), BudgetPeriod.DAY));
    daily.charge("r1", "t", 1, 1, null).used(1, 1, null);
    refused(() -> other.charge("r2", "t", 1, 1, null));
    clock.set(Instant.parse("2026-04-01T00:00:00Z"));
    assertThat(daily.state(BudgetScope.tenant("t")).until())
        .isIn(Instant.parse("2026-04-01T00:00:00Z"), Instant.parse("2026-04-02T00:00:00Z"));
    other.charge("r2", "t", 1, 1, null).used(2, 2, null);
    assertThat(other.state(BudgetScope.tenant("t")).used().tokens()).isEqualTo(4);
    refused(() -> daily.charge("r1", "t", 1, 1, null));
  }

  @Test
  void aMonthLastsUntilItsLastDay() {
    assertThat(BudgetPeriod.MONTH.nameAt(clock.get().toEpochMilli())).isEqualTo("2026-03");
    assertThat(BudgetPeriod.MONTH.endAfter(clock.get().toEpochMilli()))
        .isEqualTo("2026-04-01T00:00:00Z");
    assertThat(BudgetPeriod.DAY.nameAt(clock.get().toEpochMilli())).isEqualTo("2026-03-31");
  }

  @Test
  void theTimeOfATreeCountsFromItsFirstCall() {
    Budgets budgets = open(b -> b.perRun(Budget.ofTime(Duration.ofHours(1))));
    budgets.charge("r1", "", 1, 1, null).used(1, 1, null);
    clock.updateAndGet(now -> now.plus(Duration.ofMinutes(59)));
    open(b -> b).charge("r1", "", 1, 1, null).used(1, 1, null);
    clock.updateAndGet(now -> now.plus(Duration.ofMinutes(1)));
    Budgets later = open(b -> b);
    assertThat(refused(() -> later.charge("r1", "", 1, 1, null))).hasMessageContaining("PT1H");
    later.charge("r2", "", 1, 1, null).used(1, 1, null);
    later.raise("r1", Budget.ofTime(Duration.ofHours(1)));
    later.charge("r1", "", 1, 1, null).used(1, 1, null);
  }

  @Test
  void whoeverStopsCallsStopsThemInEveryProcessAtTheNextCall() {
    Budgets here = open(b -> b);
    Budgets there = open(b -> b);
    for (BudgetScope scope :
        List.of(BudgetScope.run("r1"), BudgetScope.tenant("t"), BudgetScope.fleet())) {
      there.charge("r1", "t", 1, 1, null).used(1, 1, null);
      here.stop(scope, "ann", "a loop\nof agents");
      assertThat(refused(() -> there.charge("r1", "t", 1, 1, null)))
          .hasMessageContaining("ann")
          .hasMessageContaining("a loop of agents")
          .hasMessageContaining("Budgets.allow");
      assertThat(open(b -> b).state(scope).stop()).isNotNull();
      refused(() -> open(b -> b).charge("r1", "t", 1, 1, null));
      here.allow(scope, "ann", "mended");
      there.charge("r1", "t", 1, 1, null).used(1, 1, null);
    }
    assertThat(there.usage("r1").calls()).isEqualTo(6);
  }

  @Test
  void aBudgetThatIsSetOrRaisedHoldsInEveryProcessFromTheNextCallOn() {
    Budgets here = open(b -> b);
    Budgets there = open(b -> b);
    there.charge("r1", "", 60, 0, null).used(60, 0, null);
    there.usage("r1");
    here.set("r1", Budget.ofTokens(100));
    refused(() -> there.charge("r1", "", 41, 0, null));
    here.raise("r1", Budget.ofTokens(1));
    there.charge("r1", "", 41, 0, null).used(41, 0, null);
    there.usage("r1");
    here.set("r1", Budget.ofTokens(50));
    assertThat(here.state(BudgetScope.run("r1")).left()).isEqualTo(Budget.ofTokens(0));
    refused(() -> there.charge("r1", "", 1, 0, null));

    here.set(BudgetScope.tenant("t"), Budget.ofCalls(1), BudgetPeriod.MONTH);
    there.charge("r2", "t", 1, 0, null).used(1, 0, null);
    refused(() -> there.charge("r2", "t", 1, 0, null));
    assertThatThrownBy(() -> here.raise("r9", Budget.ofCalls(1)))
        .isInstanceOfSatisfying(
            AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_INPUT))
        .hasMessageContaining("r9");
  }

  @Test
  void aModelWithoutAPriceIsRefusedUnderABudgetOfMoneyUnlessAllowed() {
    Budgets strict = open(b -> b.perRun(Budget.ofMoney("5")));
    assertThat(refused(() -> strict.charge("r1", "", 1, 1, null)))
        .hasMessageContaining("no price")
        .hasMessageContaining("PriceTable.with");
    Budgets lax = open(b -> b.perRun(Budget.ofMoney("5")).allowUnpriced());
    lax.charge("r1", "", 1, 1, null).used(1, 1, null);
    assertThat(lax.usage("r1")).isEqualTo(new Usage(1, 1, 1, BigDecimal.ZERO));
  }

  @Test
  void usageIsRecordedWithoutALimitUnlessItIsOff() {
    Budgets on = open(b -> b);
    on.charge("a/b%", "", 5, 5, CENT).used(3, 4, CENT);
    assertThat(on.usage("a/b%")).isEqualTo(new Usage(1, 3, 4, CENT));
    assertThat(on.usage("a")).isEqualTo(Usage.NONE);
    Budgets off = open(b -> b.recording(false));
    off.charge("r2", "t", 5, 5, CENT).used(3, 4, CENT);
    assertThat(off.usage("r2")).isEqualTo(Usage.NONE);
  }

  private Stored account(String root) {
    RecordId id = RecordId.of(BudgetScope.run(root).key() + "/all", 64);
    return store.scan(Scan.whole(id)).items().get(0);
  }

  @Test
  void marksOfWhatIsOverDoNotPileUp() {
    Budgets budgets = open(b -> b.perRun(Budget.ofCalls(1_000)));
    for (int i = 0; i < 200; i++) {
      budgets.charge("r1", "", 1, 1, null).used(1, 1, null);
      if (i % 20 == 0) {
        budgets.usage("r1");
        budgets.raise("r1", Budget.ofCalls(1));
      }
    }
    budgets.usage("r1");
    assertThat(account("r1").rows().keySet()).hasSizeLessThanOrEqualTo(2);
  }

  @Test
  void theAccountOfATreeThatGoesOnIsKept() {
    Budgets budgets = open(b -> b.perRun(Budget.ofCalls(3)).keepRuns(Duration.ofDays(2)));
    for (int day = 0; day < 3; day++) {
      open(b -> b.perRun(Budget.ofCalls(3)).keepRuns(Duration.ofDays(2)))
          .charge("r1", "", 1, 1, null)
          .used(1, 1, null);
      opened.get(opened.size() - 1).usage("r1");
      clock.updateAndGet(now -> now.plus(Duration.ofHours(40)));
    }
    refused(() -> budgets.charge("r1", "", 1, 1, null));
    clock.updateAndGet(now -> now.plus(Duration.ofDays(3)));
    open(b -> b.perRun(Budget.ofCalls(3))).charge("r1", "", 1, 1, null).unused();
  }

  /** One round trip, whatever the number of budgets. */
  @Test
  void aCallCostsOneRoundTripBeforeIt() {
    AtomicInteger trips = new AtomicInteger();
    AtomicInteger before = new AtomicInteger();
    StateStore counting =
        new ForwardingStore(store) {
          @Override
          public List<Outcome> apply(List<Change> changes) {
            trips.incrementAndGet();
            if (changes.stream()
                .flatMap(change -> change.edits().stream())
                .anyMatch(
                    edit ->
                        edit instanceof Edit.Row row
                            && row.row().startsWith("r")
                            && row.value() != null)) {
              before.incrementAndGet();
            }
            return super.apply(changes);
          }
        };
    Budgets budgets =
        open(
            counting,
            b ->
                b.perRun(Budget.ofCalls(100))
                    .perTenant(Budget.ofCalls(100), BudgetPeriod.DAY)
                    .fleet(Budget.ofCalls(100), BudgetPeriod.DAY));
    budgets.charge("r1", "t", 1, 1, null).used(1, 1, null);
    budgets.usage("r1");
    trips.set(0);
    before.set(0);
    budgets.charge("r1", "t", 1, 1, null).used(1, 1, null);
    budgets.usage("r1");
    assertThat(before).hasValue(1);
    assertThat(trips).hasValue(2); // and one behind its back
  }

  @Test
  void whatMakesNoSenseIsRefused() {
    assertThatThrownBy(() -> new Budget(null, null, null, null))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Budget.ofTokens(-1)).hasMessageContaining("tokens");
    assertThatThrownBy(() -> Budget.ofMoney("-0.01")).hasMessageContaining("money");
    assertThatThrownBy(
            () -> open(b -> b.fleet(Budget.ofTime(Duration.ofHours(1)), BudgetPeriod.DAY)))
        .hasMessageContaining("time");
    assertThatThrownBy(() -> BudgetScope.tenant("")).hasMessageContaining("1 to");
    assertThatThrownBy(() -> open(b -> b).charge("r1", "", -1, 0, null))
        .hasMessageContaining("negative");
  }
}
