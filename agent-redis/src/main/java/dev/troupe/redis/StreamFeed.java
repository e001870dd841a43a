package dev.troupe.redis;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.event.Delivery;
import dev.troupe.event.Feed;
import dev.troupe.event.Settlement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What feeds over streams have in common: rounds of asking, and waiting in between. */
abstract class StreamFeed implements Feed {
  private static final Logger LOG = LoggerFactory.getLogger(StreamFeed.class);
  private static final long SHORTEST_PAUSE = TimeUnit.MILLISECONDS.toNanos(10);
  private static final long LONGEST_PAUSE = TimeUnit.SECONDS.toNanos(1);

  private final ConcurrentLinkedQueue<Settlement> settled = new ConcurrentLinkedQueue<>();
  private long pause;
  private volatile boolean closed;

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
