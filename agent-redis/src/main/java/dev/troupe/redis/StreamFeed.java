package dev.troupe.redis;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.event.Delivery;
import dev.troupe.event.Delivery.Shard;
import dev.troupe.event.Feed;
import dev.troupe.event.Position;
import dev.troupe.event.Settlement;
import dev.troupe.event.Subscription;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What feeds over streams have in common: rounds of asking, and waiting in between. */
abstract class StreamFeed implements Feed {
  private static final Logger LOG = LoggerFactory.getLogger(StreamFeed.class);

  /** So long a feed waits at most that has nothing to read from. */
  static final long NOTHING_READ = TimeUnit.MILLISECONDS.toNanos(20);

  private static final long SHORTEST_PAUSE = TimeUnit.MILLISECONDS.toNanos(10);
  private static final long LONGEST_PAUSE = TimeUnit.SECONDS.toNanos(1);

  final StreamParts parts;
  final Subscription subscription;
  private final Set<String> followed = new HashSet<>();
  private final ConcurrentLinkedQueue<Settlement> settled = new ConcurrentLinkedQueue<>();
  private long pause;
  private volatile boolean closed;

  StreamFeed(StreamParts parts, Subscription subscription) {
    this.parts = parts;
    this.subscription = subscription;
  }

  /** Reads the shards of one more topic, which the group has joined. */
  abstract void add(List<Shard> shards);

  /** Reads what the subscription names. */
  final void addAll() {
    subscription.topics().stream().distinct().forEach(topic -> follow(topic, subscription.from()));
  }

  private void follow(String topic, Position from) {
    List<Shard> shards = parts.topics().get(topic).shards();
    if (subscription.mode() != Subscription.Mode.EVERYONE) {
      parts.topics().join(topic, subscription, from);
    }
    add(shards);
    followed.add(topic);
  }

  @Override
  public final Set<String> follow(Function<Set<String>, Map<String, Position>> choice) {
    if (closed) {
      throw new AgentException(ErrorCode.CLOSED, "the feed was closed");
    }
    Set<String> names;
    try {
      names = parts.topics().names();
    } catch (AgentException e) {
      throw StreamErrors.of(e);
    }
    Map<String, Position> chosen = Map.copyOf(choice.apply(names));
    try {
      chosen.forEach(
          (topic, from) -> {
            if (!followed.contains(topic)) {
              follow(topic, from);
            }
          });
    } catch (AgentException e) {
      throw StreamErrors.of(e);
    }
    return chosen.keySet();
  }

  /** Does what has to be done, and gives what there is. */
  abstract List<Delivery> round(int max);

  /** Waits until there may be more, at most so long. */
  abstract void await(long nanos);

  /** Leaves. */
  abstract void leave();

  @Override
  public final List<Delivery> poll(int max, Duration wait) {
    if (closed) {
      throw new AgentException(ErrorCode.CLOSED, "the feed was closed");
    }
    long end = System.nanoTime() + wait.toNanos();
    recover(wait.toNanos());
    try {
      while (true) {
        List<Delivery> found = round(max);
        long left = end - System.nanoTime();
        if (!found.isEmpty() || max == 0 || left <= 0 || Thread.currentThread().isInterrupted()) {
          pause = 0;
          return found;
        }
        await(left);
      }
    } catch (AgentException e) {
      pause = Math.min(LONGEST_PAUSE, Math.max(SHORTEST_PAUSE, pause * 2));
      throw StreamErrors.of(e);
    }
  }

  /** After a failure feeds come back one by one, not all at once. */
  private void recover(long most) {
    if (pause > 0) {
      long some = ThreadLocalRandom.current().nextLong(pause / 2, pause);
      LockSupport.parkNanos(this, Math.min(most, some));
    }
  }

  @Override
  public final void settle(List<Settlement> settlements) {
    settled.addAll(settlements);
  }

  /** What was settled since this was last asked. */
  final List<Settlement> settlements() {
    if (settled.isEmpty()) {
      return List.of();
    }
    List<Settlement> all = new ArrayList<>();
    for (Settlement one = settled.poll(); one != null; one = settled.poll()) {
      all.add(one);
    }
    return all;
  }

  @Override
  public final void close() {
    if (!closed) {
      closed = true;
      try {
        leave();
      } catch (AgentException e) {
        // others find that it has gone when its time is over
        LOG.warn("a feed could not say that it leaves: {}", e.getMessage());
      }
    }
  }

  static byte[] number(long value) {
    return RedisNames.ascii(Long.toString(value));
  }
}
