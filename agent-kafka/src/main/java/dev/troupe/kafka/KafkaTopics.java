package dev.troupe.kafka;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.event.Position;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.DescribeTopicsOptions;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/** What the brokers say about topics. */
final class KafkaTopics {
  private static final long LOOK_AGAIN = Duration.ofMillis(50).toNanos();

  final Admin admin;
  final Duration limit;
  private final Set<String> ready = ConcurrentHashMap.newKeySet();

  KafkaTopics(Admin admin, Duration limit) {
    this.admin = admin;
    this.limit = limit;
  }

  /** Throws what Kafka says. */
  TopicDescription describe(String topic) {
    DescribeTopicsOptions options = new DescribeTopicsOptions().includeAuthorizedOperations(true);
    KafkaFuture<Map<String, TopicDescription>> answer =
        admin.describeTopics(List.of(topic), options).allTopicNames();
    return Objects.requireNonNull(KafkaErrors.await(answer, limit).get(topic), topic);
  }

  /** The partitions of a topic that has to be there. */
  List<TopicPartition> partitions(String topic) {
    try {
      return partitions(describe(topic));
    } catch (KafkaException e) {
      throw KafkaErrors.of("topic " + topic, e);
    }
  }

  /** The names of all topics that this client may see, but for Kafka's own. */
  Set<String> names(Duration atMost) {
    try {
      return Set.copyOf(KafkaErrors.await(admin.listTopics().names(), atMost));
    } catch (KafkaException e) {
      throw KafkaErrors.of("the topics can't be listed", e);
    }
  }

  /** The partitions of topics; without those that are gone, or of which no broker knows enough. */
  Map<String, List<TopicPartition>> partitions(Set<String> some) {
    Map<String, List<TopicPartition>> found = new HashMap<>();
    for (String topic : some) {
      try {
        List<TopicPartition> all = partitions(describe(topic));
        offsets(all, OffsetSpec.latest()); // each has a leader that answers
        found.put(topic, all);
      } catch (KafkaException e) {
        boolean soon =
            e instanceof UnknownTopicOrPartitionException || e instanceof RetriableException;
        if (!soon) {
          throw KafkaErrors.of("topic " + topic, e);
        }
      }
    }
    return found;
  }

  /**
   * Has those topics read that are chosen, are there, and are not read yet.
   *
   * @param read what is read already
   * @param add reads more, whose partitions these are
   * @return those of the chosen ones that are read now
   */
  Set<String> follow(
      Function<Set<String>, Map<String, Position>> choice, Set<String> read, Adding add) {
    Map<String, Position> chosen = new HashMap<>(choice.apply(names(limit)));
    Set<String> known = new HashSet<>(chosen.keySet());
    known.retainAll(read);
    chosen.keySet().removeAll(known);
    Map<String, List<TopicPartition>> there = partitions(chosen.keySet());
    chosen.keySet().retainAll(there.keySet());
    if (!chosen.isEmpty()) {
      List<TopicPartition> all = new ArrayList<>();
      there.values().forEach(all::addAll);
      add.add(chosen, all);
      known.addAll(chosen.keySet());
    }
    return known;
  }

  /** Reads more topics, each from where the group begins if it is new there. */
  @FunctionalInterface
  interface Adding {
    void add(Map<String, Position> more, List<TopicPartition> partitions);
  }

  static List<TopicPartition> partitions(TopicDescription topic) {
    return IntStream.range(0, topic.partitions().size())
        .mapToObj(number -> new TopicPartition(topic.name(), number))
        .toList();
  }

  /**
   * Waits at a topic's first use until each of its partitions has a leader that answers: an
   * idempotent producer that writes before that may lose its first batch.
   */
  void awaitLeaders(String topic) {
    if (ready.contains(topic)) {
      return;
    }
    askLeaders(topic, false);
    ready.add(topic);
  }

  /** The same for a topic of which the brokers have not all heard yet. */
  void awaitCreated(String topic) {
    askLeaders(topic, true);
    ready.add(topic);
  }

  void forget(String topic) {
    ready.remove(topic);
  }

  private void askLeaders(String topic, boolean mayBeUnknown) {
    long end = System.nanoTime() + limit.toNanos();
    while (true) {
      try {
        offsets(partitions(describe(topic)), OffsetSpec.latest());
        return;
      } catch (KafkaException e) {
        boolean unknown = e instanceof UnknownTopicOrPartitionException;
        boolean again = unknown ? mayBeUnknown : e instanceof RetriableException;
        if (!again || System.nanoTime() - end >= 0) {
          throw KafkaErrors.of("topic " + topic, e);
        }
      }
      LockSupport.parkNanos(LOOK_AGAIN);
      if (Thread.currentThread().isInterrupted()) {
        throw new AgentException(
            ErrorCode.TRANSPORT_UNAVAILABLE, "interrupted while topic " + topic + " got leaders");
      }
    }
  }

  /** Offsets by partition, as the spec says; -1 where there is none. Throws what Kafka says. */
  Map<TopicPartition, Long> offsets(List<TopicPartition> partitions, OffsetSpec spec) {
    Map<TopicPartition, OffsetSpec> asked =
        partitions.stream().collect(Collectors.toMap(one -> one, one -> spec));
    Map<TopicPartition, ListOffsetsResultInfo> found =
        KafkaErrors.await(admin.listOffsets(asked).all(), limit);
    Map<TopicPartition, Long> offsets = new HashMap<>();
    found.forEach((partition, info) -> offsets.put(partition, info.offset()));
    return offsets;
  }
}
