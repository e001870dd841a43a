package dev.troupe.kafka;

import dev.troupe.event.Delivery;
import dev.troupe.event.Delivery.Shard;
import dev.troupe.event.Feed.ShardState;
import dev.troupe.event.Settlement;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.jspecify.annotations.Nullable;

/**
 * A partition from its assignment until it goes: what was fetched, what is out, and what of it is
 * done. A later assignment has an object and deliveries of its own, so what is settled late is not
 * found. Used by the thread that polls.
 */
final class OwnedPartition {
  private static final int MOST_BUFFERED = 500;
  private static final long MOST_BYTES = 1 << 20;

  final TopicPartition partition;
  final Shard shard;

  private final RecordForms forms;
  private final ArrayDeque<ConsumerRecord<byte[], byte[]>> buffer = new ArrayDeque<>();
  private long bufferedBytes;

  /** By offset what is not done: with the feed's owner, or given back. */
  private final TreeMap<Long, Delivery> out = new TreeMap<>();

  private final TreeSet<Long> givenBack = new TreeSet<>();
  private DoneRanges done = new DoneRanges();
  private long next;
  private boolean started;
  private boolean changed;
  private boolean paused;

  OwnedPartition(TopicPartition partition, RecordForms forms) {
    this.partition = partition;
    this.forms = forms;
    this.shard = new Shard(partition.topic(), partition.partition());
  }

  /** Where the group stands; the consumer is to fetch from here. */
  void start(long offset, DoneRanges doneBehind) {
    buffer.clear();
    bufferedBytes = 0;
    out.clear();
    givenBack.clear();
    done = doneBehind;
    next = offset;
    started = true;
  }

  boolean started() {
    return started;
  }

  /** Nothing was started any more: where the group stands has to be asked. */
  void stop() {
    started = false;
  }

  /** What lies before this offset is gone; what is out may still be settled. */
  void skipTo(long offset) {
    next = offset;
    changed = true;
  }

  void add(List<ConsumerRecord<byte[], byte[]>> records) {
    for (ConsumerRecord<byte[], byte[]> record : records) {
      next = record.offset() + 1;
      if (!done.contains(record.offset())) {
        buffer.add(record);
        bufferedBytes += size(record);
      }
    }
  }

  private static int size(ConsumerRecord<byte[], byte[]> record) {
    return Math.max(0, record.serializedKeySize()) + Math.max(0, record.serializedValueSize());
  }

  /** The consumer stands here, behind all that it handed out and what it keeps to itself. */
  void reached(long position) {
    if (buffer.isEmpty() && position > next) {
      next = position;
      changed = true;
    }
  }

  /** Whether to fetch no more for now; told once for each change. */
  @Nullable Boolean pauseChanged() {
    int part = paused ? 2 : 1;
    boolean pause =
        !started || buffer.size() >= MOST_BUFFERED / part || bufferedBytes >= MOST_BYTES / part;
    if (pause == paused) {
      return null;
    }
    paused = pause;
    return pause;
  }

  boolean ready() {
    return !buffer.isEmpty() || !givenBack.isEmpty();
  }

  /**
   * The next delivery; what was given back goes first.
   *
   * @throws dev.troupe.AgentException when what it is can't be told now
   */
  @Nullable Delivery hand() {
    Long back = givenBack.pollFirst();
    if (back != null) {
      return out.get(back);
    }
    ConsumerRecord<byte[], byte[]> record = buffer.peek();
    if (record == null) {
      return null;
    }
    Delivery delivery = forms.delivery(record, 1);
    buffer.remove();
    bufferedBytes -= size(record);
    out.put(record.offset(), delivery);
    return delivery;
  }

  void settle(Settlement settlement) {
    Delivery delivery = settlement.delivery();
    long offset;
    try {
      offset = Long.parseLong(delivery.offset());
    } catch (NumberFormatException e) {
      return;
    }
    if (!mine(offset, delivery)) {
      return;
    }
    if (settlement instanceof Settlement.Done) {
      out.remove(offset);
      done.add(offset);
      changed = true;
    } else if (settlement instanceof Settlement.Again) {
      out.put(
          offset,
          new Delivery(
              delivery.shard(),
              delivery.offset(),
              delivery.appended(),
              delivery.count() + 1,
              delivery.content()));
      givenBack.add(offset);
    }
  }

  /** The very delivery, not one of an earlier assignment that looks the same. */
  @SuppressWarnings("ReferenceEquality")
  private boolean mine(long offset, Delivery delivery) {
    return out.get(offset) == delivery;
  }

  /** For who commits nothing. */
  void forgetDone() {
    done.dropBelow(low());
  }

  boolean changed() {
    return changed;
  }

  /** Before this offset all is done. */
  private long low() {
    long low = next;
    ConsumerRecord<byte[], byte[]> first = buffer.peek();
    if (first != null) {
      low = Math.min(low, first.offset());
    }
    return out.isEmpty() ? low : Math.min(low, out.firstKey());
  }

  /** What to commit: the offset before which all is done, and what is done behind it. */
  OffsetAndMetadata mark(int mostChars) {
    long low = low();
    done.dropBelow(low);
    return new OffsetAndMetadata(low, done.encode(low, mostChars));
  }

  void written() {
    changed = false;
  }

  ShardState state(long behindNext) {
    Map.Entry<Long, Delivery> first = out.firstEntry();
    long lag = behindNext + buffer.size() + out.size();
    return new ShardState(shard, lag, first == null ? null : first.getValue().appended());
  }
}
