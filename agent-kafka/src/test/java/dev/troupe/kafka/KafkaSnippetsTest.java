package dev.troupe.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.event.Event;
import dev.troupe.event.EventBus;
import dev.troupe.event.EventTransport.Topic;
import dev.troupe.jdbc.SqliteStateStore;
import dev.troupe.state.StateStore;
import dev.troupe.testkit.KafkaCluster;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The code about Kafka that the documents show. */
@Timeout(120)
class KafkaSnippetsTest {
  @TempDir private Path folder;

  @Test
  void eventsGoOverKafka() throws Exception {
    CountDownLatch paid = new CountDownLatch(1);
    try (KafkaCluster cluster = KafkaCluster.start();
        StateStore store = SqliteStateStore.open(folder.resolve("state.db"))) {
      String servers = cluster.bootstrapServers();
      // snippet: kafka
      try (KafkaTransport kafka = KafkaTransport.builder(servers).build(); // host:9092,…
          EventBus bus = EventBus.builder(kafka, store).build()) {
        assertThat(bus.prepare(List.of(Topic.of("orders")), true)).isEmpty();
        bus.subscribe("orders", "billing").start((event, context) -> paid.countDown());
        bus.publish(
            "orders", Event.builder("order.paid").key("7").json(Map.of("total", 12)).build());
        assertThat(paid.await(30, TimeUnit.SECONDS)).isTrue();
      }
      // end
    }
  }
}
