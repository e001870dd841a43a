package dev.troupe.examples.benchmarks;

import dev.troupe.event.Delivery;
import dev.troupe.event.Event;
import dev.troupe.event.EventTransport.Topic;
import dev.troupe.event.Outgoing;
import dev.troupe.event.Position;
import dev.troupe.redis.RedisStateStore;
import dev.troupe.redis.RedisTransport;
import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.Page;
import dev.troupe.state.RecordId;
import dev.troupe.state.Scan;
import dev.troupe.state.StateStore;
import dev.troupe.testkit.RedisCluster;
import dev.troupe.testkit.RedisSentinel;
import dev.troupe.testkit.RedisServer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.RedisClusterClient;

/** What a fail-over of Redis costs: how long nothing is written, and what was written in vain. */
final class FailOverReport {
  private static final int ROUNDS = 3;
  private static final int WRITERS = 8;
  private static final Duration PAUSE = Duration.ofSeconds(5);

  private final Report report;

  private FailOverReport(Report report) {
    this.report = report;
  }

  static void write(Path folder) throws Exception {
    Report report =
        new Report(
            "Fail-over of Redis",
            ("`mvn -ntp -DskipTests -pl examples/benchmarks -am package && java -jar examples/benchmarks/target/benchmarks.jar fail-over-redis`\n\n"
                    + "%d threads write while the primary is killed with `kill -9`, and go on for a while after; what was not acknowledged is written again. Then everything that was acknowledged is looked for. Sentinel: one primary, two replicas, three sentinels that miss a primary after 1 s. Cluster: three masters with a replica each, which miss a node after 2 s. Nothing is kept on disk. 'Back' is when each thread had a write acknowledged after the kill; median and worst of %d rounds, aim under 15 s. 'Lost' are acknowledged writes that are gone, of all rounds.")
                .formatted(WRITERS, ROUNDS));
    FailOverReport all = new FailOverReport(report);
    report.line("## Replicas in step");
    report.line("");
    report.head("what", "min-replicas-to-write", "back", "worst", "acknowledged", "lost");
    for (boolean guarded : List.of(false, true)) {
      all.sentinel("records, Sentinel", guarded, false);
      all.sentinel("events, Sentinel", guarded, true);
    }
    all.cluster("records, Cluster", false);
    all.cluster("events, Cluster", true);
    report.line("");
    report.line("## Replicas that stand still");
    report.line("");
    report.line(
        "Both replicas are stopped with `SIGSTOP` %d s before the primary is killed, and go on after that. Values have 60,000 bytes, so that the buffers of the system hold few of them. `min-replicas-max-lag` is 1 s."
            .formatted(PAUSE.toSeconds()));
    report.line("");
    report.head(
        "what",
        "min-replicas-to-write",
        "acknowledged",
        "lost",
        "last of them after the replicas stopped");
    all.standingStill(false);
    all.standingStill(true);
    report.line("");
    report.write(folder, "fail-over-redis.md");
  }

  private static RedisSentinel set(boolean guarded) {
    RedisSentinel.Builder builder = RedisSentinel.builder().replicas(2);
    if (guarded) {
      builder.argument("--min-replicas-to-write", "1", "--min-replicas-max-lag", "1");
    }
    return builder.start();
  }

  private static String[] sentinels(RedisSentinel set) {
    return set.sentinels().stream().map(one -> one.uri().toString()).toArray(String[]::new);
  }

  private void sentinel(String what, boolean guarded, boolean events) {
    double[] back = new double[ROUNDS];
    int written = 0;
    int lost = 0;
    for (int round = 0; round < ROUNDS; round++) {
      try (RedisSentinel set = set(guarded);
          RedisStateStore store =
              RedisStateStore.builder().sentinels(RedisSentinel.NAME, sentinels(set)).open();
          RedisTransport transport =
              RedisTransport.builder().sentinels(RedisSentinel.NAME, sentinels(set)).open()) {
        transport.prepare(List.of(new Topic("t", 8, Duration.ofDays(1))), true);
        AckedLoad load = new AckedLoad(events ? events(transport) : records(store, 100), WRITERS);
        back[round] = killed(load, set.primary());
        written += load.count();
        lost += load.lost().size();
      }
    }
    row(what, guarded ? "1" : "none", back, written, lost);
  }

  private void cluster(String what, boolean events) {
    double[] back = new double[ROUNDS];
    int written = 0;
    int lost = 0;
    for (int round = 0; round < ROUNDS; round++) {
      try (RedisCluster cluster =
              RedisCluster.builder()
                  .replicas(1)
                  .argument("--cluster-node-timeout", "2000")
                  .start();
          RedisClusterClient client =
              RedisClusterClient.builder()
                  .nodes(Set.of(new HostAndPort("127.0.0.1", cluster.nodes().get(0).port())))
                  .build();
          RedisStateStore store = RedisStateStore.builder().client(client).open();
          RedisTransport transport = RedisTransport.builder().client(client).open()) {
        transport.prepare(List.of(new Topic("t", 8, Duration.ofDays(1))), true);
        AckedLoad load = new AckedLoad(events ? events(transport) : records(store, 100), WRITERS);
        back[round] = killed(load, cluster.nodes().get(1));
        written += load.count();
        lost += load.lost().size();
      }
    }
    row(what, "none", back, written, lost);
  }

  private void row(String what, String guard, double[] back, int written, int lost) {
    report.row(
        what,
        guard,
        Report.number(Report.median(back)) + " s",
        Report.number(Arrays.stream(back).max().orElseThrow()) + " s",
        "%,d".formatted(written),
        lost);
  }

  /** Seconds from the kill until all writers are back. */
  private static double killed(AckedLoad load, RedisServer server) {
    try (load) {
      load.await(10_000);
      server.kill();
      long dead = System.nanoTime();
      long settled = dead + Duration.ofMillis(200).toNanos(); // answers that were on their way
      while (load.allBackAfter(settled) == Long.MAX_VALUE) {
        LockSupport.parkNanos(20_000_000);
      }
      load.await(2_000);
      return (load.allBackAfter(settled) - dead) / 1e9;
    }
  }

  private void standingStill(boolean guarded) {
    int written = 0;
    int lost = 0;
    double latest = 0;
    for (int round = 0; round < ROUNDS; round++) {
      try (RedisSentinel set = set(guarded);
          RedisStateStore store =
              RedisStateStore.builder().sentinels(RedisSentinel.NAME, sentinels(set)).open()) {
        RedisServer primary = set.primary();
        List<RedisServer> replicas =
            set.servers().stream().filter(server -> server != primary).toList();
        AckedLoad load = new AckedLoad(records(store, 60_000), WRITERS);
        long stopped;
        try (load) {
          load.await(200);
          stopped = System.nanoTime();
          replicas.forEach(RedisServer::pause);
          LockSupport.parkNanos(PAUSE.toNanos());
          primary.kill();
          replicas.forEach(RedisServer::resume);
          set.awaitPrimaryOtherThan(primary, Duration.ofMinutes(1));
          load.await(100);
        }
        Map<String, Long> gone = load.lost();
        written += load.count();
        lost += gone.size();
        for (long when : gone.values()) {
          latest = Math.max(latest, (when - stopped) / 1e9);
        }
      }
    }
    report.row(
        "records, Sentinel",
        guarded ? "1" : "none",
        "%,d".formatted(written),
        "%,d".formatted(lost),
        Report.number(latest) + " s");
  }

  private static AckedLoad.Target records(StateStore store, int bytes) {
    byte[] value = new byte[bytes];
    return new AckedLoad.Target() {
      @Override
      public void write(String name) {
        RecordId id = RecordId.of(name, store.info().partitions());
        Edit put = new Edit.Put(name, value, Map.of(), null);
        store.apply(List.of(new Change("c-" + name, id.partition(), List.of(put))));
      }

      @Override
      public Set<String> present(Set<String> names) {
        Set<String> present = new HashSet<>();
        for (String name : names) {
          RecordId id = RecordId.of(name, store.info().partitions());
          if (!store.scan(Scan.whole(id)).items().isEmpty()) {
            present.add(name);
          }
        }
        return present;
      }
    };
  }

  private static AckedLoad.Target events(RedisTransport transport) {
    return new AckedLoad.Target() {
      @Override
      public void write(String name) {
        transport.append(
            List.of(new Outgoing("t", Event.builder("e").key(name).json(name).build())));
      }

      @Override
      public Set<String> present(Set<String> names) {
        Set<String> present = new HashSet<>();
        @Nullable String next = null;
        do {
          Position from = next == null ? Position.START : Position.at(next);
          Page<Delivery> page = transport.read("t", from, 5_000);
          for (Delivery one : page.items()) {
            present.add(((Delivery.Decoded) one.content()).event().key().orElseThrow());
          }
          next = page.next();
        } while (next != null);
        return present;
      }
    };
  }
}
