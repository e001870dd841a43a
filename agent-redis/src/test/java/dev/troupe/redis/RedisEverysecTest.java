package dev.troupe.redis;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.AgentException;
import dev.troupe.event.Delivery;
import dev.troupe.event.Event;
import dev.troupe.event.EventBus;
import dev.troupe.event.EventTransport.Topic;
import dev.troupe.event.Position;
import dev.troupe.state.StoreInfo.Durability;
import dev.troupe.testkit.RedisServer;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import redis.clients.jedis.RedisClient;

/**
 * A server with {@code appendfsync everysec} that is killed under load. It writes before it
 * answers, so what was answered lies with the system, which outlives the process; only while a
 * fsync is under way it answers first, for two seconds at most.
 */
@Timeout(120)
class RedisEverysecTest {
  private static final Duration SOON = Duration.ofSeconds(60);

  @Test
  void aKilledServerLosesNothingThatWasAnsweredWhileNoFsyncHeldItUp() throws Exception {
    try (RedisServer server = RedisServer.builder().appendOnly("everysec").start();
        RedisStateStore store = RedisFixture.open(server);
        RedisTransport transport = RedisTransport.connect(server.uri().toString());
        EventBus bus = EventBus.builder(transport, store).build()) {
      assertThat(store.info().survives()).isEqualTo(Durability.PROCESS);
      bus.prepare(List.of(new Topic("t", 4, Duration.ofHours(1))), true);
      Map<String, Long> published = new ConcurrentHashMap<>();
      AtomicBoolean over = new AtomicBoolean();
      CompletableFuture<Void> publisher =
          CompletableFuture.runAsync(() -> publish(bus, published, over));
      long safe;
      AckedWrites writes = new AckedWrites(store, 4, 100);
      try (writes;
          RedisClient client = RedisClient.create(server.uri())) {
        Awaitility.await()
            .atMost(SOON)
            .until(() -> writes.count() > 1_000 && published.size() > 200);
        safe = safeUntil(client);
        server.kill();
        over.set(true);
      }
      publisher.get(30, TimeUnit.SECONDS);
      assertThat(writes.failures()).isEmpty();
      server.restart();
      Awaitility.await()
          .atMost(SOON)
          .ignoreException(AgentException.class)
          .until(() -> !transport.read("t", Position.START, 1).items().isEmpty());
      assertThat(writes.lost().values()).allSatisfy(at -> assertThat(at - safe).isPositive());
      Set<String> there = new HashSet<>();
      for (Delivery one : transport.read("t", Position.START, 1_000_000).items()) {
        there.add(((Delivery.Decoded) one.content()).event().id());
      }
      published.forEach(
          (id, at) -> assertThat(there.contains(id) || at - safe > 0).as(id).isTrue());
    }
  }

  private static void publish(EventBus bus, Map<String, Long> published, AtomicBoolean over) {
    for (int n = 0; !over.get(); n++) {
      Event event = Event.builder("tick").key("k" + n % 13).json(n).build();
      try {
        bus.publish("t", event);
        published.put(event.id(), System.nanoTime());
      } catch (AgentException e) {
        return; // it is killed
      }
    }
  }

  /** A moment before which all that was answered is written: no fsync is under way just after. */
  private static long safeUntil(RedisClient client) {
    long begun = System.nanoTime();
    while (true) {
      long before = System.nanoTime();
      if (client.info("persistence").contains("aof_pending_bio_fsync:0")) {
        return before;
      }
      assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(SOON);
    }
  }
}
