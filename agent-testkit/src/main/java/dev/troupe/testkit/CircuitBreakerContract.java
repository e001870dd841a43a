package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.resilience.CircuitBreaker;
import dev.troupe.resilience.CircuitBreaker.Mode;
import dev.troupe.resilience.CircuitBreaker.Permit;
import dev.troupe.resilience.CircuitBreaker.State;
import dev.troupe.resilience.CircuitBreakers;
import dev.troupe.resilience.CircuitOpenException;
import dev.troupe.state.StateStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * What a {@link CircuitBreaker} keeps over every store: a test for each numbered guarantee. Extend
 * it, and say how a process gets its store. Times are real ones.
 */
@Timeout(60)
public abstract class CircuitBreakerContract extends BreakerFixture {
  /** For subclasses. */
  protected CircuitBreakerContract() {}

  /**
   * Gives a store as another process would open it, over what all processes of this test share.
   *
   * @return a store, which the subclass closes after the test
   */
  @Override
  protected abstract StateStore open();

  @Guarantee(1)
  void g01_aProcessWhoseCallsFailStopsAloneWithoutQuorum() {
    CircuitBreaker bad = breaker();
    CircuitBreaker good = breaker();
    CircuitBreaker other = breaker();
    fails(bad, 5);
    assertThat(bad.state()).isEqualTo(State.OPEN);
    Duration left = refused(bad).retryAfter().orElseThrow();
    assertThat(left).isPositive().isLessThanOrEqualTo(Duration.ofSeconds(2));
    // longer than it takes to know who is there, shorter than the open time
    throughout(
        Duration.ofMillis(1_500),
        () -> {
          assertThat(passes(good) && passes(other)).isTrue();
          assertThat(bad.status().shared()).isFalse();
        });
    assertThat(bad.status().reason()).contains("5 of the last 5 calls failed");
  }

  @Guarantee(1)
  void g01_whatOneProcessFoundOpenItClosesByItself() {
    CircuitBreaker bad = breaker(settings().openTime(Duration.ofMillis(150)));
    CircuitBreaker good = breaker();
    fails(bad, 5);
    fails(good, 4);
    Permit probe = permit(bad);
    assertThat(probe.probes()).isTrue();
    refused(bad);
    probe.succeeded();
    assertThat(passes(bad)).isTrue();
    assertThat(good.state()).isEqualTo(State.CLOSED);
    fails(bad, 3);
    assertThat(bad.state()).as("its window begins anew").isEqualTo(State.CLOSED);
  }

  @Guarantee(2)
  void g02_aQuorumOpensItForAll() {
    CircuitBreaker first = breaker();
    CircuitBreaker second = breaker();
    CircuitBreaker third = breaker();
    fails(first, 5);
    fails(second, 5);
    long began = System.nanoTime();
    awaits(third, State.OPEN);
    assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(1));
    assertThat(third.status().shared()).isTrue();
    assertThat(refused(third)).hasMessageContaining("p0").hasMessageContaining("p1");
    soon("shared", () -> first.status().shared() && second.status().shared());
  }

  @Guarantee(2)
  void g02_allThatUseItAreEnoughWhereTheyAreFewer() {
    CircuitBreaker only = breaker(settings().openTime(MINUTE));
    fails(only, 5);
    soon("in time", () -> only.status().shared());
    assertThat(breaker().state()).isEqualTo(State.OPEN);
  }

  @Guarantee(2)
  void g02_whoHasGoneIsNotCounted() {
    CircuitBreaker stays = breaker(settings().openTime(MINUTE));
    breaker();
    fails(stays, 5);
    opened.get(1).close();
    soon("in time", () -> stays.status().shared());
  }

  @Guarantee(3)
  void g03_aSignalOpensItHereAtOnceAndForAllSoon() {
    CircuitBreaker told = breaker();
    CircuitBreaker other = breaker();
    told.open(MINUTE, "quota is used up\nuntil noon");
    assertThat(refused(told).retryAfter().orElseThrow()).isBetween(Duration.ofSeconds(55), MINUTE);
    long began = System.nanoTime();
    awaits(other, State.OPEN);
    assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(1));
    CircuitOpenException why = refused(other);
    assertThat(why).hasMessageContaining("quota is used up until noon").hasMessageContaining("p0");
    assertThat(why.retryable()).isTrue();
    assertThat(why.code()).isEqualTo(ErrorCode.CIRCUIT_OPEN);
    assertThat(why.retryAfter().orElseThrow()).isBetween(Duration.ofSeconds(50), MINUTE);
  }

  @Guarantee(3)
  void g03_aSignalNeverShortensAnOpening() {
    CircuitBreaker told = breaker();
    CircuitBreaker other = breaker();
    told.open(MINUTE, "long");
    awaits(other, State.OPEN);
    other.open(Duration.ofMillis(50), "short");
    throughout(
        Duration.ofMillis(400),
        () -> {
          assertThat(told.state()).isEqualTo(State.OPEN);
          assertThat(other.state()).isEqualTo(State.OPEN);
        });
    assertThat(breaker().status().left()).isGreaterThan(Duration.ofSeconds(30));
  }

  @Guarantee(4)
  void g04_itIsOpenAfterEveryProcessEnded() {
    CircuitBreaker told = breaker();
    CircuitBreaker other = breaker();
    told.open(MINUTE, "quota");
    awaits(other, State.OPEN);
    opened.forEach(CircuitBreakers::close);
    CircuitBreaker anew = breaker();
    assertThat(anew.state()).isEqualTo(State.OPEN);
    assertThat(refused(anew)).hasMessageContaining("quota");
    CircuitBreakers another = process(open());
    assertThat(another.breaker("another").state()).isEqualTo(State.CLOSED);
  }

  @Guarantee(5)
  void g05_oneCallOfAllProbesAndItsSuccessClosesForAll() throws Exception {
    List<CircuitBreaker> all = List.of(breaker(), breaker(), breaker());
    all.get(0).open(Duration.ofMillis(300), "quota");
    all.forEach(breaker -> awaits(breaker, State.OPEN));
    AtomicInteger probes = new AtomicInteger();
    AtomicInteger others = new AtomicInteger();
    AtomicBoolean answered = new AtomicBoolean();
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch answer = new CountDownLatch(1);
    AtomicBoolean done = new AtomicBoolean();
    List<Future<?>> callers = new ArrayList<>();
    ExecutorService threads = Executors.newFixedThreadPool(9);
    try {
      for (int t = 0; t < 9; t++) {
        CircuitBreaker mine = all.get(t % 3);
        callers.add(
            threads.submit(
                () -> {
                  while (!done.get()) {
                    try (Permit permit = mine.acquire()) {
                      if (permit.probes()) {
                        probes.incrementAndGet();
                        begun.countDown();
                        answer.await();
                        answered.set(true);
                      } else if (!answered.get()) {
                        others.incrementAndGet();
                      }
                      permit.succeeded();
                    } catch (CircuitOpenException e) {
                      LockSupport.parkNanos(1_000_000);
                    }
                  }
                  return null;
                }));
      }
      assertThat(begun.await(10, TimeUnit.SECONDS)).isTrue();
      throughout(Duration.ofMillis(700), () -> assertThat(probes).hasValue(1));
      assertThat(others).hasValue(0);
      answer.countDown();
      long began = System.nanoTime();
      all.forEach(breaker -> awaits(breaker, State.CLOSED));
      assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(1));
      throughout(
          Duration.ofMillis(300),
          () -> all.forEach(b -> assertThat(b.state()).isEqualTo(State.CLOSED)));
      assertThat(probes).hasValue(1);
      done.set(true);
      for (Future<?> caller : callers) {
        caller.get(10, TimeUnit.SECONDS);
      }
    } finally {
      done.set(true);
      answer.countDown();
      threads.shutdownNow();
    }
  }

  @Guarantee(5)
  void g05_aProbeThatFailsOpensItForAllForLonger() {
    CircuitBreaker first = breaker();
    CircuitBreaker second = breaker();
    first.open(Duration.ofMillis(150), "quota");
    awaits(second, State.OPEN);
    Permit probe = permit(second);
    probe.failed(new IllegalStateException("still no answer"));
    assertThat(second.state()).isEqualTo(State.OPEN);
    Duration two = Duration.ofSeconds(2);
    soon(
        "open for longer",
        () ->
            first.status().reason().contains("IllegalStateException")
                && first.status().left().compareTo(two) > 0
                && second.status().shared()
                && second.status().left().compareTo(two) > 0);
    assertThat(first.status().left()).isLessThanOrEqualTo(Duration.ofSeconds(4));
  }

  @Guarantee(5)
  void g05_aProbeThatIsNeverHeardOfIsReplacedAndThenCountsForNothing() {
    Duration probeTime = Duration.ofMillis(700);
    CircuitBreaker first = breaker(settings().probeTime(probeTime));
    CircuitBreaker second = breaker(settings().probeTime(probeTime));
    first.open(Duration.ofMillis(150), "quota");
    awaits(second, State.OPEN);
    Permit lost = permit(first);
    long began = System.nanoTime();
    Permit probe = permit(second);
    assertThat(Duration.ofNanos(System.nanoTime() - began)).isGreaterThan(probeTime.dividedBy(2));
    assertThat(probe.probes()).isTrue();
    lost.succeeded();
    throughout(Duration.ofMillis(200), () -> assertThat(second.state()).isNotEqualTo(State.CLOSED));
    probe.failed(new IllegalStateException());
    awaits(first, State.OPEN);
    throughout(Duration.ofMillis(200), () -> assertThat(passes(first) || passes(second)).isFalse());
  }

  @Guarantee(5)
  void g05_aProbeThatCameToNothingIsGivenToAnother() throws Exception {
    CircuitBreaker first = breaker(settings().probeTime(MINUTE));
    CircuitBreaker second = breaker(settings().probeTime(MINUTE));
    first.open(Duration.ofMillis(150), "quota");
    awaits(second, State.OPEN);
    permit(first).close();
    Permit probe = permit(second);
    assertThatThrownBy(
            () ->
                first.call(
                    () -> {
                      throw new AssertionError("called beside a probe");
                    }))
        .isInstanceOf(CircuitOpenException.class);
    probe.failed(new InterruptedException());
    soon("in time", () -> passes(first));
    awaits(second, State.CLOSED);
  }

  @Guarantee(6)
  void g06_whatAnOperatorForcesOpenIsOpenEverywhereUntilSaidOtherwise() {
    CircuitBreaker first = breaker();
    CircuitBreaker second = breaker();
    first.override(Mode.FORCED_OPEN, "ada", "they asked us to stop");
    CircuitOpenException refusal = refused(first);
    assertThat(refusal.retryAfter()).isEmpty();
    assertThat(refusal).hasMessageContaining("ada").hasMessageContaining("they asked us to stop");
    awaits(second, State.OPEN);
    opened.forEach(CircuitBreakers::close);
    CircuitBreaker anew = breaker();
    throughout(Duration.ofMillis(300), () -> refused(anew));
    CircuitBreaker.Ruling ruling = anew.status().ruling();
    assertThat(ruling).isNotNull();
    assertThat(ruling.mode()).isEqualTo(Mode.FORCED_OPEN);
    assertThat(ruling.by()).isEqualTo("ada");
    anew.override(Mode.AUTOMATIC, "bob", "they are back");
    assertThat(passes(anew)).isTrue();
    CircuitBreaker late = breaker();
    assertThat(passes(late)).isTrue();
    assertThat(late.status().ruling())
        .extracting(CircuitBreaker.Ruling::by, CircuitBreaker.Ruling::reason)
        .containsExactly("bob", "they are back");
  }

  @Guarantee(6)
  void g06_whatAnOperatorForcesClosedLetsEverythingThrough() {
    CircuitBreaker first = breaker();
    CircuitBreaker second = breaker();
    first.open(MINUTE, "quota");
    awaits(second, State.OPEN);
    second.override(Mode.FORCED_CLOSED, "ada", "we know better");
    awaits(first, State.CLOSED);
    fails(first, 20);
    fails(second, 20);
    first.open(MINUTE, "quota again");
    throughout(Duration.ofMillis(300), () -> assertThat(passes(first) && passes(second)).isTrue());
    second.override(Mode.AUTOMATIC, "ada", "we did not");
    awaits(first, State.OPEN);
    assertThat(refused(first)).hasMessageContaining("quota");
  }

  @Guarantee(7)
  void g07_withoutTheStoreEachProcessGoesByItsOwnCalls() {
    SwitchedStore store = new SwitchedStore(open());
    CircuitBreakers process = process(store);
    CircuitBreaker alone =
        process.breaker(NAME, settings().openTime(Duration.ofMillis(150)).build());
    CircuitBreaker other = breaker();
    store.fail();
    soon("in time", () -> process.storeAway());
    fails(alone, 5);
    refused(alone);
    Permit probe = permit(alone);
    assertThat(probe.probes()).isTrue();
    refused(alone);
    probe.failed(new IllegalStateException());
    refused(alone);
    permit(alone).succeeded();
    assertThat(passes(alone)).isTrue();
    alone.open(MINUTE, "quota");
    refused(alone);
    assertThat(passes(other)).isTrue();
    store.heal();
    awaits(other, State.OPEN);
    soon("in time", () -> !process.storeAway());
  }

  @Guarantee(7)
  void g07_whatWasOpenForAllIsProbedAloneAndTheStoreHasTheLastWord() {
    SwitchedStore store = new SwitchedStore(open());
    CircuitBreakers process = process(store);
    CircuitBreaker alone = process.breaker(NAME, settings().build());
    CircuitBreaker other = breaker();
    other.open(Duration.ofSeconds(2), "quota");
    awaits(alone, State.OPEN);
    store.fail();
    soon("in time", () -> process.storeAway());
    refused(alone);
    Permit probe = permit(alone);
    probe.succeeded();
    assertThat(passes(alone)).isTrue();
    other.open(MINUTE, "quota again");
    assertThat(passes(alone)).isTrue();
    store.heal();
    awaits(alone, State.OPEN);
    assertThat(refused(alone)).hasMessageContaining("quota again");
  }

  @Guarantee(7)
  void g07_noCallWaitsForAStoreThatHangs() {
    SwitchedStore store = new SwitchedStore(open());
    CircuitBreakers process = process(store);
    CircuitBreaker breaker = process.breaker(NAME, settings().build());
    store.hang();
    long longest = 0;
    breaker.open(Duration.ofMillis(200), "quota");
    long began = System.nanoTime();
    boolean passed = false;
    while (!passed && System.nanoTime() - began < TimeUnit.SECONDS.toNanos(10)) {
      long before = System.nanoTime();
      passed = passes(breaker);
      longest = Math.max(longest, System.nanoTime() - before);
      LockSupport.parkNanos(1_000_000);
    }
    assertThat(passed).as("it probes alone").isTrue();
    assertThat(Duration.ofNanos(longest)).isLessThan(Duration.ofSeconds(1));
    soon("in time", () -> process.storeAway());
    long start = System.nanoTime();
    CircuitBreaker anew = process.breaker("anew");
    assertThat(passes(anew)).isTrue();
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(3));
    store.heal();
    soon("in time", () -> !process.storeAway());
  }

  @Test
  void callsThroughAClosedBreakerNeverUseTheStore() {
    SwitchedStore store = new SwitchedStore(open());
    CircuitBreakers process = CircuitBreakers.builder(store).lookEvery(MINUTE).start();
    opened.add(process);
    CircuitBreaker breaker = process.breaker(NAME);
    soon("in time", () -> store.calls() > 0 && breaker.state() == State.CLOSED);
    long before = store.calls();
    for (int i = 0; i < 10_000; i++) {
      assertThat(passes(breaker)).isTrue();
    }
    assertThat(store.calls() - before)
        .as("uses of the store; the process's own first look may still go on")
        .isLessThan(100);
  }

  @Test
  void whatIsNoFailureOpensNothing() {
    CircuitBreaker breaker = breaker();
    for (int i = 0; i < 50; i++) {
      assertThatThrownBy(
              () ->
                  breaker.call(
                      () -> {
                        throw new AgentException(ErrorCode.INVALID_INPUT, "a bad request");
                      }))
          .isInstanceOf(AgentException.class);
    }
    assertThat(breaker.state()).isEqualTo(State.CLOSED);
  }
}
