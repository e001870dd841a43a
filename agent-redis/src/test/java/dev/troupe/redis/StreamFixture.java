package dev.troupe.redis;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.event.Delivery;
import dev.troupe.event.Delivery.Shard;
import dev.troupe.event.Event;
import dev.troupe.event.Feed;
import dev.troupe.event.Outgoing;
import dev.troupe.event.Position;
import dev.troupe.event.Settlement;
import dev.troupe.event.Subscription;
import dev.troupe.event.Subscription.Mode;
import dev.troupe.testkit.RedisServer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.params.XAddParams;

/** Short words for what the tests of the Redis transport do. */
final class StreamFixture {
  private StreamFixture() {}

  /** As somebody does who writes to a stream himself. */
  static void appendBytes(
      RedisServer server, String prefix, String topic, int shards, String key, byte[] bytes) {
    Shard shard = new Shard(topic, StreamAppender.shardOf(key, shards));
    try (RedisClient client = RedisClient.create(server.uri())) {
      client.xadd(
          new StreamKeys(prefix).log(shard),
          XAddParams.xAddParams(),
          Map.of(RedisNames.ascii("data"), bytes));
    }
  }

  static Feed join(RedisTransport transport, String topic, String group, Mode mode) {
    return transport.open(
        new Subscription(List.of(topic), group, mode, Position.START), (shards, atMost) -> {});
  }

  static Outgoing event(String topic, String key, int number) {
    return new Outgoing(topic, Event.builder("tick").key(key).json(number).build());
  }

  static int number(Delivery delivery) {
    Integer number = ((Delivery.Decoded) delivery.content()).event().data(Integer.class);
    assertThat(number).isNotNull();
    return number;
  }

  static List<Settlement> done(List<Delivery> some) {
    return some.stream().<Settlement>map(Settlement.Done::new).toList();
  }

  /** Takes so many deliveries and leaves them unsettled. */
  static List<Delivery> take(Feed feed, int count) {
    List<Delivery> taken = new ArrayList<>();
    long begun = System.nanoTime();
    while (taken.size() < count) {
      taken.addAll(feed.poll(count - taken.size(), Duration.ofMillis(50)));
      assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(Duration.ofSeconds(30));
    }
    return taken;
  }
}
