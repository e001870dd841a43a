package dev.troupe.redis;

import static dev.troupe.redis.StreamFixture.done;
import static dev.troupe.redis.StreamFixture.event;
import static dev.troupe.redis.StreamFixture.join;
import static dev.troupe.redis.StreamFixture.number;
import static dev.troupe.redis.StreamFixture.take;
import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.event.Delivery;
import dev.troupe.event.Delivery.Shard;
import dev.troupe.event.EventTransport;
import dev.troupe.event.Feed;
import dev.troupe.event.Subscription.Mode;
import dev.troupe.testkit.EventTransportContract;
import dev.troupe.testkit.RedisCluster;
import dev.troupe.testkit.RedisServer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.RedisClusterClient;
import redis.clients.jedis.params.XAddParams;

/** Events over the streams of a cluster of three nodes keep the contract. */
@Tag("matrix")
class RedisClusterTransportTest extends EventTransportContract {
  private static final AtomicLong COUNT = new AtomicLong();
  private static RedisCluster cluster;
  private static RedisClusterClient client;

  private final String prefix = "contract-" + COUNT.incrementAndGet();

  @BeforeAll
  static void startCluster() {
    cluster = RedisCluster.start();
    HostAndPort node = new HostAndPort("127.0.0.1", cluster.nodes().get(0).port());
    client = RedisClusterClient.builder().nodes(Set.of(node)).build();
  }

  @AfterAll
  static void stopCluster() {
    client.close();
    cluster.close();
  }

  @Override
  protected EventTransport open() {
    return transport(prefix);
  }

  private RedisTransport transport(String with) {
    return RedisTransport.builder().client(client).prefix(with).shards(4).lease(lease()).open();
  }

  @Override
  protected Duration lease() {
    return Duration.ofSeconds(1);
  }

  @Override
  protected void appendBytes(String to, String key, byte[] bytes) {
    client.xadd(
        new StreamKeys(prefix).log(new Shard(to, StreamAppender.shardOf(key, 4))),
        XAddParams.xAddParams(),
        Map.of(RedisNames.ascii("data"), bytes));
  }

  @Test
  void aShardThatMovesToAnotherNodeGoesOnInItsOrder() {
    RedisTransport transport = transport("moving");
    for (Mode mode : List.of(Mode.ORDERED, Mode.SHARED)) {
      String topic = "moves" + mode;
      Shard shard = new Shard(topic, StreamAppender.shardOf("k", 4));
      String log = new String(new StreamKeys("moving").log(shard), StandardCharsets.UTF_8);
      int slot = RedisCluster.slot(log);
      List<Integer> came = new ArrayList<>();
      try (Feed feed = join(transport, topic, "g", mode)) {
        for (int round = 0; round < 4; round++) {
          int from = round * 50;
          transport.append(
              IntStream.range(from, from + 50).mapToObj(i -> event(topic, "k", i)).toList());
          List<Delivery> some = take(feed, 50);
          feed.settle(done(some));
          some.forEach(one -> came.add(number(one)));
          RedisServer owner = cluster.owner(slot);
          RedisServer other =
              cluster.nodes().stream().filter(node -> node != owner).findFirst().orElseThrow();
          cluster.moveSlot(slot, other);
        }
      }
      assertThat(came).isEqualTo(IntStream.range(0, 200).boxed().toList());
    }
    transport.close();
  }
}
