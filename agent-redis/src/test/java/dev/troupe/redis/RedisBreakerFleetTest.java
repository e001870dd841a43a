package dev.troupe.redis;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.resilience.BreakerSettings;
import dev.troupe.resilience.CircuitBreaker;
import dev.troupe.resilience.CircuitBreaker.State;
import dev.troupe.resilience.CircuitBreakers;
import dev.troupe.resilience.CircuitOpenException;
import dev.troupe.testkit.ChildProcess;
import dev.troupe.testkit.RedisServer;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Breakers of real processes, and of a process whose Redis is gone. */
@Timeout(120)
class RedisBreakerFleetTest {
  private static final Duration SOON = Duration.ofSeconds(20);

  private static ChildProcess worker(RedisServer server, String name, int openMillis) {
    ChildProcess worker =
        ChildProcess.of(BreakerWorker.class)
            .name(name)
            .jvm("-Xmx64m", "-XX:TieredStopAtLevel=1")
            .args(server.uri(), openMillis)
            .start();
    worker.awaitLine("\\d+ (CLOSED|OPEN.*)", SOON);
    return worker;
  }

  private static List<Long> times(ChildProcess worker, String what) {
    return worker.lines().stream()
        .filter(line -> line.matches("\\d+ " + what))
        .map(line -> Long.valueOf(line.substring(0, line.indexOf(' '))))
        .toList();
  }

  @Test
  void aBadProcessStopsAloneAndAQuorumStopsAllWithOneProbe() {
    int openMillis = 1_500;
    try (RedisServer server = RedisServer.start();
        ChildProcess one = worker(server, "one", openMillis);
        ChildProcess two = worker(server, "two", openMillis);
        ChildProcess three = worker(server, "three", openMillis)) {
      List<ChildProcess> all = List.of(one, two, three);
      one.send("fail");
      // twice around: its own probes fail, and by now it knows how many there are
      Awaitility.await()
          .atMost(Duration.ofSeconds(40))
          .until(() -> times(one, "probe here").size() >= 4);
      all.forEach(worker -> assertThat(times(worker, "OPEN for all")).isEmpty());
      assertThat(times(two, "OPEN here")).isEmpty();
      assertThat(times(three, "OPEN here")).isEmpty();

      two.send("fail");
      three.send("fail");
      all.forEach(worker -> worker.awaitLine("\\d+ OPEN for all", SOON));
      // of the two that found it open now, the first was enough
      long first = Long.MAX_VALUE;
      for (ChildProcess worker : List.of(two, three)) {
        for (long time : times(worker, "OPEN here")) {
          first = Math.min(first, time);
        }
      }
      for (ChildProcess worker : all) {
        assertThat(times(worker, "OPEN for all").get(0) - first).isLessThanOrEqualTo(1_000);
      }

      Awaitility.await().atMost(SOON).until(() -> probes(all).size() >= 3);
      all.forEach(worker -> worker.send("answer"));
      int closedBefore = times(three, "CLOSED").size();
      Awaitility.await().atMost(SOON).until(() -> times(three, "CLOSED").size() > closedBefore);
      all.forEach(
          worker ->
              Awaitility.await()
                  .atMost(SOON)
                  .until(
                      () -> {
                        List<String> states = states(worker);
                        return states.get(states.size() - 1).equals("CLOSED");
                      }));
      List<Long> probes = probes(all);
      for (int i = 1; i < probes.size(); i++) {
        assertThat(probes.get(i) - probes.get(i - 1))
            .as("a probe, its 200 ms and the open time lie between: " + probes)
            .isGreaterThanOrEqualTo(openMillis);
      }
    }
  }

  private static List<String> states(ChildProcess worker) {
    return worker.lines().stream()
        .filter(line -> line.matches("\\d+ (CLOSED|OPEN.*)"))
        .map(line -> line.substring(line.indexOf(' ') + 1))
        .toList();
  }

  private static List<Long> probes(List<ChildProcess> workers) {
    List<Long> probes = new ArrayList<>();
    workers.forEach(worker -> probes.addAll(times(worker, "probe")));
    return probes.stream().sorted().toList();
  }

  @Test
  void itIsOpenAfterEveryProcessWasKilled() {
    try (RedisServer server = RedisServer.start()) {
      try (ChildProcess one = worker(server, "one", 60_000);
          ChildProcess two = worker(server, "two", 60_000)) {
        one.send("fail");
        two.send("fail");
        one.awaitLine("\\d+ OPEN for all", SOON);
        two.awaitLine("\\d+ OPEN for all", SOON);
        one.kill();
        two.kill();
      }
      try (ChildProcess anew = worker(server, "anew", 60_000)) {
        assertThat(states(anew)).containsExactly("OPEN for all");
      }
    }
  }

  @Test
  void whenRedisIsKilledNoCallHangsAndAMetricSaysSo() throws Exception {
    SimpleMeterRegistry meters = new SimpleMeterRegistry();
    try (RedisServer server = RedisServer.builder().appendOnly("always").start();
        RedisStateStore store =
            RedisStateStore.builder().uri(server.uri()).timeout(Duration.ofMillis(500)).open();
        CircuitBreakers breakers =
            CircuitBreakers.builder(store)
                .lookEvery(Duration.ofMillis(200))
                .meterRegistry(meters)
                .start()) {
      BreakerSettings settings =
          BreakerSettings.builder()
              .window(20)
              .minimumCalls(10)
              .openTime(Duration.ofMillis(300))
              .growth(1, Duration.ofSeconds(1))
              .build();
      CircuitBreaker breaker = breakers.breaker("provider", settings);
      AtomicBoolean failing = new AtomicBoolean();
      AtomicBoolean done = new AtomicBoolean();
      AtomicLong longest = new AtomicLong();
      AtomicLong answers = new AtomicLong();
      List<Thread> callers = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        Thread caller =
            new Thread(
                () -> {
                  while (!done.get()) {
                    long began = System.nanoTime();
                    try {
                      breaker.call(
                          () -> {
                            if (failing.get()) {
                              throw new IllegalStateException("no answer");
                            }
                            return answers.incrementAndGet();
                          });
                    } catch (CircuitOpenException | IllegalStateException e) {
                      LockSupport.parkNanos(100_000);
                    } catch (Exception e) {
                      throw new AssertionError(e);
                    }
                    longest.accumulateAndGet(System.nanoTime() - began, Math::max);
                    LockSupport.parkNanos(100_000);
                  }
                });
        caller.start();
        callers.add(caller);
      }
      assertThat(away(meters)).isZero();
      server.kill();
      Awaitility.await().atMost(SOON).until(() -> away(meters) == 1);
      assertThat(breakers.storeAway()).isTrue();
      assertThat(meters.get("troupe.breaker.store.failures").functionCounter().count())
          .isPositive();
      goesByItsOwnCalls(breaker, failing, answers);
      server.restart();
      Awaitility.await().atMost(SOON).until(() -> away(meters) == 0);
      server.pause(); // now it does not even refuse
      Awaitility.await().atMost(SOON).until(() -> away(meters) == 1);
      goesByItsOwnCalls(breaker, failing, answers);
      server.resume();
      Awaitility.await().atMost(SOON).until(() -> away(meters) == 0);
      breaker.open(Duration.ofMinutes(1), "quota");
      Awaitility.await().atMost(SOON).until(() -> breaker.status().shared());
      done.set(true);
      for (Thread caller : callers) {
        caller.join(TimeUnit.SECONDS.toMillis(10));
        assertThat(caller.isAlive()).isFalse();
      }
      assertThat(Duration.ofNanos(longest.get())).isLessThan(Duration.ofSeconds(2));
    }
  }

  private static void goesByItsOwnCalls(
      CircuitBreaker breaker, AtomicBoolean failing, AtomicLong answers) {
    failing.set(true);
    Awaitility.await().atMost(SOON).until(() -> breaker.state() == State.OPEN);
    assertThat(breaker.status().shared()).isFalse();
    failing.set(false);
    Awaitility.await().atMost(SOON).until(() -> breaker.state() == State.CLOSED);
    long before = answers.get();
    Awaitility.await().atMost(SOON).until(() -> answers.get() > before + 100);
  }

  private static double away(SimpleMeterRegistry meters) {
    return meters.get("troupe.breaker.store.away").gauge().value();
  }
}
