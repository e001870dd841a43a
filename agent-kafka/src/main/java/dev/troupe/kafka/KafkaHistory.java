package dev.troupe.kafka;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.event.Delivery;
import dev.troupe.event.Position;
import dev.troupe.state.Page;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Reads history with a consumer of its own that is in no group. A page's cursor is {@code 1:} and
 * the next offset of each partition, with dots between.
 */
final class KafkaHistory {
  private static final String FORM = "1:";
  private static final int COUNT_IN_HISTORY = 0;

  private final KafkaSettings settings;
  private final KafkaTopics topics;
  private final RecordForms forms;

  KafkaHistory(KafkaSettings settings, KafkaTopics topics, RecordForms forms) {
    this.settings = settings;
    this.forms = forms;
    this.topics = topics;
  }

  Page<Delivery> read(String topic, Position from, int limit) {
    List<TopicPartition> all = topics.partitions(topic);
    try {
      Map<TopicPartition, Long> first = topics.offsets(all, OffsetSpec.earliest());
      Map<TopicPartition, Long> ends = topics.offsets(all, OffsetSpec.latest());
      long[] next = new long[all.size()];
      Map<TopicPartition, Long> begins = begins(all, from, ends);
      for (int i = 0; i < next.length; i++) {
        // what was there when the cursor was made may be gone
        next[i] = Math.max(begins.getOrDefault(all.get(i), 0L), first.getOrDefault(all.get(i), 0L));
      }
      return page(new Reading(all, ends, next), limit);
    } catch (KafkaException e) {
      throw KafkaErrors.of("topic " + topic, e);
    }
  }

  private Map<TopicPartition, Long> begins(
      List<TopicPartition> all, Position from, Map<TopicPartition, Long> ends) {
    if (from instanceof Position.Start) {
      return Map.of();
    } else if (from instanceof Position.Since since) {
      Map<TopicPartition, Long> found =
          new HashMap<>(topics.offsets(all, OffsetSpec.forTimestamp(since.time().toEpochMilli())));
      found.replaceAll((one, offset) -> offset < 0 ? ends.getOrDefault(one, 0L) : offset);
      return found;
    }
    return from instanceof Position.At at ? parse(all, at.cursor()) : ends;
  }

  private static Map<TopicPartition, Long> parse(List<TopicPartition> all, String cursor) {
    Map<TopicPartition, Long> offsets = new HashMap<>();
    try {
      if (!cursor.startsWith(FORM)) {
        throw new NumberFormatException();
      }
      String[] parts = cursor.substring(FORM.length()).split("\\.", -1);
      for (int i = 0; i < parts.length && i < all.size(); i++) {
        offsets.put(all.get(i), Math.max(0, Long.parseLong(parts[i])));
      }
    } catch (NumberFormatException e) {
      throw new AgentException(ErrorCode.INVALID_INPUT, "this is no cursor of a page", e);
    }
    return offsets;
  }

  private record Reading(List<TopicPartition> all, Map<TopicPartition, Long> ends, long[] next) {
    boolean left(TopicPartition one) {
      return next[one.partition()] < ends.getOrDefault(one, 0L);
    }

    List<TopicPartition> left() {
      return all.stream().filter(this::left).toList();
    }

    @Nullable String cursor() {
      return left().isEmpty()
          ? null
          : FORM + Arrays.stream(next).mapToObj(Long::toString).collect(Collectors.joining("."));
    }
  }

  private Page<Delivery> page(Reading reading, int limit) {
    List<Delivery> items = new ArrayList<>();
    List<TopicPartition> left = reading.left();
    if (left.isEmpty()) {
      return new Page<>(items, null);
    }
    Map<String, Object> own = settings.reader("history");
    own.putIfAbsent("enable.metrics.push", "false");
    try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(own)) {
      consumer.assign(left);
      left.forEach(one -> consumer.seek(one, reading.next[one.partition()]));
      long end = System.nanoTime() + topics.limit.toNanos();
      while (items.size() < limit && !left.isEmpty()) {
        Duration patience = Duration.ofNanos(end - System.nanoTime());
        if (patience.isNegative()) {
          throw new TimeoutException("not read in " + topics.limit.toMillis() + " ms");
        }
        take(reading, consumer.poll(min(patience)), items, limit);
        for (TopicPartition one : left) {
          // a partition's last offsets may be marks of transactions, which nobody is handed
          if (items.size() < limit
              && consumer.position(one, topics.limit) > reading.next[one.partition()]) {
            reading.next[one.partition()] = consumer.position(one, topics.limit);
          }
        }
        left = reading.left();
        List<TopicPartition> over = new ArrayList<>(consumer.assignment());
        over.removeAll(left);
        consumer.pause(over); // there a fetch would wait for more
      }
    }
    return new Page<>(items, reading.cursor());
  }

  private static Duration min(Duration patience) {
    Duration step = Duration.ofMillis(500);
    return patience.compareTo(step) < 0 ? patience : step;
  }

  private void take(
      Reading reading, ConsumerRecords<byte[], byte[]> records, List<Delivery> items, int limit) {
    for (ConsumerRecord<byte[], byte[]> record : records) {
      long end =
          reading.ends.getOrDefault(new TopicPartition(record.topic(), record.partition()), 0L);
      if (items.size() < limit && record.offset() < end) {
        items.add(forms.delivery(record, COUNT_IN_HISTORY));
        reading.next[record.partition()] = record.offset() + 1;
      }
    }
  }
}
