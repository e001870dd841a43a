package dev.troupe.kafka;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.event.AppendFailedException;
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
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Values with a schema's id before them, a registry that is asked and may be away. */
@Timeout(120)
class SchemaRegistryCodecTest {
  private static LocalKafka kafka;

  private final String topic = "r-" + UUID.randomUUID();
  private LocalRegistry registry;
  private KafkaTransport transport;
  private int schema;

  @BeforeAll
  static void start() {
    kafka = LocalKafka.withShortLocks();
  }

  @AfterAll
  static void stop() {
    kafka.close();
  }

  @BeforeEach
  void open() throws Exception {
    registry = new LocalRegistry();
    schema = registry.register(topic + "-value", "JSON", "{\"type\":\"object\"}");
    transport =
        kafka
            .transport()
            .shards(2)
            .shareGroups("short-" + topic)
            .codec(topic, SchemaRegistryCodec.builder(registry.address()).build())
            .build();
    assertThat(transport.prepare(List.of(Topic.of(topic)), true)).isEmpty();
  }

  @AfterEach
  void close() {
    transport.close();
    registry.close();
  }

  private static byte[] framed(int id, String text) {
    byte[] data = text.getBytes(UTF_8);
    return ByteBuffer.allocate(5 + data.length).put((byte) 0).putInt(id).put(data).array();
  }

  private Feed join(String group, Mode mode) {
    return transport.open(
        new Subscription(List.of(topic), group + topic, mode, Position.START), (s, most) -> {});
  }

  @Test
  void anEventComesBackWholeAndLiesInItsFrame() {
    Event event =
        Event.builder("order.paid").key("7").subject("o7").json(Map.of("total", 12)).build();
    transport.append(List.of(new Outgoing(topic, event)));
    Delivery read = transport.read(topic, Position.START, 10).items().get(0);
    Event expected =
        event.toBuilder().schema(registry.address() + "/schemas/ids/" + schema).build();
    assertThat(((Delivery.Decoded) read.content()).event()).isEqualTo(expected);
    try (KafkaTransport plain = kafka.transport().build()) {
      Delivery lies = plain.read(topic, Position.START, 10).items().get(0);
      assertThat(((Delivery.Decoded) lies.content()).event().data())
          .isEqualTo(framed(schema, "{\"total\":12}"));
    }
    transport.append(List.of(new Outgoing(topic, event)));
    transport.read(topic, Position.START, 10);
    assertThat(registry.asked).as("schemas are remembered").hasSize(2);
  }

  @Test
  void aRecordOfOthersIsAnEventWithItsKey() {
    kafka.write(topic, "k7", framed(schema, "{\"total\":1}"));
    Delivery read = transport.read(topic, Position.START, 10).items().get(0);
    Event event = ((Delivery.Decoded) read.content()).event();
    assertThat(event.type()).isEqualTo(topic);
    assertThat(event.source()).isEqualTo("/kafka/" + topic);
    assertThat(event.id()).isEqualTo(read.shard().number() + "-" + read.offset());
    assertThat(event.key()).contains("k7");
    assertThat(event.contentType()).contains("application/json");
    assertThat(new String(event.data(), UTF_8)).isEqualTo("{\"total\":1}");
  }

  @Test
  void whatCannotBeDecodedIsADeadLetterAndStopsNothing() {
    int avro = registry.register("other-value", "AVRO", "\"string\"");
    List<byte[]> bad =
        List.of(
            "{}".getBytes(UTF_8),
            new byte[] {0, 0, 0},
            framed(999, "{}"),
            framed(avro, "{}"),
            framed(schema, "{\"secret"));
    bad.forEach(bytes -> kafka.write(topic, "k", bytes));
    Queue<String> handled = new ConcurrentLinkedQueue<>();
    try (EventBus bus =
        EventBus.builder(transport, new MemoryStateStore()).storeMayForget().build()) {
      bus.subscribe(topic, "g" + topic)
          .from(Position.START)
          .start((event, context) -> handled.add(event.id()));
      Event good = Event.builder("tick").key("k").json(Map.of()).build();
      bus.publish(topic, good);
      await()
          .atMost(Duration.ofSeconds(40))
          .untilAsserted(() -> assertThat(handled).containsExactly(good.id()));
      assertThat(bus.deadLetters().list("g" + topic, null, 100).items()).hasSize(bad.size());
    }
    List<Delivery> all = transport.read(topic, Position.START, 10).items();
    List<byte[]> raw = new ArrayList<>();
    List<String> why = new ArrayList<>();
    for (Delivery one : all) {
      if (one.content() instanceof Delivery.Raw bytes) {
        raw.add(bytes.data());
        why.add(bytes.why());
      }
    }
    assertThat(raw).usingRecursiveComparison().isEqualTo(bad);
    assertThat(why.get(2)).contains("999");
    assertThat(why.get(3)).contains("AVRO");
    assertThat(why.get(4)).contains("no JSON").doesNotContain("secret");
  }

  @Test
  void whileTheRegistryIsAwayRecordsWaitAndNoneIsSkipped() throws Exception {
    for (Mode mode : List.of(Mode.ORDERED, Mode.SHARED, Mode.EVERYONE)) {
      String group = mode == Mode.SHARED ? "short-" : mode.toString();
      Feed feed = join(group, mode);
      feed.poll(1, Duration.ofSeconds(1));
      // a schema that nobody has asked for yet
      int fresh = registry.register("fresh-" + mode, "JSON", "{}");
      registry.stop();
      kafka.write(topic, "k", framed(fresh, "{\"mode\":\"" + mode + "\"}"));
      await()
          .atMost(Duration.ofSeconds(40))
          .untilAsserted(
              () ->
                  assertThatThrownBy(() -> feed.poll(10, Duration.ofMillis(200)))
                      .isInstanceOfSatisfying(
                          AgentException.class,
                          e -> {
                            assertThat(e.retryable()).isTrue();
                            assertThat(e).hasMessageContaining("registry");
                          }));
      assertThatThrownBy(() -> transport.read(topic, Position.START, 100))
          .isInstanceOfSatisfying(
              AgentException.class,
              e -> assertThat(e.code()).isEqualTo(ErrorCode.TRANSPORT_UNAVAILABLE));
      registry.restart();
      List<Delivery> came = new ArrayList<>();
      await()
          .atMost(Duration.ofSeconds(40))
          .ignoreException(AgentException.class)
          .until(
              () -> {
                came.addAll(feed.poll(10, Duration.ofMillis(100)));
                return came.stream().anyMatch(one -> text(one).contains(mode.toString()));
              });
      assertThat(came).noneMatch(one -> one.content() instanceof Delivery.Raw);
      KafkaFixture.done(feed, came);
      feed.close();
    }
  }

  private static String text(Delivery one) {
    return new String(((Delivery.Decoded) one.content()).event().data(), UTF_8);
  }

  @Test
  void whatTheRegistryRefusesIsNoDeadLetterAndShowsNoSecret() {
    registry.token = "Bearer canary";
    kafka.write(topic, "k", framed(schema, "{}"));
    assertThatThrownBy(() -> transport.read(topic, Position.START, 100))
        .isInstanceOfSatisfying(AgentException.class, e -> assertThat(e.retryable()).isTrue())
        .hasMessageContaining("401");
    SchemaRegistryCodec lost =
        SchemaRegistryCodec.builder(registry.address().resolve("/elsewhere/"))
            .header("Authorization", "Bearer canary")
            .build();
    SchemaRegistryCodec right =
        SchemaRegistryCodec.builder(registry.address())
            .header("Authorization", "Bearer canary")
            .build();
    try (KafkaTransport wrong = kafka.transport().codec(topic, lost).build();
        KafkaTransport good = kafka.transport().codec(topic, right).build()) {
      assertThatThrownBy(() -> wrong.read(topic, Position.START, 100))
          .as("a wrong address answers 404, too")
          .isInstanceOfSatisfying(AgentException.class, e -> assertThat(e.retryable()).isTrue())
          .hasMessageContaining("404")
          .message()
          .doesNotContain("canary");
      assertThat(good.read(topic, Position.START, 100).items())
          .singleElement()
          .satisfies(one -> assertThat(one.content()).isInstanceOf(Delivery.Decoded.class));
    }
  }

  @Test
  void whatHasNoSchemaOrIsNoJsonIsNotAppended() {
    SchemaRegistryCodec unknown =
        SchemaRegistryCodec.builder(registry.address()).subject(name -> "nobody's").build();
    Outgoing event = new Outgoing(topic, Event.of("x", 1));
    try (KafkaTransport other = kafka.transport().codec(topic, unknown).build()) {
      assertThatThrownBy(() -> other.append(List.of(event)))
          .isInstanceOfSatisfying(
              AppendFailedException.class,
              e -> {
                assertThat(e.code()).isEqualTo(ErrorCode.INVALID_INPUT);
                assertThat(e.failed()).containsExactly(event);
              })
          .hasMessageContaining("nobody's");
    }
    Event bytes = Event.builder("x").data(new byte[] {1}, "image/png").build();
    assertThatThrownBy(() -> transport.append(List.of(event, new Outgoing(topic, bytes))))
        .isInstanceOfSatisfying(AppendFailedException.class, e -> assertThat(e.failed()).hasSize(2))
        .hasMessageContaining("JSON");
    assertThat(transport.read(topic, Position.START, 10).items()).isEmpty();
  }

  @Test
  void aCodecThatFailsOnSomeBytesStopsNothing() {
    RecordCodec fails =
        new RecordCodec() {
          @Override
          public byte[] encode(String to, Event event) {
            return event.data();
          }

          @Override
          public Event decode(KafkaRecord record) {
            throw new IllegalStateException("secret");
          }
        };
    try (KafkaTransport broken = kafka.transport().codec(topic, fails).build()) {
      broken.append(List.of(new Outgoing(topic, Event.of("x", 1))));
      Delivery.Raw raw =
          (Delivery.Raw) broken.read(topic, Position.START, 10).items().get(0).content();
      assertThat(raw.why()).contains("IllegalStateException").doesNotContain("secret");
    }
  }
}
