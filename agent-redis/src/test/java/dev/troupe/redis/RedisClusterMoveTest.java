package dev.troupe.redis;

import static dev.troupe.redis.StreamFixture.done;
import static dev.troupe.redis.StreamFixture.event;
import static dev.troupe.redis.StreamFixture.join;
import static dev.troupe.redis.StreamFixture.number;
import static dev.troupe.redis.StreamFixture.take;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.AgentException;
import dev.troupe.event.Delivery;
import dev.troupe.event.Delivery.Shard;
import dev.troupe.event.EventBus;
import dev.troupe.event.Feed;
import dev.troupe.event.Subscription.Mode;
import dev.troupe.resilience.Limit;
import dev.troupe.resilience.RateLimiter.Decision;
import dev.troupe.resilience.RateLimiter.Demand;
import dev.troupe.resilience.RateLimiter.Line;
import dev.troupe.testkit.HistoryReport;
import dev.troupe.testkit.RedisCluster;
import dev.troupe.testkit.RedisServer;
import dev.troupe.testkit.SlotMove;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.RedisClusterClient;

/** Slots move from node to node while what lies in them is used. */
@Tag("matrix")
@Timeout(240)
class RedisClusterMoveTest {
  private static final int PARTITIONS = 4;
  private static final Duration POLL = Duration.ofMillis(10);
  private static RedisCluster cluster;
  private static RedisClusterClient client;

  @TempDir private Path folder;

  @BeforeAll
  static void startCluster() {
    cluster = RedisCluster.start();
    client = client(cluster);
  }

  static RedisClusterClient client(RedisCluster cluster) {
    HostAndPort node = new HostAndPort("127.0.0.1", cluster.nodes().get(0).port());
    return RedisClusterClient.builder().nodes(Set.of(node)).build();
  }

  @AfterAll
  static void stopCluster() {
    client.close();
    cluster.close();
  }

  /** Whoever asks for keys of several slots is refused, and the server counts that. */
  @AfterEach
  void noCallTouchedTwoSlots() {
    assertThat(errors("CROSSSLOT")).isZero();
  }

  private static long errors(String kind) {
    return cluster.nodes().stream().mapToLong(node -> errors(node, kind)).sum();
  }

  private static long errors(RedisServer node, String kind) {
    try (RedisClient direct = RedisClient.create(node.uri().toString())) {
      return direct
          .info("errorstats")
          .lines()
          .filter(line -> line.startsWith("errorstat_" + kind + ":count="))
          .mapToLong(line -> Long.parseLong(line.substring(line.indexOf('=') + 1)))
          .sum();
    }
  }

  private static List<Integer> partitions(String prefix) {
    RedisKeys keys = new RedisKeys(prefix, PARTITIONS);
    return IntStream.range(0, PARTITIONS)
        .mapToObj(i -> RedisCluster.slot(new String(keys.head(i), UTF_8)))
        .toList();
  }

  private static RedisStateStore store(String prefix) {
    return RedisStateStore.builder().client(client).prefix(prefix).partitions(PARTITIONS).open();
  }

  /** Moves a slot to the next node, and lets callers meet it half-way. */
  static void move(RedisCluster cluster, int slot) throws InterruptedException {
    RedisServer owner = cluster.owner(slot);
    int next = (cluster.nodes().indexOf(owner) + 1) % cluster.nodes().size();
    SlotMove move = cluster.beginMove(slot, cluster.nodes().get(next));
    TimeUnit.MILLISECONDS.sleep(30);
    move.moveKeys();
    TimeUnit.MILLISECONDS.sleep(30);
    move.finish();
  }

  @Test
  void runsGoOnAndNothingIsMadeTwice() throws Exception {
    try (RedisStateStore one = store("runs");
        RedisStateStore two = store("runs");
        RunFlow runs = new RunFlow(folder, one, two)) {
      for (int round = 0; round < 5; round++) {
        runs.submit(40);
        for (int slot : partitions("runs")) {
          move(cluster, slot);
        }
      }
      HistoryReport report = runs.finish();
      report.assertHolds();
      assertThat(report.count(HistoryReport.Count.MADE)).isEqualTo(5 * 40 * 8);
    }
  }

  @Test
  void recordsThatWereAcknowledgedAreThere() throws Exception {
    try (RedisStateStore store = store("records")) {
      AckedWrites writes = new AckedWrites(store, 8, 100);
      try (writes) {
        for (int round = 0; round < 5; round++) {
          for (int slot : partitions("records")) {
            move(cluster, slot);
          }
        }
        int before = writes.count();
        Awaitility.await()
            .atMost(Duration.ofSeconds(30))
            .until(() -> writes.count() > before + 500);
      }
      assertThat(writes.failures()).isEmpty();
      assertThat(writes.lost()).isEmpty();
    }
  }

  @Test
  void eventsGoOnInOrderAndNoneIsLost() throws Exception {
    try (RedisStateStore store = store("events");
        RedisTransport transport =
            RedisTransport.builder()
                .client(client)
                .prefix("events")
                .shards(PARTITIONS)
                .lease(Duration.ofSeconds(2))
                .open();
        EventBus bus = EventBus.builder(transport, store).build()) {
      EventFlow flow = new EventFlow(bus, transport, "t");
      StreamKeys keys = new StreamKeys("events");
      try (flow) {
        flow.flows(500);
        for (int round = 0; round < 4; round++) {
          for (int i = 0; i < PARTITIONS; i++) {
            move(cluster, RedisCluster.slot(new String(keys.log(new Shard("t", i)), UTF_8)));
          }
          flow.flows(200);
        }
      }
      assertThat(flow.missing()).isEmpty();
      flow.assertOrder();
    }
  }

  /** A script may not touch a key that it has removed when the slot is on its way. */
  @Test
  void aFeedThatSharesAShardAloneGoesOnWhileTheShardIsOnItsWay() {
    int slot = RedisCluster.slot(new String(new StreamKeys("alone").log(new Shard("t", 0)), UTF_8));
    try (RedisTransport transport =
        RedisTransport.builder()
            .client(client)
            .prefix("alone")
            .shards(1)
            .lease(Duration.ofSeconds(1))
            .open()) {
      transport.append(IntStream.range(0, 10).mapToObj(i -> event("t", "k", i)).toList());
      try (Feed feed = join(transport, "t", "g", Mode.SHARED)) {
        List<Delivery> some = take(feed, 10);
        SlotMove move = cluster.beginMove(slot, next(slot));
        feed.settle(done(some.subList(0, 5)));
        long begun = System.nanoTime();
        while (System.nanoTime() - begun < Duration.ofSeconds(2).toNanos()) {
          assertThat(feed.poll(10, Duration.ofMillis(50))).isEmpty();
        }
        feed.settle(done(some.subList(5, 10)));
        move.moveKeys();
        move.finish();
        transport.append(List.of(event("t", "k", 10)));
        assertThat(number(take(feed, 1).get(0))).isEqualTo(10);
      }
    }
  }

  @Test
  void noMoreIsGrantedThanALimitAllows() throws Exception {
    Limit most = Limit.inFlight(50, Duration.ofHours(1));
    int slot = RedisCluster.slot("{limits:limit:g}");
    try (RedisRateLimiter limiter =
        RedisRateLimiter.builder().client(client).prefix("limits").open()) {
      List<Demand> one = List.of(new Demand("g", List.of(new Line("n", most, 1))));
      long moved = errors("MOVED");
      long asked = errors("ASK");
      Answers answers = new Answers(limiter, one);
      for (int round = 0; round < 12; round++) {
        SlotMove move = cluster.beginMove(slot, next(slot));
        answers.ask();
        move.moveKeys();
        answers.ask();
        move.finish();
        answers.insist();
      }
      assertThat(answers.granted).isLessThanOrEqualTo(50);
      assertThat(answers.granted + answers.unknown).isGreaterThanOrEqualTo(50);
      assertThat(errors("MOVED")).isGreaterThan(moved);
      assertThat(errors("ASK")).isGreaterThan(asked);
    }
  }

  private static RedisServer next(int slot) {
    List<RedisServer> nodes = cluster.nodes();
    return nodes.get((nodes.indexOf(cluster.owner(slot)) + 1) % nodes.size());
  }

  /** What a limiter answered. What failed may have been granted all the same. */
  private static final class Answers {
    private final RedisRateLimiter limiter;
    private final List<Demand> demand;
    private int granted;
    private int unknown;

    Answers(RedisRateLimiter limiter, List<Demand> demand) {
      this.limiter = limiter;
      this.demand = demand;
    }

    /** Asks five times. It may be refused, for a slot that is on its way has half of the keys. */
    void ask() {
      for (int i = 0; i < 5; i++) {
        answered();
      }
    }

    /** Asks until five times it was answered. */
    void insist() {
      for (int i = 0; i < 5; i++) {
        RedisFixture.patiently().pollInterval(POLL).until(this::answered);
      }
    }

    private boolean answered() {
      try {
        granted += (int) limiter.reserve(demand).stream().filter(Decision::granted).count();
        return true;
      } catch (AgentException e) {
        assertThat(e.retryable()).isTrue();
        unknown++;
        return false;
      }
    }
  }
}
