package dev.troupe.kafka;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.event.AppendFailedException;
import dev.troupe.event.DeadLetter;
import dev.troupe.event.Delivery;
import dev.troupe.event.Event;
import dev.troupe.event.EventBus;
import dev.troupe.event.EventTransport.Topic;
import dev.troupe.event.Feed;
import dev.troupe.event.Outgoing;
import dev.troupe.event.Position;
import dev.troupe.event.Subscription;
import dev.troupe.event.Subscription.Mode;
import dev.troupe.state.MemoryStateStore;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.slf4j.LoggerFactory;

/** What only Kafka has: records that others write and read, retention, settings, closing. */
@Timeout(120)
class KafkaTransportTest extends KafkaFixture {
  @Test
  void anEventIsARecordThatAnyLanguageReads() {
    transport.prepare(List.of(Topic.of(topic)), true);
    Event event =
        Event.builder("order.paid")
            .source("https://shop.example/ü")
            .subject("order 7")
            .time(Instant.parse("2026-02-28T23:59:59.120Z"))
            .key("sieben ü")
            .correlationId("run-1")
            .schema("https://shop.example/schema")
            .json(Map.of("total", 12.5))
            .build();
    transport.append(List.of(new Outgoing(topic, event)));
    ConsumerRecord<byte[], byte[]> record = first();
    Map<String, String> headers = new HashMap<>();
    for (Header header : record.headers()) {
      headers.put(header.key(), new String(header.value(), UTF_8));
    }
    Map<String, String> expected = new HashMap<>();
    expected.put("ce_specversion", "1.0");
    expected.put("ce_id", event.id());
    expected.put("ce_source", "https://shop.example/ü");
    expected.put("ce_type", "order.paid");
    expected.put("ce_subject", "order 7");
    expected.put("ce_time", "2026-02-28T23:59:59.120Z");
    expected.put("ce_dataschema", "https://shop.example/schema");
    expected.put("ce_partitionkey", "sieben ü");
    expected.put("ce_correlationid", "run-1");
    expected.put("content-type", "application/json");
    assertThat(headers).isEqualTo(expected);
    assertThat(new String(record.key(), UTF_8)).isEqualTo("sieben ü");
    assertThat(new String(record.value(), UTF_8)).isEqualTo("{\"total\":12.5}");
  }

  private ConsumerRecord<byte[], byte[]> first() {
    try (KafkaConsumer<byte[], byte[]> plain =
        new KafkaConsumer<>(
            Map.of("bootstrap.servers", kafka.cluster.bootstrapServers()),
            new ByteArrayDeserializer(),
            new ByteArrayDeserializer())) {
      TopicPartition partition = new TopicPartition(topic, 0);
      plain.assign(List.of(partition));
      plain.seekToBeginning(List.of(partition));
      while (true) {
        for (ConsumerRecord<byte[], byte[]> one : plain.poll(Duration.ofMillis(200))) {
          return one;
        }
      }
    }
  }

  @Test
  void whatOthersWroteIsAnEventOrBytesWithHeadersAndAReason() throws Exception {
    transport.prepare(List.of(Topic.of(topic)), true);
    try (KafkaProducer<String, String> others =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", kafka.cluster.bootstrapServers()),
            new StringSerializer(),
            new StringSerializer())) {
      String[][] records = {
        {
          "key",
          "ce_specversion",
          "1.0",
          "ce_id",
          "1",
          "ce_source",
          "/o",
          "ce_type",
          "t",
          "ce_time",
          "2026-01-01T12:00:00+02:00",
          "other",
          "header",
          "ce_ext",
          ""
        },
        {null, "ce_specversion", "1.0", "ce_id", "1", "ce_source", "/o"},
        {null, "ce_specversion", "0.3", "ce_id", "1", "ce_source", "/o", "ce_type", "t"},
        {null, "ce_specversion", "1.0", "ce_id", "", "ce_source", "/o", "ce_type", "t"},
        {
          null,
          "ce_specversion",
          "1.0",
          "ce_id",
          "1",
          "ce_source",
          "/o",
          "ce_type",
          "t",
          "ce_time",
          "secret"
        },
        {
          null,
          "ce_specversion",
          "1.0",
          "ce_id",
          "1",
          "ce_source",
          "/o",
          "ce_type",
          "t",
          "ce_No_Name",
          "x"
        },
        {null, "content-type", "application/cloudevents+json"},
        {null}
      };
      for (String[] one : records) {
        ProducerRecord<String, String> record = new ProducerRecord<>(topic, one[0], "data");
        for (int i = 1; i < one.length; i += 2) {
          record.headers().add(one[i], one[i + 1].getBytes(UTF_8));
        }
        others.send(record).get(30, TimeUnit.SECONDS);
      }
      others.send(new ProducerRecord<>(topic, null, null)).get(30, TimeUnit.SECONDS);
    }
    List<Delivery> read = transport.read(topic, Position.START, 100).items();
    assertThat(read).hasSize(9);
    Event event = ((Delivery.Decoded) read.get(0).content()).event();
    assertThat(event.time()).contains(Instant.parse("2026-01-01T10:00:00Z"));
    assertThat(event.key()).contains("key");
    assertThat(event.extensions()).containsOnlyKeys("partitionkey");
    List<String> why = read.stream().skip(1).map(d -> ((Delivery.Raw) d.content()).why()).toList();
    assertThat(why.get(0)).contains("ce_type");
    assertThat(why.get(1)).contains("ce_specversion");
    assertThat(why.get(2)).contains("id");
    assertThat(why.get(3)).contains("ce_time").doesNotContain("secret");
    assertThat(why.get(5)).contains("structured");
    assertThat(why.get(6)).contains("ce_specversion");
    Delivery.Raw raw = (Delivery.Raw) read.get(2).content();
    assertThat(raw.headers()).containsKeys("ce_id", "ce_type");
    assertThat(raw.data()).isEqualTo("data".getBytes(UTF_8));
  }

  /** Row C4. */
  @Test
  void whatIsNoEventIsADeadLetterWithAllThatCameWithItAndTheNextIsHandled() throws Exception {
    transport.prepare(List.of(Topic.of(topic)), true);
    byte[] key = {0, (byte) 0xff};
    byte[] value = {(byte) 0xc3, 0x28, 0};
    ConcurrentLinkedQueue<String> handled = new ConcurrentLinkedQueue<>();
    try (EventBus bus =
        EventBus.builder(transport, new MemoryStateStore()).storeMayForget().build()) {
      bus.subscribe(topic, "g-" + topic).start((event, context) -> handled.add(event.id()));
      List<String> ids = new ArrayList<>(append(1, "k"));
      try (KafkaProducer<byte[], byte[]> others =
          new KafkaProducer<>(
              Map.of("bootstrap.servers", kafka.cluster.bootstrapServers()),
              new ByteArraySerializer(),
              new ByteArraySerializer())) {
        ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(topic, key, value);
        record.headers().add("origin", "shop".getBytes(UTF_8)).add("flag", key);
        others.send(record).get(30, TimeUnit.SECONDS);
      }
      ids.addAll(append(1, "k"));
      await()
          .atMost(Duration.ofSeconds(40))
          .untilAsserted(() -> assertThat(handled).containsExactlyElementsOf(ids));
      await()
          .atMost(Duration.ofSeconds(40))
          .until(() -> committed() != null && committed().offset() == 3);
      DeadLetter letter = bus.deadLetters().list("g-" + topic, null, 10).items().get(0);
      Delivery.Raw raw = (Delivery.Raw) letter.content();
      assertThat(raw.data()).isEqualTo(value);
      assertThat(raw.key()).isEqualTo(key);
      assertThat(raw.headers()).containsOnlyKeys("origin", "flag");
      assertThat(raw.headers().get("origin")).isEqualTo("shop".getBytes(UTF_8));
      assertThat(raw.headers().get("flag")).isEqualTo(key);
      assertThat(letter.topic() + " " + letter.shard() + " " + letter.offset())
          .isEqualTo(topic + " 0 1");
      assertThat(letter.error()).contains("ce_specversion");
    }
  }

  @Test
  void eventsThatRetentionRemovedAreReportedAndTheGroupGoesOn() throws Exception {
    ListAppender<ILoggingEvent> log = new ListAppender<>();
    Logger logger = (Logger) LoggerFactory.getLogger(KafkaFeed.class);
    log.start();
    logger.addAppender(log);
    transport.prepare(List.of(Topic.of(topic)), true);
    open(Mode.ORDERED, Position.END).close();
    List<String> ids = append(10, "k");
    TopicPartition partition = new TopicPartition(topic, 0);
    admin
        .deleteRecords(Map.of(partition, RecordsToDelete.beforeOffset(6)))
        .all()
        .get(30, TimeUnit.SECONDS);
    Feed feed = open(Mode.ORDERED, Position.END);
    List<Delivery> rest = take(feed, 4);
    assertThat(ids(rest)).isEqualTo(ids.subList(6, 10));
    done(feed, rest);
    feed.poll(0, Duration.ZERO);
    assertThat(committed().offset()).isEqualTo(10);
    feed.close();
    logger.detachAppender(log);
    assertThat(log.list.stream().map(ILoggingEvent::getFormattedMessage))
        .anyMatch(line -> line.contains("6 event(s) of " + topic + "/0 are gone"));
  }

  @Test
  void aGroupThatStandsBehindTheEndOfATopicBeginsAgain() throws Exception {
    transport.prepare(List.of(Topic.of(topic)), true);
    List<String> ids = append(5, "k");
    OffsetAndMetadata beyond = new OffsetAndMetadata(100);
    admin
        .alterConsumerGroupOffsets("g-" + topic, Map.of(new TopicPartition(topic, 0), beyond))
        .all()
        .get(30, TimeUnit.SECONDS);
    Feed feed = open(Mode.ORDERED, Position.END);
    List<Delivery> all = take(feed, 5);
    assertThat(ids(all)).isEqualTo(ids);
    done(feed, all);
    feed.poll(0, Duration.ZERO);
    assertThat(committed().offset()).isEqualTo(5);
    feed.close();
  }

  @Test
  void theNewGroupProtocolWorksToo() {
    Map<String, Object> settings = kafka.settings();
    settings.remove("session.timeout.ms");
    settings.remove("heartbeat.interval.ms");
    settings.put("group.protocol", "consumer");
    try (KafkaTransport modern =
        KafkaTransport.builder(settings).shards(4).commitEvery(Duration.ZERO).build()) {
      modern.prepare(List.of(Topic.of(topic)), true);
      Subscription group =
          new Subscription(List.of(topic), "g-" + topic, Mode.ORDERED, Position.END);
      Feed feed = modern.open(group, (s, d) -> {});
      List<Outgoing> events =
          IntStream.range(0, 40)
              .mapToObj(i -> new Outgoing(topic, Event.builder("t").key("k" + i).build()))
              .toList();
      modern.append(events);
      List<Delivery> all = take(feed, 40);
      done(feed, all.subList(10, 40));
      feed.poll(0, Duration.ZERO);
      feed.close();
      Feed next = modern.open(group, (s, d) -> {});
      assertThat(new TreeSet<>(ids(take(next, 10))))
          .isEqualTo(new TreeSet<>(ids(all.subList(0, 10))));
      assertThat(next.poll(10, Duration.ofMillis(300))).isEmpty();
      next.close();
    }
  }

  @Test
  void lagAndTheOldestUnsettledAreShown() {
    transport.prepare(List.of(Topic.of(topic)), true);
    Feed feed = open(Mode.ORDERED, Position.END);
    append(30, "k");
    List<Delivery> some = take(feed, 10);
    await()
        .atMost(Duration.ofSeconds(20))
        .untilAsserted(
            () -> {
              feed.poll(0, Duration.ZERO);
              assertThat(feed.shards())
                  .containsExactly(
                      new Feed.ShardState(some.get(0).shard(), 30, some.get(0).appended()));
            });
    done(feed, some);
    done(feed, take(feed, 20));
    await()
        .atMost(Duration.ofSeconds(20))
        .untilAsserted(
            () -> {
              feed.poll(0, Duration.ZERO);
              assertThat(feed.shards())
                  .containsExactly(new Feed.ShardState(some.get(0).shard(), 0, null));
            });
    feed.close();
    assertThat(feed.shards()).isEmpty();
  }

  @Test
  void aFeedIsClosedWhileAnotherThreadWaitsInIt() throws Exception {
    transport.prepare(List.of(Topic.of(topic)), true);
    for (Mode mode : Mode.values()) {
      Subscription group = new Subscription(List.of(topic), "g-" + mode, mode, Position.END);
      Feed feed = transport.open(group, (shards, most) -> {});
      feed.poll(1, Duration.ofSeconds(1));
      CountDownLatch begun = new CountDownLatch(1);
      Thread waits =
          new Thread(
              () -> {
                begun.countDown();
                feed.poll(1, Duration.ofSeconds(100));
              });
      waits.start();
      begun.await();
      await().until(() -> waits.getState() != Thread.State.NEW);
      feed.close();
      waits.join(TimeUnit.SECONDS.toMillis(20));
      assertThat(waits.isAlive()).as("%s", mode).isFalse();
    }
  }

  @Test
  void aMissingTopicIsNamedAtOnce() {
    Outgoing event = new Outgoing(topic, Event.of("x", 1));
    assertThatThrownBy(() -> transport.append(List.of(event)))
        .isInstanceOfSatisfying(
            AppendFailedException.class,
            e -> {
              assertThat(e.code()).isEqualTo(ErrorCode.TOPIC_NOT_FOUND);
              assertThat(e.failed()).containsExactly(event);
            })
        .hasMessageContaining(topic);
    for (Mode mode : Mode.values()) {
      assertThatThrownBy(() -> open(mode, Position.END))
          .isInstanceOfSatisfying(
              AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.TOPIC_NOT_FOUND))
          .hasMessageContaining(topic);
    }
    assertThatThrownBy(() -> transport.read(topic, Position.START, 1))
        .isInstanceOfSatisfying(
            AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.TOPIC_NOT_FOUND));
  }

  @Test
  void whatWasClosedSaysSoAndAnInterruptIsHonoured() {
    transport.prepare(List.of(Topic.of(topic)), true);
    Feed feed = open(Mode.ORDERED, Position.END);
    append(1, "k");
    take(feed, 1);
    Thread.currentThread().interrupt();
    assertThat(feed.poll(1, Duration.ofSeconds(30))).isEmpty();
    assertThat(Thread.currentThread().isInterrupted()).isTrue();
    feed.close();
    assertThat(Thread.interrupted()).isTrue();
    feed.close();
    assertThatThrownBy(() -> feed.poll(1, Duration.ZERO))
        .isInstanceOfSatisfying(
            AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.CLOSED));
    assertThatThrownBy(() -> transport.read(topic, Position.at("x"), 1))
        .isInstanceOfSatisfying(
            AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_INPUT));
    transport.close();
    transport.close();
    assertThatThrownBy(() -> append(1, "k"))
        .isInstanceOfSatisfying(
            AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.CLOSED));
  }
}
