package dev.troupe.kafka;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.event.Delivery.Shard;
import dev.troupe.event.Feed;
import dev.troupe.event.Position;
import dev.troupe.event.Settlement;
import dev.troupe.event.Subscription;
import dev.troupe.event.Subscription.Mode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.OffsetMetadataTooLarge;
import org.apache.kafka.common.errors.RebalanceInProgressException;
import org.apache.kafka.common.errors.WakeupException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A member of a group, for modes ORDERED and SHARED: to Kafka both are a consumer group, and
 * whether anything waits for anything is decided above. What was settled is committed while
 * polling, at most once in an interval, and before partitions go.
 */
final class GroupFeed extends KafkaFeed implements ConsumerRebalanceListener {
  private static final Logger LOG = LoggerFactory.getLogger(GroupFeed.class);
  private static final Duration STEP = Duration.ofMillis(50);
  private static final Duration LEAVE = Duration.ofSeconds(3);
  private static final int METADATA_CHARS = 2_048;

  private final Listener listener;
  private final Pace pace;
  private final String about;
  private final Map<TopicPartition, Long> begins = new HashMap<>();
  private final Subscription subscription;
  private final ConcurrentLinkedQueue<Settlement> settled = new ConcurrentLinkedQueue<>();
  private long nextCommit = System.nanoTime();
  private @Nullable KafkaException failure;
  private int metadataChars = METADATA_CHARS;
  private boolean leaving;

  /**
   * How long things take.
   *
   * @param commitEvery how often to commit at most
   * @param drain how long handlers have when partitions go
   * @param call how long a question may take
   * @param join how long it may take until a group takes in a member
   */
  record Pace(Duration commitEvery, Duration drain, Duration call, Duration join) {}

  GroupFeed(
      KafkaConsumer<byte[], byte[]> consumer,
      KafkaTopics topics,
      Subscription subscription,
      Listener listener,
      Pace pace,
      RecordForms forms,
      Consumer<Feed> whenClosed) {
    super(consumer, topics, "group " + subscription.group(), pace.call(), forms, whenClosed);
    this.about = "group " + subscription.group();
    this.subscription = subscription;
    this.listener = listener;
    this.pace = pace;
  }

  /** Joins the group for what the subscription names. */
  void join() {
    Map<String, Position> more = new HashMap<>();
    subscription.topics().forEach(topic -> more.put(topic, subscription.from()));
    join(more, true);
  }

  @Override
  void add(Map<String, Position> more, List<TopicPartition> partitions) {
    // whoever is given a partition of which nothing is committed reads it from its beginning, so
    // nobody needs to wait for that
    join(more, more.values().stream().anyMatch(from -> !(from instanceof Position.Start)));
  }

  private void join(Map<String, Position> more, boolean waits) {
    GroupStart start = new GroupStart(topics, subscription, more);
    boolean fixed = start.fix();
    begins.putAll(start.begins());
    read.addAll(more.keySet());
    if (!read.isEmpty()) {
      consumer.subscribe(read, this);
    }
    if (!fixed && waits) {
      awaitStart(start);
    }
  }

  /** Takes part until every partition has a beginning, by this member or others. */
  private void awaitStart(GroupStart start) {
    long end = System.nanoTime() + pace.join().toNanos();
    while (!start.fixed()) {
      poll(0, STEP);
      if (System.nanoTime() - end >= 0 || Thread.currentThread().isInterrupted()) {
        throw new AgentException(
            ErrorCode.TRANSPORT_UNAVAILABLE,
            about + " has members that do not take in another; look whether they hang");
      }
    }
  }

  @Override
  public void settle(List<Settlement> settlements) {
    for (Settlement settlement : settlements) {
      if (!(settlement instanceof Settlement.Keep)) {
        settled.add(settlement);
      }
    }
  }

  private void settleAll() {
    for (Settlement one = settled.poll(); one != null; one = settled.poll()) {
      Shard shard = one.delivery().shard();
      OwnedPartition partition = owned.get(new TopicPartition(shard.topic(), shard.number()));
      if (partition != null) {
        partition.settle(one);
      }
    }
  }

  @Override
  void tend() {
    settleAll();
    failure = null;
    try {
      start();
      if (System.nanoTime() - nextCommit >= 0) {
        commit(owned.values(), pace.call());
      }
    } catch (InterruptException | WakeupException e) {
      throw e;
    } catch (KafkaException e) {
      failure = e; // the consumer is polled all the same, or it would not be a member for long
      nextCommit = System.nanoTime() + pace.commitEvery().toNanos();
    }
  }

  @Override
  void check() {
    if (failure != null) {
      throw failure;
    }
  }

  /** Asks where the group stands in partitions that are new here, and goes there. */
  private void start() {
    Set<TopicPartition> some = new LinkedHashSet<>();
    for (OwnedPartition one : owned.values()) {
      if (!one.started()) {
        some.add(one.partition);
      }
    }
    if (some.isEmpty()) {
      return;
    }
    Map<TopicPartition, OffsetAndMetadata> committed = consumer.committed(some, pace.call());
    Set<TopicPartition> missing = new HashSet<>(some);
    missing.removeIf(one -> committed.get(one) != null);
    Map<TopicPartition, Long> earliest =
        missing.isEmpty() ? Map.of() : consumer.beginningOffsets(missing, pace.call());
    List<OwnedPartition> fresh = new ArrayList<>();
    for (TopicPartition partition : some) {
      OwnedPartition one = owned.get(partition);
      if (one == null) {
        continue;
      }
      OffsetAndMetadata mark = committed.get(partition);
      if (mark == null) {
        // a partition that nobody knew when this feed was opened is read from its beginning
        Long begin = begins.getOrDefault(partition, earliest.getOrDefault(partition, 0L));
        mark = new OffsetAndMetadata(begin);
        fresh.add(one);
      }
      consumer.seek(partition, mark.offset());
      one.start(mark.offset(), GroupMark.done(mark));
      if (fresh.contains(one)) {
        one.skipTo(mark.offset()); // to be committed, so that nobody begins anywhere else
      }
    }
    commit(fresh, pace.call());
  }

  /**
   * Commits what changed.
   *
   * @return whether there is nothing to be tried again
   */
  private boolean commit(Collection<OwnedPartition> some, Duration atMost) {
    List<OwnedPartition> changed = some.stream().filter(OwnedPartition::changed).toList();
    if (changed.isEmpty()) {
      return true;
    }
    Map<TopicPartition, OffsetAndMetadata> marks = new HashMap<>();
    int most = metadataChars;
    Mode mode = subscription.mode();
    changed.forEach(
        one ->
            marks.put(
                one.partition, GroupMark.of(mode, one.mark(GroupMark.left(mode, most)), most)));
    nextCommit = System.nanoTime() + pace.commitEvery().toNanos();
    try {
      consumer.commitSync(marks, atMost);
    } catch (RebalanceInProgressException e) {
      return false; // the group is being divided anew; soon again
    } catch (CommitFailedException e) {
      LOG.warn("{}: this member was taken for dead, what it did last comes again", about);
      return true; // the next poll tells what was taken away
    } catch (OffsetMetadataTooLarge e) {
      LOG.warn("{}: the brokers take no metadata of {} characters", about, metadataChars);
      metadataChars /= 4;
      return false;
    }
    changed.forEach(OwnedPartition::written);
    return true;
  }

  @Override
  public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
    own(partitions);
    try {
      start();
    } catch (InterruptException | WakeupException e) {
      throw e;
    } catch (KafkaException e) {
      LOG.debug("{}: where it stands is asked again: {}", about, KafkaErrors.advice(e));
    }
  }

  @Override
  public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
    List<OwnedPartition> going = going(partitions);
    if (going.isEmpty()) {
      return;
    }
    if (!leaving) {
      tell(going, pace.drain());
    }
    settleAll();
    try {
      if (!commit(going, pace.call())) {
        LOG.warn("{}: what was done last of {} comes again", about, partitions);
      }
    } catch (InterruptException | WakeupException e) {
      throw e;
    } catch (KafkaException e) {
      LOG.warn("{}: not committed, it comes again: {}", about, KafkaErrors.advice(e));
    } finally {
      disown(partitions);
    }
  }

  @Override
  public void onPartitionsLost(Collection<TopicPartition> partitions) {
    List<OwnedPartition> gone = going(partitions);
    if (gone.isEmpty()) {
      return;
    }
    LOG.warn("{}: lost {}, others have it", about, partitions);
    disown(partitions);
    tell(gone, Duration.ZERO);
  }

  private List<OwnedPartition> going(Collection<TopicPartition> partitions) {
    List<OwnedPartition> going = new ArrayList<>();
    for (TopicPartition partition : partitions) {
      OwnedPartition one = owned.get(partition);
      if (one != null) {
        going.add(one);
      }
    }
    return going;
  }

  private void tell(List<OwnedPartition> going, Duration atMost) {
    Set<Shard> shards = new LinkedHashSet<>();
    going.forEach(one -> shards.add(one.shard));
    try {
      listener.revoking(shards, atMost);
    } catch (RuntimeException e) {
      LOG.warn("{}: whoever was told that shards go has failed", about, e);
    }
  }

  @Override
  void leave() {
    leaving = true;
    long end = System.nanoTime() + LEAVE.toNanos();
    while (System.nanoTime() - end < 0) {
      settleAll();
      try {
        if (commit(owned.values(), LEAVE)) {
          return;
        }
        consumer.pause(consumer.assignment());
        consumer.poll(STEP);
      } catch (WakeupException e) {
        LOG.trace("woken to be closed");
      }
    }
  }
}
