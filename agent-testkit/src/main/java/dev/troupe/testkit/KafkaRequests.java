package dev.troupe.testkit;

import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.TopicPartitionInfo;

/** What a {@link KafkaCluster} asks its nodes; each on a connection of its own. */
final class KafkaRequests implements AutoCloseable {
  private final Admin admin;

  KafkaRequests(String servers, Duration patience) {
    Properties settings = new Properties();
    settings.put(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, servers);
    String millis = "" + patience.toMillis();
    settings.put(AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG, millis);
    settings.put(AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, millis);
    settings.put("enable.metrics.push", "false");
    admin = Admin.create(settings);
  }

  /** The nodes that take part, as the asked one knows them. */
  Set<Integer> members() throws ExecutionException, TimeoutException {
    Set<Integer> ids = new HashSet<>();
    for (Node node : get(admin.describeCluster().nodes())) {
      ids.add(node.id());
    }
    return ids;
  }

  void create(NewTopic topic) throws ExecutionException, TimeoutException {
    get(admin.createTopics(List.of(topic)).all());
  }

  /** The leader of each partition; a partition without one is left out. */
  Map<Integer, Integer> leaders(String topic) throws ExecutionException, TimeoutException {
    Map<Integer, Integer> leaders = new HashMap<>();
    for (TopicPartitionInfo info : partitions(topic)) {
      Node leader = info.leader();
      if (leader != null && !leader.isEmpty()) {
        leaders.put(info.partition(), leader.id());
      }
    }
    return leaders;
  }

  /** Fails unless every partition has a leader, and that leader knows it. */
  void askLeaders(String topic) throws ExecutionException, TimeoutException {
    Map<TopicPartition, OffsetSpec> ends = new HashMap<>();
    for (TopicPartitionInfo info : partitions(topic)) {
      ends.put(new TopicPartition(topic, info.partition()), OffsetSpec.latest());
    }
    get(admin.listOffsets(ends).all());
  }

  private List<TopicPartitionInfo> partitions(String topic)
      throws ExecutionException, TimeoutException {
    return get(admin.describeTopics(List.of(topic)).allTopicNames()).get(topic).partitions();
  }

  private static <T> T get(KafkaFuture<T> future) throws ExecutionException, TimeoutException {
    try {
      return future.get(60, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    }
  }

  @Override
  public void close() {
    admin.close(Duration.ofSeconds(1));
  }
}
