package dev.troupe.redis;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.state.StoreInfo;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A way to a server whose other end is looked at before it is used, at once or by the first call.
 * Safe for use by many threads.
 */
final class RedisConnection implements AutoCloseable {
  private final RedisLink link;
  private final RedisMeta meta;
  private final RedisProbe probe;
  private final boolean lazy;
  private final String place;
  private final long timeout;
  private final ReentrantLock probing = new ReentrantLock();
  private volatile boolean probed;
  private volatile boolean closed;

  RedisConnection(RedisLink link, RedisBuilder<?> b, RedisMeta meta) {
    this.link = link;
    this.meta = meta;
    this.lazy = b.lazy;
    this.place = b.place();
    this.timeout = b.timeout.toNanos();
    this.probe = new RedisProbe(link.client(), meta, place, b.allowEviction);
  }

  /** Looks at the server now, unless that may come later, and says what changes survive. */
  StoreInfo.Durability open() {
    if (lazy) {
      return StoreInfo.Durability.PROCESS;
    }
    StoreInfo.Durability survives = probe.look();
    probed = true;
    return survives;
  }

  /** What the server does when its memory is full. */
  String eviction() {
    return link.with(c -> probe.eviction());
  }

  /** Before each call. */
  void ready() {
    if (closed) {
      throw new AgentException(
          ErrorCode.CLOSED, "the Redis %s was closed; open it again".formatted(meta.kind()));
    }
    if (!probed) {
      firstLook();
    }
  }

  private void firstLook() {
    if (!mayLook()) {
      throw new AgentException(
          ErrorCode.STORE_UNAVAILABLE,
          ("Redis at %s has not answered the first look at it, nothing was sent; see whether it"
                  + " runs and can be reached, or allow it more time (timeout)")
              .formatted(place));
    }
    try {
      if (!probed) {
        probe.look();
        probed = true;
      }
    } finally {
      probing.unlock();
    }
  }

  /** Whether nobody else looks, or has done so in time. */
  private boolean mayLook() {
    long until = System.nanoTime() + timeout;
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return probing.tryLock(until - System.nanoTime(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Closes what belongs to this. May be called more than once. */
  @Override
  public void close() {
    probing.lock();
    try {
      if (!closed) {
        closed = true;
        link.close();
      }
    } finally {
      probing.unlock();
    }
  }
}
