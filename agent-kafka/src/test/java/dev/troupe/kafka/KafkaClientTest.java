package dev.troupe.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.event.EventTransport.Topic;
import dev.troupe.event.Position;
import dev.troupe.event.Subscription;
import dev.troupe.event.Subscription.Mode;
import java.util.List;
import java.util.Objects;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The versions of kafka-clients that these tests run with, and what the oldest one lacks. */
@Timeout(60)
class KafkaClientTest {
  private static final String JAR =
      Objects.requireNonNull(System.getProperty("troupe.kafka.clients"), "troupe.kafka.clients");

  @Test
  void theseTestsRunWithTheClientThatIsMeant() {
    assertThat(KafkaProducer.class.getProtectionDomain().getCodeSource().getLocation().getPath())
        .endsWith("/" + JAR);
  }

  @Test
  void aClientWithoutShareGroupsIsNamedWithTheFix() {
    try (LocalKafka kafka = LocalKafka.withShortLocks();
        KafkaTransport transport = kafka.transport().shareGroups("short").build()) {
      List<Topic> topics = List.of(Topic.of("t"));
      Subscription group = new Subscription(List.of("t"), "short", Mode.SHARED, Position.END);
      if (!JAR.startsWith("kafka-clients-4.0.")) {
        assertThat(transport.prepare(topics, true)).isEmpty();
        transport.open(group, (shards, most) -> {}).close();
        return;
      }
      assertThat(transport.prepare(topics, true))
          .singleElement()
          .asString()
          .contains("group short", "use kafka-clients 4.2");
      assertThatThrownBy(() -> transport.open(group, (shards, most) -> {}))
          .isInstanceOfSatisfying(
              AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_INPUT))
          .hasMessageContaining("use kafka-clients 4.2");
    }
  }
}
