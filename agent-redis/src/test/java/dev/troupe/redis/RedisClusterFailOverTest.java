package dev.troupe.redis;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.event.Delivery.Shard;
import dev.troupe.event.EventBus;
import dev.troupe.testkit.HistoryReport;
import dev.troupe.testkit.RedisCluster;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.RedisClusterClient;

/** A master of a cluster that is killed under load, and its replica that takes its place. */
@Tag("matrix")
@Timeout(240)
class RedisClusterFailOverTest {
  private static final Duration BACK = RedisFailOverTest.BACK;
  private static final Duration LONG = Duration.ofSeconds(60);

  /** Replicas are in step, and the machine may be busy: of what was answered so long before. */
  private static final Duration WINDOW = Duration.ofSeconds(2);

  @TempDir private Path folder;

  /** A busy machine must not look like a dead node, nor may it take long to see one. */
  private static RedisCluster start() {
    return RedisCluster.builder().replicas(1).argument("--cluster-node-timeout", "3000").start();
  }

  /** Kills the master of a key when all replicas are in step, and says when it was dead. */
  private static long kill(RedisCluster cluster, byte[] key) {
    cluster.awaitReplicas(LONG);
    cluster.owner(RedisCluster.slot(new String(key, UTF_8))).kill();
    return System.nanoTime();
  }

  /** What was lost had been acknowledged just before, or was noted a little late. */
  static void assertJustBefore(Map<?, Long> lost, long dead) {
    assertThat(lost)
        .as("lost, with when")
        .allSatisfy(
            (what, when) ->
                assertThat(Duration.ofNanos(dead - when))
                    .isBetween(Duration.ofMillis(-500), WINDOW));
  }

  @Test
  void theStoreIsBackWithinFifteenSeconds() {
    try (RedisCluster cluster = start();
        RedisClusterClient client = RedisClusterMoveTest.client(cluster);
        RedisStateStore store = RedisStateStore.builder().client(client).open()) {
      AckedWrites writes = new AckedWrites(store, 8, 100);
      long dead;
      try (writes) {
        RedisFixture.patiently().atMost(LONG).until(() -> writes.count() > 5_000);
        dead = kill(cluster, new RedisKeys("troupe", 64).head(5));
        RedisFixture.patiently().atMost(LONG).until(() -> writes.writersSince(dead) == 8);
        int before = writes.count();
        RedisFixture.patiently().atMost(LONG).until(() -> writes.count() > before + 2_000);
      }
      assertThat(writes.failures()).isEmpty();
      assertThat(writes.longestPause()).isLessThan(BACK);
      assertJustBefore(writes.lost(), dead);
    }
  }

  @Test
  void runsGoOnAndEachHasOneOutcome() throws Exception {
    try (RedisCluster cluster = start();
        RedisClusterClient client = RedisClusterMoveTest.client(cluster);
        RedisStateStore one = RedisStateStore.builder().client(client).open();
        RedisStateStore two = RedisStateStore.builder().client(client).open();
        RunFlow runs = new RunFlow(folder, one, two)) {
      runs.submit(150);
      runs.goOn(200);
      kill(cluster, new RedisKeys("troupe", 64).head(5));
      HistoryReport report = runs.finish();
      assertThat(report.violations().stream().map(HistoryReport.Violation::run).distinct())
          .as(report.toString())
          .hasSizeLessThanOrEqualTo(RunFlow.TOGETHER);
      assertThat(report.violations(HistoryReport.Rule.ONE_OUTCOME)).isEmpty();
      assertThat(report.violations(HistoryReport.Rule.NOTHING_LOST)).isEmpty();
    }
  }

  @Test
  void eventsGoOnInOrderAndAtMostTheLastOnesAreLost() {
    try (RedisCluster cluster = start();
        RedisClusterClient client = RedisClusterMoveTest.client(cluster);
        RedisStateStore store = RedisStateStore.builder().client(client).open();
        RedisTransport transport =
            RedisTransport.builder().client(client).lease(Duration.ofSeconds(2)).open();
        EventBus bus = EventBus.builder(transport, store).build()) {
      EventFlow flow = new EventFlow(bus, transport, "t");
      long dead;
      try (flow) {
        flow.flows(2_000);
        dead = kill(cluster, new StreamKeys("troupe").log(new Shard("t", 3)));
        flow.flows(2_000);
        assertThat(Duration.ofNanos(System.nanoTime() - dead)).isLessThan(BACK);
      }
      assertJustBefore(flow.missing(), dead);
      flow.assertOrder();
    }
  }
}
