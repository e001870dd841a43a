package dev.troupe.kafka;

import dev.troupe.event.Delivery;
import dev.troupe.event.Settlement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;

/** A feed in mode EVERYONE: reads all partitions from their ends on, in no group. */
final class EveryoneFeed extends KafkaFeed {
  private static final long LOOK_EVERY = TimeUnit.SECONDS.toNanos(10);

  private final List<String> topics;
  private long nextLook = System.nanoTime() + LOOK_EVERY;

  EveryoneFeed(
      KafkaConsumer<byte[], byte[]> consumer,
      List<String> topics,
      Map<TopicPartition, Long> ends,
      Duration limit,
      Consumer<KafkaFeed> whenClosed) {
    super(consumer, "a feed of everything in " + topics, limit, whenClosed);
    this.topics = topics;
    consumer.assign(ends.keySet());
    begin(ends);
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
    for (String topic : topics) {
      for (PartitionInfo info : consumer.partitionsFor(topic, limit)) {
        TopicPartition partition = new TopicPartition(topic, info.partition());
        if (!owned.containsKey(partition)) {
          added.add(partition);
        }
      }
    }
    if (!added.isEmpty()) {
      Map<TopicPartition, Long> first = consumer.beginningOffsets(added, limit);
      List<TopicPartition> all = new ArrayList<>(owned.keySet());
      all.addAll(added);
      consumer.assign(all);
      begin(first);
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
