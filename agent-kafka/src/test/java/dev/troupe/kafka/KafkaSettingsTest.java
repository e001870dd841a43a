package dev.troupe.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.state.StoreInfo.Durability;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Settings that would weaken a guarantee are refused, all at once, and no secret shows. */
class KafkaSettingsTest {
  @ParameterizedTest
  @CsvSource({
    "acks, 1",
    "acks, 0",
    "enable.idempotence, false",
    "max.in.flight.requests.per.connection, 6",
    "max.in.flight.requests.per.connection, many",
    "retries, 0",
    "transactional.id, x",
    "partitioner.class, x.Y",
    "partitioner.ignore.keys, true",
    "key.serializer, x.Y",
    "value.serializer, x.Y",
    "key.deserializer, x.Y",
    "value.deserializer, x.Y",
    "enable.auto.commit, true",
    "auto.offset.reset, latest",
    "group.id, g",
    "group.instance.id, i",
    "allow.auto.create.topics, true",
    "max.poll.interval.ms, soon",
    "max.request.size, 100",
    "default.api.timeout.ms, 0",
    "bootstrap.servers, ''"
  })
  void aSettingThatWeakensIsRefused(String name, String value) {
    assertThatThrownBy(
            () -> KafkaTransport.builder("localhost:1").setting(name, value).build().close())
        .isInstanceOfSatisfying(
            AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_INPUT))
        .hasMessageContaining(name)
        .hasMessageMatching(".*; .*|.*(leave|give|name).*");
  }

  @Test
  void allThatIsWrongIsNamedTogether() {
    Map<String, Object> settings =
        Map.of("acks", "1", "enable.auto.commit", true, "group.id", "secret-group");
    assertThatThrownBy(() -> KafkaTransport.builder(settings).build())
        .hasMessageContaining("bootstrap.servers")
        .hasMessageContaining("acks")
        .hasMessageContaining("enable.auto.commit")
        .hasMessageContaining("group.id")
        .message()
        .doesNotContain("secret-group");
  }

  @Test
  void whatIsMeantAnywayMayBeSaid() {
    KafkaTransport.builder("localhost:1")
        .setting("acks", "all")
        .setting("enable.auto.commit", false)
        .setting("enable.idempotence", true)
        .setting("auto.offset.reset", "none")
        .setting("max.in.flight.requests.per.connection", 1)
        .build()
        .close();
  }

  @Test
  void whatKafkaItselfRefusesIsNamedWithoutItsValue() {
    assertThatThrownBy(
            () ->
                KafkaTransport.builder("localhost:1").setting("compression.type", "canary").build())
        .hasMessageContaining("compression.type")
        .message()
        .doesNotContain("canary");
    assertThatThrownBy(
            () ->
                KafkaTransport.builder("localhost:1")
                    .setting("group.protocol", "consumer")
                    .setting("session.timeout.ms", "1000")
                    .build())
        .hasMessageContaining("session.timeout.ms");
  }

  @Test
  void noSecretShowsWhenKafkaRefusesASetting() {
    assertThatThrownBy(
            () ->
                KafkaTransport.builder("user:canary-1@nowhere")
                    .setting("security.protocol", "SASL_PLAINTEXT")
                    .setting("sasl.mechanism", "PLAIN")
                    .setting("sasl.jaas.config", "canary-2 password=canary-3")
                    .build())
        .satisfies(
            e -> {
              StringWriter all = new StringWriter();
              e.printStackTrace(new PrintWriter(all));
              assertThat(all.toString()).contains("security.protocol").doesNotContain("canary");
            });
  }

  /** What one kind of client lacked, that kind would be refused, or open to anybody. */
  @Test
  void everySettingOfSecurityReachesEveryClientThatKnowsIt() {
    Set<String> names = new TreeSet<>();
    Map<Class<?>, Set<String>> known =
        Map.of(
            ProducerConfig.class, ProducerConfig.configNames(),
            ConsumerConfig.class, ConsumerConfig.configNames(),
            AdminClientConfig.class, AdminClientConfig.configNames());
    known.values().forEach(names::addAll);
    names.removeIf(name -> !name.matches("(security|sasl|ssl)\\..*"));
    assertThat(names).contains("security.protocol", "sasl.jaas.config", "ssl.keystore.password");
    Map<String, Object> given = new HashMap<>(Map.of("bootstrap.servers", "localhost:1"));
    names.forEach(name -> given.put(name, "value of " + name));
    KafkaSettings settings = new KafkaSettings(given);
    Map<Map<String, Object>, Class<?>> clients = new LinkedHashMap<>();
    clients.put(settings.producer(), ProducerConfig.class);
    clients.put(settings.member("g"), ConsumerConfig.class);
    clients.put(settings.reader("r"), ConsumerConfig.class);
    clients.put(settings.shareMember("g"), ConsumerConfig.class);
    clients.put(settings.admin(), AdminClientConfig.class);
    clients.forEach(
        (client, kind) -> {
          for (String name : names) {
            if (known.get(kind).contains(name)) {
              assertThat(client).as("%s", kind).containsEntry(name, "value of " + name);
            }
          }
        });
  }

  @Test
  void durabilityIsAsGoodAsTheHostSays() {
    try (KafkaTransport one = KafkaTransport.builder("localhost:1").build();
        KafkaTransport other = KafkaTransport.builder("localhost:1").replicated().build()) {
      assertThat(one.info().survives()).isEqualTo(Durability.PROCESS);
      assertThat(other.info().survives()).isEqualTo(Durability.MACHINE);
      assertThat(one.info().name()).isEqualTo("kafka");
      assertThat(one.info().maxBytes()).isEqualTo((1 << 20) - 4_096);
    }
  }

  @Test
  void optionsHaveRanges() {
    KafkaTransport.Builder builder = KafkaTransport.builder("localhost:1");
    assertThatThrownBy(() -> builder.shards(0)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> builder.replicas(0)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> builder.commitEvery(java.time.Duration.ofMinutes(1)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> builder.drainAtMost(java.time.Duration.ofSeconds(-1)))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
