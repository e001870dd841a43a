package dev.troupe.redis;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.testkit.HistoryReport;
import dev.troupe.testkit.RedisSentinel;
import dev.troupe.testkit.RedisServer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A primary that is killed under load, and another that takes its place: records and runs. */
@Tag("matrix")
@Timeout(240)
class RedisFailOverTest {
  /** A few seconds, and each split vote of the sentinels adds six: a busy machine has several. */
  static final Duration BACK = Duration.ofSeconds(40);

  private static final Duration LONG = Duration.ofSeconds(120);

  /** After so long without word from a replica the server takes no writes, in seconds. */
  private static final int MAX_LAG = 1;

  /** The server looks once a second, and a write may be under way. */
  private static final Duration WINDOW = Duration.ofSeconds(MAX_LAG + 2);

  @TempDir private Path folder;

  private static RedisSentinel.Builder guarded() {
    return RedisSentinel.builder()
        .replicas(2)
        .argument("--min-replicas-to-write", "1", "--min-replicas-max-lag", "" + MAX_LAG);
  }

  static String[] sentinels(RedisSentinel set) {
    return set.sentinels().stream().map(one -> one.uri().toString()).toArray(String[]::new);
  }

  private static RedisStateStore open(RedisSentinel set) {
    return RedisStateStore.builder().sentinels(RedisSentinel.NAME, sentinels(set)).open();
  }

  @Test
  void theStoreIsBackWithinFifteenSecondsAndLosesAtMostWhatWasUnderWay() {
    try (RedisSentinel set = guarded().start();
        RedisStateStore store = open(set)) {
      AckedWrites writes = new AckedWrites(store, 8, 100);
      RedisServer primary = set.primary();
      long dead;
      try (writes) {
        Awaitility.await().atMost(LONG).until(() -> writes.count() > 5_000);
        primary.kill();
        dead = System.nanoTime();
        int before = writes.count();
        Awaitility.await().atMost(LONG).until(() -> writes.count() > before + 2_000);
      }
      Map<String, Long> lost = writes.lost();
      assertThat(set.primary()).isNotSameAs(primary);
      assertThat(writes.failures()).isEmpty();
      assertThat(writes.longestPause()).isBetween(Duration.ofSeconds(1), BACK);
      assertThat(lost).as("lost with when").allSatisfy((key, when) -> notedAbout(when, dead));
    }
  }

  private static void notedAbout(long when, long dead) {
    assertThat(Duration.ofNanos(dead - when))
        .isBetween(Duration.ofMillis(-500), WINDOW); // whoever noted it may have been late
  }

  /**
   * Both replicas stand still, so that all that is written from then on is lost with the primary,
   * apart from what lies in the buffers of the system.
   */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void minReplicasBoundWhatAFailOverLosesWhenReplicasLagBehind(boolean guarded) {
    RedisSentinel.Builder builder = guarded ? guarded() : RedisSentinel.builder().replicas(2);
    try (RedisSentinel set = builder.start();
        RedisStateStore store = open(set)) {
      AckedWrites writes = new AckedWrites(store, 4, 60_000);
      RedisServer primary = set.primary();
      List<RedisServer> replicas =
          set.servers().stream().filter(server -> server != primary).toList();
      long paused;
      long killed;
      long lastBefore;
      try (writes) {
        Awaitility.await().atMost(LONG).until(() -> writes.count() > 200);
        paused = System.nanoTime();
        replicas.forEach(RedisServer::pause);
        long until = paused + WINDOW.plusSeconds(2).toNanos();
        Awaitility.await().atMost(LONG).until(() -> System.nanoTime() - until > 0);
        killed = System.nanoTime();
        lastBefore = writes.last();
        primary.kill();
        replicas.forEach(RedisServer::resume);
        set.awaitPrimaryOtherThan(primary, LONG);
        int back = writes.count();
        Awaitility.await().atMost(LONG).until(() -> writes.count() > back + 100);
      }
      Map<String, Long> lost = writes.lost();
      assertThat(writes.failures()).isEmpty();
      assertThat(lost.values()).allMatch(when -> killed - when > -500_000_000);
      Duration stalled = Duration.ofNanos(killed - lastBefore);
      if (guarded) {
        assertThat(Duration.ofNanos(lastBefore - paused)).isLessThan(WINDOW);
        assertThat(lost.values()).allMatch(when -> when - paused < WINDOW.toNanos());
      } else {
        assertThat(stalled).isLessThan(Duration.ofSeconds(1));
        assertThat(lost.values()).anyMatch(when -> when - paused > WINDOW.toNanos());
      }
    }
  }

  @Test
  void runsGoOnAndEachHasOneOutcome() throws Exception {
    try (RedisSentinel set = guarded().start();
        RedisStateStore one = open(set);
        RedisStateStore two = open(set);
        RunFlow runs = new RunFlow(folder, one, two)) {
      RedisServer primary = set.primary();
      runs.submit(150);
      runs.goOn(400);
      primary.kill();
      long dead = System.nanoTime();
      runs.goOn(40);
      assertThat(Duration.ofNanos(System.nanoTime() - dead)).isLessThan(BACK);
      HistoryReport report = runs.finish();
      // what the former primary had answered and not yet copied may be made again, nothing else
      assertThat(report.violations().stream().map(HistoryReport.Violation::run).distinct())
          .as(report.toString())
          .hasSizeLessThanOrEqualTo(RunFlow.TOGETHER);
      assertThat(report.violations(HistoryReport.Rule.ONE_OUTCOME)).isEmpty();
      assertThat(report.violations(HistoryReport.Rule.NOTHING_LOST)).isEmpty();
    }
  }
}
