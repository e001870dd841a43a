package dev.troupe.examples.benchmarks;

import dev.troupe.testkit.KafkaCluster;
import dev.troupe.testkit.RedisServer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Three nodes of Kafka, two of which have to take each write, beside a Redis that is the store. */
final class ChaosKafka implements ChaosServers {
  private static final long LIMIT_SECONDS = 10;

  private final KafkaCluster cluster =
      KafkaCluster.builder()
          .nodes(3)
          .setting("group.min.session.timeout.ms", "1000")
          .setting("offsets.commit.timeout.ms", "2000")
          .start();
  private final RedisServer store = RedisServer.builder().appendOnly("always").start();
  private final Admin admin = Admin.create(settings());
  private final KafkaProducer<byte[], byte[]> producer =
      new KafkaProducer<>(settings(), new ByteArraySerializer(), new ByteArraySerializer());

  private Map<String, Object> settings() {
    return Map.of(
        "bootstrap.servers",
        cluster.bootstrapServers(),
        "request.timeout.ms",
        3_000,
        "reconnect.backoff.max.ms",
        500);
  }

  @Override
  public String about() {
    return "three nodes of Kafka, of which two have to take each write, and a Redis server with"
        + " `appendfsync always` as the store";
  }

  @Override
  public int port() {
    return store.port();
  }

  @Override
  public String transport(int through) {
    return cluster.bootstrapServers();
  }

  @Override
  public String store(int through) {
    return "redis://127.0.0.1:" + through;
  }

  @Override
  public List<Fault> faults() {
    return List.of(
        new Fault("kill of a node", 5_000, () -> kill(1 + ThreadLocalRandom.current().nextInt(3))),
        new Fault(
            "pause of a node",
            8_000,
            () -> {
              int node = 1 + ThreadLocalRandom.current().nextInt(3);
              cluster.pause(node);
              return () -> cluster.resume(node);
            }),
        new Fault(
            "kill of the store",
            2_500,
            () -> {
              store.kill();
              return store::restart;
            }));
  }

  @Override
  public List<Fault> once() {
    return List.of(new Fault("kill of the controller", 5_000, () -> kill(controller())));
  }

  private Runnable kill(int node) {
    cluster.kill(node);
    return () -> cluster.restart(node);
  }

  private int controller() {
    try {
      return admin
          .describeMetadataQuorum()
          .quorumInfo()
          .get(LIMIT_SECONDS, TimeUnit.SECONDS)
          .leaderId();
    } catch (Exception e) {
      throw new IllegalStateException("nobody says who the controller is", e);
    }
  }

  @Override
  public void write(int shard, byte[] bytes) throws Exception {
    var unused =
        producer
            .send(new ProducerRecord<>(ChaosRules.TOPIC, shard, null, bytes))
            .get(LIMIT_SECONDS, TimeUnit.SECONDS);
  }

  @Override
  public long behind(String group) throws Exception {
    Map<TopicPartition, OffsetSpec> asked = new HashMap<>();
    IntStream.range(0, ChaosRules.SHARDS)
        .forEach(i -> asked.put(new TopicPartition(ChaosRules.TOPIC, i), OffsetSpec.latest()));
    var ends = admin.listOffsets(asked).all().get(LIMIT_SECONDS, TimeUnit.SECONDS);
    Map<TopicPartition, OffsetAndMetadata> committed =
        admin
            .listConsumerGroupOffsets(group)
            .partitionsToOffsetAndMetadata()
            .get(LIMIT_SECONDS, TimeUnit.SECONDS);
    long behind = 0;
    for (TopicPartition one : asked.keySet()) {
      OffsetAndMetadata mark = committed.get(one);
      var end = ends.get(one);
      behind += (end == null ? 0 : end.offset()) - (mark == null ? 0 : mark.offset());
    }
    return behind;
  }

  @Override
  public String left() {
    return "%s keys in the store".formatted(store.command("DBSIZE"));
  }

  @Override
  public void close() {
    producer.close(java.time.Duration.ZERO);
    admin.close(java.time.Duration.ZERO);
    store.close();
    cluster.close();
  }
}
