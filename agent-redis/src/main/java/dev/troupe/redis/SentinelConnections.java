package dev.troupe.redis;

import dev.troupe.AgentException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.CommandArguments;
import redis.clients.jedis.Connection;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.providers.ConnectionProvider;
import redis.clients.jedis.providers.PooledConnectionProvider;

/**
 * Connections to the primary that sentinels name. A daemon thread asks them every second, and soon
 * after something failed; when they name another server, its connections take the place of the
 * former one's, also while that one still answers. Connects when it is first used.
 *
 * <p>It asks instead of listening to what sentinels publish, because a message can be lost.
 *
 * <p>Safe for use by many threads.
 */
final class SentinelConnections implements ConnectionProvider {
  private static final Logger LOG = LoggerFactory.getLogger(SentinelConnections.class);
  private static final long EVERY_NANOS = Duration.ofSeconds(1).toNanos();
  private static final long SOONEST_NANOS = Duration.ofMillis(50).toNanos();

  private final Sentinels sentinels;
  private final Function<HostAndPort, PooledConnectionProvider> pools;
  private final ReentrantLock asking = new ReentrantLock();
  private volatile @Nullable Pool current;
  private volatile boolean doubted;
  private volatile boolean closed;
  private volatile @Nullable Thread watch;

  private record Pool(HostAndPort place, PooledConnectionProvider connections) {}

  /**
   * Asks nobody yet.
   *
   * @param pools makes the connections to a server
   */
  SentinelConnections(Sentinels sentinels, Function<HostAndPort, PooledConnectionProvider> pools) {
    this.sentinels = sentinels;
    this.pools = pools;
  }

  @Override
  public Connection getConnection() {
    return pool().connections.getConnection();
  }

  @Override
  public Connection getConnection(CommandArguments arguments) {
    return getConnection();
  }

  @Override
  public Map<?, ?> getConnectionMap() {
    return pool().connections.getConnectionMap();
  }

  private Pool pool() {
    Pool pool = current;
    return pool == null ? first() : pool;
  }

  private Pool first() {
    asking.lock();
    try {
      Pool pool = current;
      if (pool != null) {
        return pool;
      }
      HostAndPort place = sentinels.primary();
      Pool found = new Pool(place, pools.apply(place));
      current = found;
      if (!closed) {
        Thread thread = new Thread(this::watch, "troupe-redis-sentinels");
        thread.setDaemon(true);
        watch = thread;
        thread.start();
      }
      return found;
    } finally {
      asking.unlock();
    }
  }

  /** Something failed: idle connections are dropped, and the sentinels are asked soon. */
  void doubt() {
    Pool pool = current;
    if (pool != null) {
      pool.connections.getPool().clear();
      doubted = true;
      LockSupport.unpark(watch);
    }
  }

  private void watch() {
    while (!closed) {
      LockSupport.parkNanos(this, SOONEST_NANOS);
      long end = System.nanoTime() + EVERY_NANOS;
      for (long left = EVERY_NANOS; left > 0 && !doubted && !closed; ) {
        LockSupport.parkNanos(this, left);
        left = end - System.nanoTime();
      }
      doubted = false;
      look();
    }
  }

  private void look() {
    asking.lock();
    try {
      Pool before = current;
      if (closed || before == null) {
        return;
      }
      HostAndPort place = sentinels.primary();
      if (!place.equals(before.place)) {
        current = new Pool(place, pools.apply(place));
        before.connections.close(); // those in use are closed when they come back
        LOG.info("{} is now {}, it was {}", sentinels, place, before.place);
      }
    } catch (AgentException e) {
      LOG.debug("who is the primary is not known now: {}", e.getMessage());
    } catch (RuntimeException e) {
      LOG.warn("asking the sentinels failed: {}", e.toString());
    } finally {
      asking.unlock();
    }
  }

  /** Ends the thread and closes all connections. */
  @Override
  public void close() {
    closed = true;
    asking.lock();
    try {
      LockSupport.unpark(watch);
      Pool pool = current;
      if (pool != null) {
        pool.connections.close();
      }
      sentinels.close();
    } finally {
      asking.unlock();
    }
  }
}
