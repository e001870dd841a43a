package dev.troupe.kafka;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.event.Delivery;
import dev.troupe.event.Feed;
import dev.troupe.event.Position;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Function;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.NoOffsetForPartitionException;
import org.apache.kafka.clients.consumer.OffsetOutOfRangeException;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.WakeupException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What feeds share: every poll asks the consumer, too, so that membership is kept; what it brings
 * is buffered, and a partition of which enough is buffered is paused. A lock keeps a close by
 * another thread out of the consumer, which is for one thread at a time.
 */
abstract class KafkaFeed implements Feed {
  private static final Logger LOG = LoggerFactory.getLogger(KafkaFeed.class);
  private static final long NOTE_EVERY = TimeUnit.MILLISECONDS.toNanos(100);
  private static final Duration LEAVE_LIMIT = Duration.ofSeconds(5);

  final KafkaConsumer<byte[], byte[]> consumer;
  final KafkaTopics topics;
  final Set<String> read = new LinkedHashSet<>();
  final Map<TopicPartition, OwnedPartition> owned = new LinkedHashMap<>();
  final Duration limit;
  private final RecordForms forms;
  private final String about;
  private final Consumer<Feed> whenClosed;
  private final ReentrantLock lock = new ReentrantLock();
  private volatile List<ShardState> states = List.of();
  private long noted;
  private boolean ownedChanged = true;
  private int turn;
  private boolean closed;

  KafkaFeed(
      KafkaConsumer<byte[], byte[]> consumer,
      KafkaTopics topics,
      String about,
      Duration limit,
      RecordForms forms,
      Consumer<Feed> whenClosed) {
    this.consumer = consumer;
    this.topics = topics;
    this.about = about;
    this.limit = limit;
    this.forms = forms;
    this.whenClosed = whenClosed;
  }

  @Override
  public final List<Delivery> poll(int max, Duration wait) {
    lock.lock();
    try {
      if (closed) {
        throw new AgentException(ErrorCode.CLOSED, about + " was closed");
      }
      if (Thread.currentThread().isInterrupted()) {
        return List.of();
      }
      return round(max, wait);
    } catch (InterruptException | WakeupException e) {
      return List.of(); // Kafka has set the thread's flag again
    } catch (KafkaException e) {
      throw KafkaErrors.of(about, e);
    } finally {
      lock.unlock();
    }
  }

  private List<Delivery> round(int max, Duration wait) {
    long end = System.nanoTime() + wait.toNanos();
    tend();
    List<Delivery> out = new ArrayList<>();
    Duration patience = max > 0 && ready() ? Duration.ZERO : wait;
    while (true) {
      fetch(patience);
      check();
      hand(out, max);
      long left = end - System.nanoTime();
      if (!out.isEmpty() || max == 0 || left <= 0) {
        break;
      }
      patience = Duration.ofNanos(left);
    }
    note();
    return out;
  }

  @Override
  public final Set<String> follow(Function<Set<String>, Map<String, Position>> choice) {
    lock.lock();
    try {
      if (closed) {
        throw new AgentException(ErrorCode.CLOSED, about + " was closed");
      }
      return topics.follow(choice, read, this::add);
    } catch (KafkaException e) {
      throw KafkaErrors.of(about, e);
    } finally {
      lock.unlock();
    }
  }

  /** Reads more topics, each from where the group begins if it is new there. */
  abstract void add(Map<String, Position> more, List<TopicPartition> partitions);

  /** What a feed has to do before it fetches. */
  abstract void tend();

  /** Fails when nothing may be handed out now. */
  void check() {}

  /** What was handed out. */
  void handed(OwnedPartition from, Delivery delivery) {}

  private boolean ready() {
    for (OwnedPartition one : owned.values()) {
      if (one.ready()) {
        return true;
      }
    }
    return false;
  }

  final void fetch(Duration wait) {
    if (read.isEmpty()) {
      LockSupport.parkNanos(this, wait.toNanos()); // Kafka polls for nobody who reads nothing
      return;
    }
    pauseAndResume();
    try {
      ConsumerRecords<byte[], byte[]> records = consumer.poll(wait);
      for (TopicPartition partition : records.partitions()) {
        OwnedPartition one = owned.get(partition);
        if (one != null && one.started()) {
          one.add(records.records(partition));
        }
      }
    } catch (OffsetOutOfRangeException e) {
      outOfRange(e.offsetOutOfRangePartitions());
    } catch (NoOffsetForPartitionException e) {
      for (TopicPartition partition : e.partitions()) {
        OwnedPartition one = owned.get(partition);
        if (one != null) {
          one.stop(); // it is started with the next poll
        }
      }
    }
  }

  private void pauseAndResume() {
    List<TopicPartition> pause = new ArrayList<>(0);
    List<TopicPartition> resume = new ArrayList<>(0);
    for (OwnedPartition one : owned.values()) {
      Boolean change = one.pauseChanged();
      if (change != null) {
        (change ? pause : resume).add(one.partition);
      }
    }
    if (!pause.isEmpty()) {
      consumer.pause(pause);
    }
    if (!resume.isEmpty()) {
      consumer.resume(resume);
    }
  }

  /** Retention or a new topic of the same name took what was to come next. */
  private void outOfRange(Map<TopicPartition, Long> wanted) {
    Map<TopicPartition, Long> first = consumer.beginningOffsets(wanted.keySet(), limit);
    wanted.forEach(
        (partition, offset) -> {
          OwnedPartition one = owned.get(partition);
          long begin = first.getOrDefault(partition, 0L);
          if (one == null) {
            return;
          }
          if (begin > offset) {
            LOG.warn(
                "{}: {} event(s) of {} are gone, from offset {} to {}; they were kept too short a"
                    + " time for this group",
                about,
                begin - offset,
                one.shard,
                offset,
                begin - 1);
            one.skipTo(begin);
          } else {
            LOG.warn(
                "{}: {} has no offset {} any more and begins again at {}; the topic was made anew or"
                    + " lost its end",
                about,
                one.shard,
                offset,
                begin);
            one.start(begin, new DoneRanges());
          }
          consumer.seek(partition, begin);
        });
  }

  private void hand(List<Delivery> out, int max) {
    if (max == 0 || owned.isEmpty()) {
      return;
    }
    AgentException undecided = null;
    List<OwnedPartition> all = List.copyOf(owned.values());
    turn = (turn + 1) % all.size();
    for (int i = 0; i < all.size() && out.size() < max; i++) {
      OwnedPartition one = all.get((turn + i) % all.size());
      try {
        hand(one, out, max);
      } catch (AgentException e) {
        undecided = e; // it stays where it is, and others go on
      }
    }
    if (out.isEmpty() && undecided != null) {
      throw undecided;
    }
  }

  private void hand(OwnedPartition from, List<Delivery> out, int max) {
    while (out.size() < max) {
      Delivery delivery = from.hand();
      if (delivery == null) {
        return;
      }
      handed(from, delivery);
      out.add(delivery);
    }
  }

  final void own(Collection<TopicPartition> partitions) {
    partitions.forEach(one -> owned.put(one, new OwnedPartition(one, forms)));
    ownedChanged = true;
  }

  final void disown(Collection<TopicPartition> partitions) {
    partitions.forEach(owned::remove);
    ownedChanged = true;
  }

  private void note() {
    long now = System.nanoTime();
    if (!ownedChanged && now - noted < NOTE_EVERY) {
      return;
    }
    List<ShardState> all = new ArrayList<>();
    for (OwnedPartition one : owned.values()) {
      if (one.started()) {
        one.reached(position(one));
      }
      all.add(one.state(consumer.currentLag(one.partition).orElse(0)));
    }
    states = List.copyOf(all);
    noted = now;
    ownedChanged = false;
  }

  /** Behind markers of transactions, which nobody is handed; 0 when it is not known at once. */
  private long position(OwnedPartition one) {
    try {
      return consumer.position(one.partition, Duration.ZERO);
    } catch (TimeoutException | NoOffsetForPartitionException | OffsetOutOfRangeException e) {
      return 0;
    }
  }

  @Override
  public final List<ShardState> shards() {
    return states;
  }

  @Override
  public final void close() {
    if (!lock.tryLock()) {
      consumer.wakeup();
      lock.lock();
    }
    try {
      if (closed) {
        return;
      }
      closed = true;
      boolean interrupted = Thread.interrupted(); // else nothing would be said to the brokers
      inOrder(this::leave);
      inOrder(this::leaveGroup);
      owned.clear();
      states = List.of();
      whenClosed.accept(this);
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    } finally {
      lock.unlock();
    }
  }

  private void inOrder(Runnable step) {
    try {
      step.run();
    } catch (KafkaException e) {
      LOG.warn("{} did not leave in order: {}", about, KafkaErrors.advice(e));
    }
  }

  /** Writes what is to be written. */
  abstract void leave();

  @SuppressWarnings("deprecation") // what replaces it is not there in 4.0
  private void leaveGroup() {
    consumer.close(LEAVE_LIMIT);
  }
}
