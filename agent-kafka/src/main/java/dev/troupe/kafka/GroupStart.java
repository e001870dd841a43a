package dev.troupe.kafka;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.event.Position;
import dev.troupe.event.Subscription;
import dev.troupe.event.Subscription.Mode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.FencedMemberEpochException;
import org.apache.kafka.common.errors.GroupNotEmptyException;
import org.apache.kafka.common.errors.IllegalGenerationException;
import org.apache.kafka.common.errors.RebalanceInProgressException;
import org.apache.kafka.common.errors.StaleMemberEpochException;
import org.apache.kafka.common.errors.UnknownMemberIdException;
import org.jspecify.annotations.Nullable;

/**
 * Where a group begins in partitions that it has not committed yet. It is fixed, as a commit,
 * before a feed counts as open; else what is appended from then on until the first assignment would
 * be before the beginning.
 *
 * <p>The ends are asked for <em>before</em> it is looked whether anything is committed. So of two
 * feeds that open at once the one that commits last writes offsets that are older than the other's
 * opening, and loses nothing for it.
 */
final class GroupStart {
  private final KafkaTopics topics;
  private final String group;
  private final Mode mode;
  private final Map<String, Position> topicsFrom;
  private final Map<TopicPartition, Long> begins = new HashMap<>();

  /** Topics, each with where the group begins in it if nobody has joined it before. */
  GroupStart(KafkaTopics topics, Subscription subscription, Map<String, Position> topicsFrom) {
    this.topics = topics;
    this.group = subscription.group();
    this.mode = subscription.mode();
    this.topicsFrom = topicsFrom;
  }

  /**
   * Fixes the beginning and the mode, unless the group has members already: then only they may
   * commit.
   *
   * @return whether everything has a beginning
   * @throws AgentException when the group was joined in another mode
   */
  boolean fix() {
    List<TopicPartition> all = new ArrayList<>();
    topicsFrom.forEach(
        (topic, from) -> {
          List<TopicPartition> some = topics.partitions(topic);
          begins.putAll(begins(topics, from, some));
          all.addAll(some);
        });
    if (all.isEmpty()) {
      return true;
    }
    Map<TopicPartition, Long> earliest = topics.offsets(all, OffsetSpec.earliest());
    Set<TopicPartition> missing = missing(all);
    if (missing.isEmpty()) {
      return true;
    }
    Set<String> joined = new HashSet<>();
    all.stream().filter(one -> !missing.contains(one)).forEach(one -> joined.add(one.topic()));
    Map<TopicPartition, OffsetAndMetadata> marks = new HashMap<>();
    for (TopicPartition one : missing) {
      if (joined.contains(one.topic())) {
        // a partition that was added later: the group has a right to all of it
        begins.put(one, earliest.getOrDefault(one, 0L));
      }
      OffsetAndMetadata begin = new OffsetAndMetadata(begins.getOrDefault(one, 0L));
      marks.put(one, GroupMark.of(mode, begin, Integer.MAX_VALUE));
    }
    try {
      KafkaErrors.await(topics.admin.alterConsumerGroupOffsets(group, marks).all(), topics.limit);
      return true;
    } catch (UnknownMemberIdException
        | RebalanceInProgressException
        | IllegalGenerationException
        | GroupNotEmptyException
        | StaleMemberEpochException
        | FencedMemberEpochException e) {
      return false; // the group is at work
    }
  }

  /** Whether a beginning is missing still. */
  boolean fixed() {
    return missing(List.copyOf(begins.keySet())).isEmpty();
  }

  /** The partitions' beginnings for this feed, should it be the one to fix them. */
  Map<TopicPartition, Long> begins() {
    return Map.copyOf(begins);
  }

  private Set<TopicPartition> missing(List<TopicPartition> all) {
    Map<TopicPartition, OffsetAndMetadata> committed =
        KafkaErrors.await(
            topics.admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata(),
            topics.limit);
    all.forEach(one -> checkMode(one, committed.get(one)));
    Set<TopicPartition> missing = new HashSet<>(all);
    missing.removeIf(one -> committed.get(one) != null);
    return missing;
  }

  private void checkMode(TopicPartition partition, @Nullable OffsetAndMetadata mark) {
    Mode joined = mark == null ? null : GroupMark.mode(mark);
    if (joined != null && joined != mode) {
      throw new AgentException(
          ErrorCode.INVALID_INPUT,
          "group %s of topic %s was joined in mode %s, not %s; use another name for the group"
              .formatted(group, partition.topic(), joined, mode));
    }
  }

  /** Where a new group begins that wants this position. Throws what Kafka says. */
  static Map<TopicPartition, Long> begins(
      KafkaTopics topics, Position from, List<TopicPartition> all) {
    if (from instanceof Position.Start) {
      return topics.offsets(all, OffsetSpec.earliest());
    }
    Map<TopicPartition, Long> ends = topics.offsets(all, OffsetSpec.latest());
    if (from instanceof Position.Since since) {
      Map<TopicPartition, Long> found =
          topics.offsets(all, OffsetSpec.forTimestamp(since.time().toEpochMilli()));
      found.forEach(
          (one, offset) -> ends.computeIfPresent(one, (o, end) -> offset < 0 ? end : offset));
    }
    return ends;
  }
}
