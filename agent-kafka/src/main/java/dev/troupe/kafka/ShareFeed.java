package dev.troupe.kafka;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.event.Delivery;
import dev.troupe.event.Delivery.Shard;
import dev.troupe.event.Feed;
import dev.troupe.event.Position;
import dev.troupe.event.Settlement;
import dev.troupe.event.Subscription;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.errors.WakeupException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A feed of a share group: several consumers, because one that holds something gets nothing new.
 * There are as many as were needed at once, up to a limit. The brokers count deliveries and know
 * who holds what; this asks, hands out, renews and settles.
 */
final class ShareFeed implements Feed {
  private static final Logger LOG = LoggerFactory.getLogger(ShareFeed.class);
  private static final Duration LEAVE_LIMIT = Duration.ofSeconds(5);
  private static final long LONGEST_STEP = Duration.ofMillis(100).toNanos();
  private static final long GROW_AFTER = Duration.ofMillis(500).toNanos();
  private static final long SHORT_STEP = Duration.ofMillis(5).toNanos();

  private final String about;
  private final KafkaTopics topics;
  private final ShareStart start;
  private final Supplier<ShareMember> more;
  private final int mostMembers;
  private final ShareLag lag;
  private final Consumer<Feed> whenClosed;
  private final ReentrantLock lock = new ReentrantLock();
  private final Set<String> read = new LinkedHashSet<>();
  private final List<ShareMember> members = new ArrayList<>();
  private final ConcurrentLinkedQueue<Settlement> settled = new ConcurrentLinkedQueue<>();
  private volatile List<ShardState> states = List.of();
  private volatile boolean closing;
  private boolean closed;
  private int turn;
  private long cameAt = System.nanoTime();

  ShareFeed(
      KafkaTopics topics,
      ShareStart start,
      Supplier<ShareMember> more,
      int mostMembers,
      Consumer<Feed> whenClosed) {
    this.about = "share group " + start.group();
    this.topics = topics;
    this.start = start;
    this.more = more;
    this.mostMembers = mostMembers;
    this.lag = new ShareLag(topics, start.group());
    this.whenClosed = whenClosed;
  }

  /** Joins the group for what the subscription names. */
  void join(Subscription subscription) {
    Map<String, Position> named = new HashMap<>();
    List<TopicPartition> all = new ArrayList<>();
    for (String topic : Set.copyOf(subscription.topics())) {
      named.put(topic, subscription.from());
      all.addAll(topics.partitions(topic));
    }
    if (!named.isEmpty()) {
      add(named, all);
    }
  }

  @Override
  public Set<String> follow(Function<Set<String>, Map<String, Position>> choice) {
    lock.lock();
    try {
      if (closed) {
        throw new AgentException(ErrorCode.CLOSED, about + " was closed");
      }
      return topics.follow(choice, read, this::follow);
    } catch (KafkaException e) {
      throw KafkaErrors.of(about, e);
    } finally {
      lock.unlock();
    }
  }

  private void follow(Map<String, Position> more, List<TopicPartition> partitions) {
    start.check();
    add(more, partitions);
  }

  private void add(Map<String, Position> names, List<TopicPartition> partitions) {
    start.begin(names, partitions);
    read.addAll(names.keySet());
    lag.add(partitions);
    members.forEach(one -> one.subscribe(read));
    if (members.isEmpty()) {
      grow();
    }
  }

  private ShareMember grow() {
    ShareMember made = more.get();
    made.subscribe(read);
    members.add(made);
    return made;
  }

  @Override
  public List<Delivery> poll(int max, Duration wait) {
    lock.lock();
    try {
      if (closed) {
        throw new AgentException(ErrorCode.CLOSED, about + " was closed");
      }
      if (Thread.currentThread().isInterrupted()) {
        return List.of();
      }
      return round(max, System.nanoTime() + wait.toNanos());
    } catch (InterruptException | WakeupException e) {
      return List.of(); // Kafka has set the thread's flag again
    } catch (KafkaException e) {
      throw KafkaErrors.of(about, e);
    } finally {
      lock.unlock();
    }
  }

  private List<Delivery> round(int max, long end) {
    settleAll();
    while (true) {
      List<ShareMember> idle = new ArrayList<>();
      for (ShareMember one : List.copyOf(members)) {
        run(one, one::tend);
        if (one.idle() && members.contains(one)) {
          idle.add(one);
        }
      }
      fetch(idle, max, end);
      List<Delivery> out = hand(max);
      if (!out.isEmpty() || max == 0 || closing || System.nanoTime() - end >= 0) {
        note();
        return out;
      }
    }
  }

  /** What fails for long is given up, with what it holds, and made anew. */
  private void run(ShareMember member, Runnable step) {
    try {
      step.run();
    } catch (InterruptException | WakeupException e) {
      throw e;
    } catch (KafkaException e) {
      if (!(e instanceof RetriableException)) {
        members.remove(member);
        end(member, Duration.ZERO);
      }
      throw e;
    }
  }

  private void settleAll() {
    for (Settlement one = settled.poll(); one != null; one = settled.poll()) {
      for (ShareMember member : members) {
        if (member.settle(one)) {
          break;
        }
      }
    }
  }

  private void fetch(List<ShareMember> idle, int max, long end) {
    if (max == 0) {
      // whoever is not asked for long is missed; what comes of it is handed out later
      idle.stream()
          .filter(ShareMember::due)
          .forEach(one -> run(one, () -> one.fetch(Duration.ZERO)));
      return;
    }
    boolean ready = members.stream().anyMatch(ShareMember::ready);
    boolean mayGrow = !read.isEmpty() && members.size() < mostMembers;
    if (!ready && mayGrow && wantsMore(idle)) {
      idle.add(grow());
      cameAt = System.nanoTime();
    }
    idle.forEach(one -> run(one, () -> one.fetch(Duration.ZERO)));
    if (ready || members.stream().anyMatch(ShareMember::ready)) {
      return;
    }
    long left = Math.min(LONGEST_STEP, Math.max(0, end - System.nanoTime()));
    if (idle.isEmpty()) {
      LockSupport.parkNanos(Math.min(SHORT_STEP, left));
      settleAll();
    } else {
      turn = (turn + 1) % idle.size();
      ShareMember one = idle.get(turn);
      long most = idle.size() == 1 ? left : Math.min(SHORT_STEP, left);
      run(one, () -> one.fetch(Duration.ofNanos(most)));
    }
  }

  /**
   * The brokers give a partition to some of the members only, and all of those may be at work while
   * others have nothing to do.
   */
  private boolean wantsMore(List<ShareMember> idle) {
    boolean allIdle = idle.size() == members.size();
    return idle.isEmpty() || (!allIdle && System.nanoTime() - cameAt > GROW_AFTER);
  }

  private List<Delivery> hand(int max) {
    List<Delivery> out = new ArrayList<>();
    AgentException undecided = null;
    for (ShareMember one : members) {
      try {
        while (out.size() < max && one.ready()) {
          out.add(one.hand());
        }
      } catch (AgentException e) {
        undecided = e; // it is held, and tried again
      }
    }
    if (!out.isEmpty()) {
      cameAt = System.nanoTime();
    } else if (undecided != null) {
      throw undecided;
    }
    return out;
  }

  private void note() {
    Map<Shard, Instant> oldest = new HashMap<>();
    for (ShareMember member : members) {
      for (Delivery one : member.out()) {
        oldest.merge(one.shard(), one.appended(), (a, b) -> a.isBefore(b) ? a : b);
      }
    }
    List<ShardState> all = new ArrayList<>();
    lag.now()
        .forEach(
            (TopicPartition partition, Long behind) -> {
              Shard shard = new Shard(partition.topic(), partition.partition());
              all.add(new ShardState(shard, behind, oldest.get(shard)));
            });
    states = List.copyOf(all);
  }

  @Override
  public void settle(List<Settlement> settlements) {
    for (Settlement settlement : settlements) {
      if (!(settlement instanceof Settlement.Keep)) {
        settled.add(settlement);
      }
    }
  }

  @Override
  public List<ShardState> shards() {
    return states;
  }

  @Override
  public void close() {
    closing = true; // a poll that waits ends within a step
    lock.lock();
    try {
      if (closed) {
        return;
      }
      closed = true;
      boolean interrupted = Thread.interrupted(); // else nothing would be said to the brokers
      settleAll();
      members.forEach(one -> end(one, LEAVE_LIMIT));
      members.clear();
      states = List.of();
      whenClosed.accept(this);
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    } finally {
      lock.unlock();
    }
  }

  private void end(ShareMember member, Duration atMost) {
    try {
      member.close(atMost);
    } catch (KafkaException e) {
      LOG.debug("{}: a consumer did not leave in order: {}", about, KafkaErrors.advice(e));
    }
  }
}
