package dev.troupe.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.event.Event;
import dev.troupe.event.EventTransport.Topic;
import dev.troupe.event.Feed;
import dev.troupe.event.Outgoing;
import dev.troupe.event.Position;
import dev.troupe.event.Subscription;
import dev.troupe.event.Subscription.Mode;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Three nodes: topics are spread over them, and each node hears of a new one at its own time. */
@Tag("matrix")
@Timeout(240)
class KafkaNodesTest {
  private static final int SHARDS = 30;

  private static LocalKafka kafka;

  @BeforeAll
  static void start() {
    kafka = LocalKafka.ofThree();
  }

  @AfterAll
  static void stop() {
    kafka.close();
  }

  @Test
  void aTopicThatWasCreatedHasItsLeadersWhenPrepareReturns() throws Exception {
    try (KafkaTransport transport = kafka.transport().shards(SHARDS).replicated().build();
        Admin admin =
            Admin.create(
                // the first answer counts
                Map.of("bootstrap.servers", kafka.cluster.bootstrapServers(), "retries", 0))) {
      for (int i = 0; i < 10; i++) {
        String topic = "n-" + UUID.randomUUID();
        assertThat(transport.prepare(List.of(Topic.of(topic)), true)).isEmpty();
        Map<TopicPartition, OffsetSpec> ends =
            IntStream.range(0, SHARDS)
                .mapToObj(number -> new TopicPartition(topic, number))
                .collect(Collectors.toMap(one -> one, one -> OffsetSpec.latest()));
        Map<TopicPartition, ListOffsetsResultInfo> found =
            admin.listOffsets(ends).all().get(30, TimeUnit.SECONDS);
        assertThat(found.values()).hasSize(SHARDS).allMatch(end -> end.offset() == 0);
      }
    }
  }

  @Test
  void whatIsAppendedRightAfterATopicWasCreatedComesFromAllNodes() {
    try (KafkaTransport transport = kafka.transport().shards(SHARDS).build()) {
      for (int i = 0; i < 5; i++) {
        String topic = "n-" + UUID.randomUUID();
        assertThat(transport.prepare(List.of(Topic.of(topic)), true)).isEmpty();
        List<Outgoing> events =
            IntStream.range(0, 300)
                .mapToObj(n -> new Outgoing(topic, Event.builder("t").key("k" + n).build()))
                .toList();
        transport.append(events);
        Subscription all =
            new Subscription(List.of(topic), "g-" + topic, Mode.ORDERED, Position.START);
        try (Feed feed = transport.open(all, (shards, atMost) -> {})) {
          assertThat(KafkaFixture.ids(KafkaFixture.take(feed, 300)))
              .containsExactlyInAnyOrderElementsOf(
                  events.stream().map(one -> one.event().id()).toList());
          assertThat(feed.poll(10, Duration.ofMillis(200))).isEmpty();
        }
        Set<Integer> leaders =
            IntStream.range(0, SHARDS)
                .mapToObj(number -> kafka.cluster.leader(topic, number))
                .collect(Collectors.toSet());
        assertThat(leaders).hasSize(3);
      }
    }
  }
}
