package dev.troupe.redis;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.event.EventBus;
import dev.troupe.testkit.RedisSentinel;
import dev.troupe.testkit.RedisServer;
import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A primary that is killed while events flow, and another that takes its place. */
@Tag("matrix")
@Timeout(240)
class RedisTransportFailOverTest {
  @Test
  void eventsGoOnInOrderAndAtMostTheLastOnesAreLost() {
    String[] sentinels;
    try (RedisSentinel set =
        RedisSentinel.builder()
            .replicas(2)
            .argument("--min-replicas-to-write", "1", "--min-replicas-max-lag", "1")
            .start()) {
      sentinels = RedisFailOverTest.sentinels(set);
      try (RedisStateStore store =
              RedisStateStore.builder().sentinels(RedisSentinel.NAME, sentinels).open();
          RedisTransport transport =
              RedisTransport.builder()
                  .sentinels(RedisSentinel.NAME, sentinels)
                  .lease(Duration.ofSeconds(2))
                  .open();
          EventBus bus = EventBus.builder(transport, store).build()) {
        EventFlow flow = new EventFlow(bus, transport, "t");
        long dead;
        RedisServer primary = set.primary();
        try (flow) {
          flow.flows(2_000);
          primary.kill();
          dead = System.nanoTime();
          flow.flows(2_000);
          assertThat(Duration.ofNanos(System.nanoTime() - dead)).isLessThan(RedisFailOverTest.BACK);
          // the former one comes back as a replica
          primary.restart();
          set.awaitReplica(Duration.ofSeconds(60));
          assertThat(set.primary()).isNotSameAs(primary);
          flow.flows(500);
        }
        RedisClusterFailOverTest.assertJustBefore(flow.missing(), dead);
        flow.assertOrder();
      }
    }
  }
}
