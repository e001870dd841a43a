package dev.troupe.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.event.Delivery;
import dev.troupe.event.Event;
import dev.troupe.event.Feed;
import dev.troupe.event.Outgoing;
import dev.troupe.event.Position;
import dev.troupe.event.Settlement;
import dev.troupe.event.Subscription;
import dev.troupe.event.Subscription.Mode;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;

/** A broker for all tests of a class, a transport and a topic for each. */
abstract class KafkaFixture {
  static LocalKafka kafka;
  static Admin admin;

  final String topic = "k-" + UUID.randomUUID();
  final KafkaTransport transport = kafka.transport().shards(1).commitEvery(Duration.ZERO).build();

  @BeforeAll
  static void start() {
    kafka = LocalKafka.start();
    admin = Admin.create(Map.of("bootstrap.servers", kafka.cluster.bootstrapServers()));
  }

  @AfterAll
  static void stop() {
    admin.close();
    kafka.close();
  }

  @AfterEach
  void closeTransport() {
    transport.close();
  }

  final Feed open(Mode mode, Position from) {
    return transport.open(new Subscription(List.of(topic), "g-" + topic, mode, from), (s, d) -> {});
  }

  final List<String> append(int count, String key) {
    List<Outgoing> events =
        IntStream.range(0, count)
            .mapToObj(i -> new Outgoing(topic, Event.builder("tick").key(key).json(i).build()))
            .toList();
    transport.append(events);
    return events.stream().map(one -> one.event().id()).toList();
  }

  static List<Delivery> take(Feed feed, int count) {
    List<Delivery> taken = new ArrayList<>();
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(40);
    while (taken.size() < count) {
      taken.addAll(feed.poll(count - taken.size(), Duration.ofMillis(50)));
      assertThat(System.nanoTime() - end).as("%s of %s came", taken.size(), count).isNegative();
    }
    return taken;
  }

  static void done(Feed feed, List<Delivery> some) {
    feed.settle(some.stream().<Settlement>map(Settlement.Done::new).toList());
  }

  static List<String> ids(List<Delivery> some) {
    return some.stream().map(d -> ((Delivery.Decoded) d.content()).event().id()).toList();
  }

  final OffsetAndMetadata committed() throws Exception {
    return admin
        .listConsumerGroupOffsets("g-" + topic)
        .partitionsToOffsetAndMetadata()
        .get(30, TimeUnit.SECONDS)
        .get(new TopicPartition(topic, 0));
  }

  final Instant lastAppended() {
    List<Delivery> all = transport.read(topic, Position.START, 100_000).items();
    return all.get(all.size() - 1).appended();
  }
}
