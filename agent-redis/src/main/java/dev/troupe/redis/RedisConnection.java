package dev.troupe.redis;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.state.StoreInfo;
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
  private final ReentrantLock probing = new ReentrantLock();
  private volatile boolean probed;
  private volatile boolean closed;

  RedisConnection(RedisLink link, RedisBuilder<?> b, RedisMeta meta) {
    this.link = link;
    this.meta = meta;
    this.lazy = b.lazy;
    this.probe = new RedisProbe(link.client(), meta, b.place(), b.allowEviction);
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
      probing.lock();
      try {
        if (!probed) {
          probe.look();
          probed = true;
        }
      } finally {
        probing.unlock();
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
