package dev.troupe.kafka;

import dev.troupe.event.Delivery;
import dev.troupe.event.Feed;
import dev.troupe.event.Position;
import dev.troupe.event.Settlement;
import dev.troupe.event.Subscription;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;

/** A feed in mode EVERYONE: reads all partitions from their ends on, in no group. */
final class EveryoneFeed extends KafkaFeed {
  private static final long LOOK_EVERY = TimeUnit.SECONDS.toNanos(10);

  private long nextLook = System.nanoTime() + LOOK_EVERY;

  EveryoneFeed(
      KafkaConsumer<byte[], byte[]> consumer,
      KafkaTopics topics,
      Subscription subscription,
      Duration limit,
      RecordForms forms,
      Consumer<Feed> whenClosed) {
    super(consumer, topics, "a feed of everything", limit, forms, whenClosed);
    List<TopicPartition> all = new ArrayList<>();
    subscription.topics().forEach(topic -> all.addAll(topics.partitions(topic)));
    read.addAll(subscription.topics());
    if (!all.isEmpty()) {
      assign(topics.offsets(all, OffsetSpec.latest()));
    }
  }

  @Override
  void add(Map<String, Position> more, List<TopicPartition> partitions) {
    assign(topics.offsets(partitions, OffsetSpec.latest()));
    read.addAll(more.keySet());
  }

  private void assign(Map<TopicPartition, Long> more) {
    List<TopicPartition> all = new ArrayList<>(owned.keySet());
    all.addAll(more.keySet());
    consumer.assign(all);
    begin(more);
  }

  private void begin(Map<TopicPartition, Long> from) {
    own(from.keySet());
    from.forEach(
        (partition, offset) -> {
          consumer.seek(partition, offset);
          OwnedPartition one = owned.get(partition);
          if (one != null) {
            one.start(offset, new DoneRanges());
          }
        });
  }

  @Override
  void tend() {
    long now = System.nanoTime();
    if (now - nextLook >= 0) {
      nextLook = now + LOOK_EVERY;
      lookForNew();
    }
  }

  /** A topic may get more partitions; those are read from their beginning. */
  private void lookForNew() {
    List<TopicPartition> added = new ArrayList<>();
    for (String topic : read) {
      for (PartitionInfo info : consumer.partitionsFor(topic, limit)) {
        TopicPartition partition = new TopicPartition(topic, info.partition());
        if (!owned.containsKey(partition)) {
          added.add(partition);
        }
      }
    }
    if (!added.isEmpty()) {
      assign(consumer.beginningOffsets(added, limit));
    }
  }

  @Override
  void handed(OwnedPartition from, Delivery delivery) {
    from.settle(new Settlement.Done(delivery)); // nothing is remembered
    from.forgetDone();
  }

  @Override
  public void settle(List<Settlement> settlements) {}

  @Override
  void leave() {}
}
