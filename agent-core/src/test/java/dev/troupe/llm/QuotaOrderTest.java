package dev.troupe.llm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Who goes first of those that wait. */
@Timeout(30)
class QuotaOrderTest {
  private static final Duration LONG = Duration.ofSeconds(20);
  private static final int LOW = 0;
  private static final int NORMAL = 1;
  private static final int HIGH = 2;

  private final GateLimiter gate = new GateLimiter();
  private final Quota some = Quota.builder().requestsPerMinute(600).build();
  private Quotas quotas = quotas(Duration.ofMinutes(10));
  private final List<String> served = new CopyOnWriteArrayList<>();
  private final List<Thread> callers = new ArrayList<>();

  private Quotas quotas(Duration aging) {
    return Quotas.over(gate)
        .provider("p", some)
        .model("p", "slow", some)
        .eachTenant(some)
        .aging(aging)
        .build();
  }

  @AfterEach
  void endAll() throws InterruptedException {
    quotas.close();
    for (Thread caller : callers) {
      caller.join(5_000);
      assertThat(caller.isAlive()).isFalse();
    }
  }

  private Thread call(String label, String model, String tenant, int priority) {
    Thread caller =
        new Thread(
            () -> {
              try {
                quotas.acquire(new Quotas.Ask("p", "a", model, tenant, priority, 0, 0), LONG);
                served.add(label);
              } catch (InterruptedException e) {
                served.add(label + " interrupted");
              } catch (AgentException e) {
                served.add(label + " " + e.code());
              }
            });
    callers.add(caller);
    caller.start();
    await()
        .until(
            () ->
                caller.getState() == Thread.State.TIMED_WAITING
                    || caller.getState() == Thread.State.TERMINATED);
    return caller;
  }

  private void serve(int many) {
    for (int i = 1; i <= many; i++) {
      int all = served.size() + 1;
      gate.open.incrementAndGet();
      await().until(() -> served.size() == all);
    }
  }

  @Test
  void theMostUrgentGoFirstAlsoBeforeThoseThatWaitAlready() {
    call("low", "m", "t", LOW);
    call("normal", "m", "t", NORMAL);
    call("high", "m", "t", HIGH);
    call("high 2", "m", "t", HIGH);
    serve(4);
    assertThat(served).containsExactly("high", "high 2", "normal", "low");
  }

  @Test
  void anUrgentCallDoesNotWaitForTheTimeThatALessUrgentOneWasTold() {
    gate.wait = Duration.ofSeconds(15);
    call("normal", "m", "t", NORMAL);
    await().until(() -> gate.asked.get() >= 1);
    gate.open.set(1);
    call("high", "m", "t", HIGH);
    await().atMost(Duration.ofSeconds(5)).until(() -> served.size() == 1);
    assertThat(served).containsExactly("high");
  }

  @Test
  void aTenantWithManyCallsDoesNotStarveAnother() {
    for (int i = 1; i <= 6; i++) {
      call("many " + i, "m", "many", NORMAL);
    }
    call("few 1", "m", "few", NORMAL);
    call("few 2", "m", "few", NORMAL);
    serve(8);
    assertThat(served)
        .containsExactly(
            "many 1", "few 1", "many 2", "few 2", "many 3", "many 4", "many 5", "many 6");
  }

  @Test
  void whoHasWaitedForLongBecomesMoreUrgent() {
    quotas.close();
    quotas = quotas(Duration.ofMillis(100));
    call("low", "m", "t", LOW);
    // twice the aging time, and nobody else is served meanwhile
    long since = System.nanoTime();
    await().until(() -> System.nanoTime() - since > 250_000_000);
    call("high", "m", "t", HIGH);
    serve(2);
    assertThat(served).containsExactly("low", "high");
  }

  @Test
  void whoWaitsForALimitOfAModelOrTenantIsNoObstacleToOthers() {
    gate.shut =
        demand ->
            demand.lines().stream()
                .map(line -> line.name())
                .filter(name -> name.startsWith("m/slow/req") || name.startsWith("t/poor/req"))
                .findFirst()
                .orElse(null);
    gate.wait = Duration.ofSeconds(5);
    call("slow", "slow", "t", HIGH);
    call("poor", "m", "poor", HIGH);
    gate.open.set(1);
    call("other", "m", "t", LOW);
    await().atMost(Duration.ofSeconds(3)).until(() -> served.contains("other"));
    assertThat(served).containsExactly("other");
  }

  @Test
  void oneAtATimeAsksTheLimiterHoweverManyWait() {
    gate.wait = Duration.ofMillis(20);
    for (int i = 1; i <= 50; i++) {
      call("c", "m", "t" + i % 5, NORMAL);
    }
    gate.mostAtOnce.set(0);
    int before = gate.asked.get();
    long since = System.nanoTime();
    await().until(() -> System.nanoTime() - since > 400_000_000);
    assertThat(gate.mostAtOnce.get()).isEqualTo(1);
    // it said to come back in 20 ms: each time one comes, not fifty
    assertThat(gate.asked.get() - before).isBetween(5, 45);
    gate.open.set(1_000);
    await().until(() -> served.size() == 50);
  }

  @Test
  void anInterruptedCallLeavesTheLineAndTheNextGoes() throws Exception {
    Thread first = call("first", "m", "t", NORMAL);
    call("second", "m", "t", NORMAL);
    first.interrupt();
    first.join(5_000);
    serve(1);
    assertThat(served).containsExactly("first interrupted", "second");
    assertThat(gate.granted).hasSize(1);
  }

  @Test
  void whoCannotBeServedInTimeBehindOthersHearsSoAtOnce() {
    // ten a second
    gate.wait = Duration.ofSeconds(2);
    for (int i = 0; i < 20; i++) {
      call("ahead", "m", "t", NORMAL);
    }
    long since = System.nanoTime();
    assertThatThrownBy(
            () ->
                quotas.acquire(
                    new Quotas.Ask("p", "a", "m", "t", NORMAL, 0, 0), Duration.ofMillis(2_500)))
        .isInstanceOfSatisfying(
            LlmException.class,
            e -> {
              assertThat(e.code()).isEqualTo(ErrorCode.RATE_LIMITED);
              assertThat(e.retryAfter().orElseThrow())
                  .isBetween(Duration.ofMillis(2_600), Duration.ofMillis(4_500));
            });
    assertThat(System.nanoTime() - since).isLessThan(500_000_000);
  }

  @Test
  void closingSendsAwayWhoWaits() {
    AtomicReference<Thread> caller = new AtomicReference<>(call("one", "m", "t", NORMAL));
    quotas.close();
    await().until(() -> !caller.get().isAlive());
    assertThat(served).containsExactly("one CLOSED");
    assertThatThrownBy(() -> quotas.acquire(new Quotas.Ask("p", "a", "m", "t", 1, 0, 0), LONG))
        .isInstanceOfSatisfying(
            AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.CLOSED));
  }
}
