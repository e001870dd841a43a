package dev.troupe.kafka;

import dev.troupe.testkit.KafkaCluster;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** A node and clients that soon miss who is silent. */
final class LocalKafka implements AutoCloseable {
  static final int POLL_INTERVAL = 2_000;
  static final int LOCK = 2_000;

  final KafkaCluster cluster;

  private LocalKafka(KafkaCluster.Builder cluster) {
    String nodeJar = System.getProperty("troupe.kafka.nodeJar", "");
    if (!nodeJar.isEmpty()) {
      cluster.nodeJar(Path.of(nodeJar));
    }
    this.cluster =
        cluster
            .setting("group.min.session.timeout.ms", "500")
            .setting("group.consumer.min.session.timeout.ms", "500")
            .setting("group.consumer.min.heartbeat.interval.ms", "100")
            .start();
  }

  static LocalKafka start() {
    return new LocalKafka(KafkaCluster.builder());
  }

  static LocalKafka ofThree() {
    return new LocalKafka(KafkaCluster.builder().nodes(3));
  }

  /** Share groups that soon miss who is silent, and whose events are delivered ten times. */
  static LocalKafka withShortLocks() {
    return new LocalKafka(
        KafkaCluster.builder()
            .setting("group.share.min.record.lock.duration.ms", "1000")
            .setting("group.share.record.lock.duration.ms", "" + LOCK)
            .setting("group.share.delivery.count.limit", "10")
            .setting("group.share.min.heartbeat.interval.ms", "100")
            .setting("group.share.heartbeat.interval.ms", "300")
            .setting("group.share.min.session.timeout.ms", "500")
            .setting("group.share.session.timeout.ms", "2000"));
  }

  /** Access rules, names and passwords, and brokers that make topics whenever one is asked for. */
  static LocalKafka withAccessRules(Map<String, String> passwords) {
    return new LocalKafka(
        KafkaCluster.builder()
            .accessRules()
            .passwords(passwords)
            .setting("auto.create.topics.enable", "true"));
  }

  Map<String, Object> settings() {
    Map<String, Object> settings = new HashMap<>();
    settings.put("bootstrap.servers", cluster.bootstrapServers());
    settings.put("max.poll.interval.ms", "" + POLL_INTERVAL);
    settings.put("session.timeout.ms", "1500");
    settings.put("heartbeat.interval.ms", "300");
    settings.put("reconnect.backoff.max.ms", "500");
    return settings;
  }

  KafkaTransport.Builder transport() {
    return KafkaTransport.builder(settings()).shards(4);
  }

  /** Somebody else's producer writes bytes. */
  void write(String topic, String key, byte[] bytes) {
    try (KafkaProducer<String, byte[]> producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", cluster.bootstrapServers()),
            new StringSerializer(),
            new ByteArraySerializer())) {
      producer.send(new ProducerRecord<>(topic, key, bytes)).get(30, TimeUnit.SECONDS);
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() {
    cluster.close();
  }
}
