package dev.troupe.kafka;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.ListShareGroupOffsetsSpec;
import org.apache.kafka.clients.admin.SharePartitionOffsetInfo;
import org.apache.kafka.common.TopicPartition;

/**
 * About how many events a share group has before it in each partition, as the brokers last said.
 * They are asked in the background. Used by the thread that polls.
 */
final class ShareLag {
  private static final long ASK_EVERY = TimeUnit.SECONDS.toNanos(2);

  private final KafkaTopics topics;
  private final String group;
  private final List<TopicPartition> all = new ArrayList<>();
  private final Map<TopicPartition, Long> told = new ConcurrentHashMap<>();
  private long nextAsk = System.nanoTime();

  ShareLag(KafkaTopics topics, String group) {
    this.topics = topics;
    this.group = group;
  }

  void add(Collection<TopicPartition> more) {
    all.addAll(more);
  }

  Map<TopicPartition, Long> now() {
    long now = System.nanoTime();
    if (now - nextAsk >= 0 && !all.isEmpty()) {
      nextAsk = now + ASK_EVERY;
      Object unused =
          topics
              .admin
              .listShareGroupOffsets(Map.of(group, new ListShareGroupOffsetsSpec()))
              .partitionsToOffsetInfo(group)
              .whenComplete((answer, error) -> note(answer));
    }
    Map<TopicPartition, Long> lags = new LinkedHashMap<>();
    all.forEach(one -> lags.put(one, told.getOrDefault(one, 0L)));
    return lags;
  }

  private void note(Map<TopicPartition, SharePartitionOffsetInfo> answer) {
    if (answer != null) {
      answer.forEach(
          (one, info) -> {
            if (info != null) {
              info.lag().ifPresent(lag -> told.put(one, Math.max(0, lag)));
            }
          });
    }
  }
}
