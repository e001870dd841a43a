package dev.troupe.redis;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.testkit.ChildProcess;
import dev.troupe.testkit.RedisServer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.IntFunction;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;

/**
 * Eight processes take what they can get of one rate. What the server has written, at the times of
 * its own clock, says how much was granted when; no clock of a process has a part in it.
 */
@Timeout(180)
class RedisLimiterFleetTest {
  private static final int PROCESSES = 8;

  /** What one permit costs: nanoseconds, rounded up. */
  private static final long COST = 1_466_276;

  @Test
  void eightProcessesTogetherNeverGetMoreThanThePermitsInAnyWindow() throws Exception {
    share(i -> ChildProcess.of(LimiterWorker.class));
  }

  /** The environment names the library that sets their clocks; without it nothing can. */
  @Test
  @Tag("chaos")
  @EnabledIfEnvironmentVariable(named = "TROUPE_FAKETIME", matches = ".+")
  void clocksOfProcessesHalfAMinuteOffInBothDirectionsChangeNothing() throws Exception {
    String library = System.getenv("TROUPE_FAKETIME");
    long before = System.currentTimeMillis();
    List<Long> clocks =
        share(
            i ->
                ChildProcess.of(LimiterWorker.class)
                    .environment("LD_PRELOAD", library)
                    .environment("FAKETIME", i % 2 == 0 ? "+30s" : "-30s"));
    assertThat(clocks).filteredOn(at -> at > before + 25_000).hasSize(PROCESSES / 2);
    assertThat(clocks).filteredOn(at -> at < before).hasSize(PROCESSES / 2);
  }

  /** Lets a fleet take what it can get, and returns what the clocks of its processes showed. */
  private static List<Long> share(IntFunction<ChildProcess.Builder> worker) throws Exception {
    List<ChildProcess> fleet = new ArrayList<>();
    List<Long> clocks = new ArrayList<>();
    try (RedisServer server = RedisServer.start();
        ServerHistory history = new ServerHistory(server.port(), LimiterWorker.GROUP)) {
      for (int i = 0; i < PROCESSES; i++) {
        fleet.add(
            worker
                .apply(i)
                .name("limited-" + i)
                .jvm("-Xmx64m", "-XX:+UseSerialGC")
                .args(server.uri(), 4_000)
                .start());
      }
      for (ChildProcess one : fleet) {
        clocks.add(Long.valueOf(one.awaitLine("ready \\d+", Duration.ofSeconds(60)).substring(6)));
      }
      fleet.forEach(one -> one.send("go"));
      long told = 0;
      for (ChildProcess one : fleet) {
        told += Long.parseLong(one.awaitLine("granted \\d+", Duration.ofSeconds(60)).substring(8));
      }
      long granted = told;
      Awaitility.await()
          .atMost(Duration.ofSeconds(30))
          .untilAsserted(() -> assertThat(sum(permits(history))).isEqualTo(granted));
      TreeMap<Long, Long> permits = permits(history);
      long window = LimiterWorker.RATE.window().toNanos() / 1_000;
      long fullest = 0;
      for (long from : permits.keySet()) {
        fullest = Math.max(fullest, sum(permits.subMap(from, from + window)));
      }
      System.out.printf(
          "%d processes: %d permits in %d decisions, %d of %d in the fullest window%n",
          PROCESSES, granted, permits.size(), fullest, LimiterWorker.RATE.permits());
      assertThat(fullest).isBetween(300L, LimiterWorker.RATE.permits());
      return clocks;
    } finally {
      fleet.forEach(ChildProcess::close);
    }
  }

  private static long sum(Map<Long, Long> permits) {
    return permits.values().stream().mapToLong(Long::longValue).sum();
  }

  /** How many permits were granted at which time, by what each decision has added to the end. */
  private static TreeMap<Long, Long> permits(ServerHistory history) {
    TreeMap<Long, Long> permits = new TreeMap<>();
    long end = 0;
    long latest = 0;
    for (ServerHistory.Written one : history.written()) {
      long added = one.end() - Math.max(end, one.decided() * 1_000);
      assertThat(added % COST).as("whole permits").isZero();
      assertThat(one.decided()).as("time goes on").isGreaterThanOrEqualTo(latest);
      // the server's own note comes just behind
      assertThat(one.server() - one.decided()).isBetween(0L, 500_000L);
      permits.merge(one.decided(), added / COST, Long::sum);
      end = one.end();
      latest = one.decided();
    }
    return permits;
  }
}
