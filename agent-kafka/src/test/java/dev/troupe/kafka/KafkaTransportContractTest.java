package dev.troupe.kafka;

import dev.troupe.event.EventTransport;
import dev.troupe.testkit.EventTransportContract;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** Events over a real Kafka keep what every transport keeps. */
class KafkaTransportContractTest extends EventTransportContract {
  private static LocalKafka kafka;

  @BeforeAll
  static void start() {
    kafka = LocalKafka.start();
  }

  @AfterAll
  static void stop() {
    kafka.close();
  }

  @Override
  protected EventTransport open() {
    return kafka.transport().build();
  }

  @Override
  protected Duration lease() {
    return Duration.ofMillis(LocalKafka.POLL_INTERVAL + 500);
  }

  @Override
  protected void appendBytes(String to, String key, byte[] bytes) {
    kafka.write(to, key, bytes);
  }

  @Override
  protected Duration patience() {
    return Duration.ofSeconds(60);
  }
}
