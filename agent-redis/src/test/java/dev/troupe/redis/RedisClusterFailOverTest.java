package dev.troupe.redis;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.event.Delivery.Shard;
import dev.troupe.event.EventBus;
import dev.troupe.testkit.HistoryReport;
import dev.troupe.testkit.RedisCluster;
import dev.troupe.testkit.RedisServer;
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
  private static final Duration BACK = Duration.ofSeconds(15);
  private static final Duration LONG = Duration.ofSeconds(60);

  @TempDir private Path folder;

  private static RedisServer owner(RedisCluster cluster, byte[] key) {
    return cluster.owner(RedisCluster.slot(new String(key, UTF_8)));
  }

  @Test
  void theStoreIsBackWithinFifteenSeconds() {
    try (RedisCluster cluster = RedisCluster.builder().replicas(1).start();
        RedisClusterClient client = RedisClusterMoveTest.client(cluster);
        RedisStateStore store = RedisStateStore.builder().client(client).open()) {
      AckedWrites writes = new AckedWrites(store, 8, 100);
      RedisServer master = owner(cluster, new RedisKeys("troupe", 64).head(5));
      long dead;
      try (writes) {
        RedisFixture.patiently().atMost(LONG).until(() -> writes.count() > 5_000);
        master.kill();
        dead = System.nanoTime();
        RedisFixture.patiently().atMost(LONG).until(() -> writes.writersSince(dead) == 8);
        int before = writes.count();
        RedisFixture.patiently().atMost(LONG).until(() -> writes.count() > before + 2_000);
      }
      Map<String, Long> lost = writes.lost();
      assertThat(writes.failures()).isEmpty();
      assertThat(writes.longestPause()).isLessThan(BACK);
      assertThat(lost.values()).allMatch(when -> dead - when > -500_000_000);
      assertThat(lost.keySet()).hasSizeLessThanOrEqualTo(8);
    }
  }

  @Test
  void runsGoOnAndEachHasOneOutcome() throws Exception {
    try (RedisCluster cluster = RedisCluster.builder().replicas(1).start();
        RedisClusterClient client = RedisClusterMoveTest.client(cluster);
        RedisStateStore one = RedisStateStore.builder().client(client).open();
        RedisStateStore two = RedisStateStore.builder().client(client).open();
        RunFlow runs = new RunFlow(folder, one, two)) {
      runs.submit(150);
      runs.goOn(200);
      owner(cluster, new RedisKeys("troupe", 64).head(5)).kill();
      HistoryReport report = runs.finish();
      assertThat(report.violations().stream().map(HistoryReport.Violation::run).distinct())
          .as(report.toString())
          .hasSizeLessThanOrEqualTo(8);
      assertThat(report.violations(HistoryReport.Rule.ONE_OUTCOME)).isEmpty();
      assertThat(report.violations(HistoryReport.Rule.NOTHING_LOST)).isEmpty();
    }
  }

  @Test
  void eventsGoOnInOrderAndAtMostTheLastOnesAreLost() {
    try (RedisCluster cluster = RedisCluster.builder().replicas(1).start();
        RedisClusterClient client = RedisClusterMoveTest.client(cluster);
        RedisStateStore store = RedisStateStore.builder().client(client).open();
        RedisTransport transport =
            RedisTransport.builder().client(client).lease(Duration.ofSeconds(2)).open();
        EventBus bus = EventBus.builder(transport, store).build()) {
      EventFlow flow = new EventFlow(bus, transport, "t");
      long dead;
      try (flow) {
        flow.flows(2_000);
        owner(cluster, new StreamKeys("troupe").log(new Shard("t", 3))).kill();
        dead = System.nanoTime();
        flow.flows(2_000);
        assertThat(Duration.ofNanos(System.nanoTime() - dead)).isLessThan(BACK);
      }
      Map<Integer, Long> missing = flow.missing(20);
      assertThat(missing)
          .allSatisfy((n, when) -> assertThat(dead - when).isGreaterThan(-500_000_000));
      flow.assertOrder();
    }
  }
}
