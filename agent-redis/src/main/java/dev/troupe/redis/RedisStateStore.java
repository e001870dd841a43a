package dev.troupe.redis;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.state.Change;
import dev.troupe.state.Claim;
import dev.troupe.state.Find;
import dev.troupe.state.Outcome;
import dev.troupe.state.Page;
import dev.troupe.state.Scan;
import dev.troupe.state.StateStore;
import dev.troupe.state.StoreInfo;
import dev.troupe.state.Stored;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.UnifiedJedis;

/**
 * A store in Redis 6.2 or later, for many processes at a time.
 *
 * <p>A list given to {@link #apply} is one round trip, a claim that finds something is two. What
 * was answered survives what the server is configured for: {@link StoreInfo.Durability#MACHINE}
 * only with {@code appendonly yes} and {@code appendfsync always}, seen when the store was opened;
 * otherwise {@link StoreInfo.Durability#PROCESS}, and a server that crashes or fails over may lose
 * the last changes, never a part of one. Time is the server's; it does not go back within a
 * partition, nor in the answers that one store object gives.
 *
 * <p>Nothing is sent twice by itself: when an answer is missing, the call throws {@link
 * ErrorCode#STORE_UNAVAILABLE}, and the same changes may be sent again.
 *
 * <p>Safe for use by many threads. After an error the store stays usable and connects again by
 * itself.
 */
public final class RedisStateStore implements StateStore {
  private final RedisLink link;
  private final RedisKeys keys;
  private final RedisClock clock;
  private final RedisChanges changes;
  private final RedisClaims claims;
  private final RedisReader reader;
  private final StoreInfo info;
  private final RedisProbe probe;
  private final ReentrantLock probing = new ReentrantLock();
  private volatile boolean probed;
  private volatile boolean closed;

  private RedisStateStore(Builder b, UnifiedJedis client) {
    keys = new RedisKeys(b.prefix, b.partitions);
    clock = new RedisClock(b.offset, b.partitions);
    link = new RedisLink(client, b.client == null);
    changes = new RedisChanges(link, keys, clock);
    claims = new RedisClaims(link, keys, clock, changes);
    reader = new RedisReader(link, keys, clock);
    probe = new RedisProbe(client, keys, b.place(), b.allowEviction);
    StoreInfo.Durability survives = StoreInfo.Durability.PROCESS;
    if (!b.lazy) {
      survives = probe.look();
      probed = true;
    }
    info = new StoreInfo("redis", b.partitions, StoreInfo.Sharing.FLEET, survives, Duration.ZERO);
  }

  /**
   * Opens a store with the defaults, and makes it if it is not there.
   *
   * @param uri such as {@code redis://host:6379}, {@code redis://user:password@host:6379/1}, or
   *     {@code rediss://} for TLS
   * @return the store
   * @throws AgentException as {@link Builder#open()}
   */
  public static RedisStateStore connect(String uri) {
    return builder().uri(uri).open();
  }

  /**
   * Starts with the defaults: {@code localhost:6379}, prefix {@code troupe}, 64 partitions.
   *
   * @return a builder
   */
  public static Builder builder() {
    return new Builder();
  }

  @Override
  public List<Outcome> apply(List<Change> list) {
    ready();
    info.check(list);
    return list.isEmpty() ? List.of() : changes.apply(list);
  }

  @Override
  public List<Stored> claim(Claim claim) {
    ready();
    return claims.claim(claim);
  }

  /** A page of the rows of one record reads the whole record, and cuts the page of it. */
  @Override
  public Page<Stored> scan(Scan scan) {
    ready();
    return reader.scan(scan);
  }

  @Override
  public Page<Stored> find(Find find) {
    ready();
    return new RedisSearch(link, keys, clock, find).page();
  }

  @Override
  public StoreInfo info() {
    return info;
  }

  /**
   * Closes the connections that this store made; a client that was given stays open. Calls that
   * come later fail with {@link ErrorCode#CLOSED}. May be called more than once, by any thread.
   */
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

  private void ready() {
    if (closed) {
      throw new AgentException(ErrorCode.CLOSED, "the Redis store was closed; open it again");
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

  /** How to open a store. Not safe for several threads. */
  public static final class Builder {
    private static final Pattern PREFIX = Pattern.compile("[^{}\\p{Cntrl}]{1,100}");

    private final RedisAddress address = new RedisAddress();
    private @Nullable UnifiedJedis client;
    private String prefix = "troupe";
    private int partitions = 64;
    private int connections = 16;
    private Duration timeout = Duration.ofSeconds(2);
    private boolean lazy;
    private boolean allowEviction;
    private LongSupplier offset = () -> 0;

    private Builder() {}

    /**
     * Sets where the server is, and what else the address says: user, password, database, TLS.
     *
     * @param uri such as {@code redis://host:6379} or {@code rediss://user:password@host:6379/1}
     * @return this
     */
    public Builder uri(String uri) {
      address.read(RedisAddress.parse(uri));
      return this;
    }

    /**
     * As {@link #uri(String)}.
     *
     * @param uri the address
     * @return this
     */
    public Builder uri(URI uri) {
      address.read(uri);
      return this;
    }

    /**
     * Sets the server's name.
     *
     * @param host name or address, {@code localhost} by default
     * @return this
     */
    public Builder host(String host) {
      address.host = Objects.requireNonNull(host, "host");
      return this;
    }

    /**
     * Sets the server's port.
     *
     * @param port 6379 by default
     * @return this
     */
    public Builder port(int port) {
      if (port < 1 || port > 65_535) {
        throw new IllegalArgumentException("port must be between 1 and 65535: " + port);
      }
      address.port = port;
      return this;
    }

    /**
     * Sets the user to log in as.
     *
     * @param user the user; by default the server's default user
     * @return this
     */
    public Builder user(String user) {
      address.user = Objects.requireNonNull(user, "user");
      return this;
    }

    /**
     * Sets the password to log in with.
     *
     * @param password the password, none by default
     * @return this
     */
    public Builder password(String password) {
      address.password = Objects.requireNonNull(password, "password");
      return this;
    }

    /**
     * Sets whether to use TLS, with the certificates that this JVM trusts.
     *
     * @param tls false by default
     * @return this
     */
    public Builder tls(boolean tls) {
      address.tls = tls;
      return this;
    }

    /**
     * Uses a client that the host program has. It is not closed with the store, and address, login,
     * TLS, timeout and connections are its own. It should not send commands again by itself: a
     * change survives that, a claim whose answer was lost would then seem to have found nothing.
     *
     * @param client of version 7.4 or later
     * @return this
     */
    public Builder client(UnifiedJedis client) {
      this.client = Objects.requireNonNull(client, "client");
      return this;
    }

    /**
     * Sets what all keys of the store begin with, so that several share a server.
     *
     * @param prefix 1 to 100 characters without braces and control characters; {@code troupe} by
     *     default
     * @return this
     */
    public Builder prefix(String prefix) {
      if (!PREFIX.matcher(prefix).matches()) {
        throw new IllegalArgumentException(
            "a prefix has 1 to 100 characters without braces and control characters: " + prefix);
      }
      this.prefix = prefix;
      return this;
    }

    /**
     * Sets how many partitions a new store gets; one that is there must have as many.
     *
     * @param partitions 1 to 4096, 64 by default
     * @return this
     */
    public Builder partitions(int partitions) {
      if (partitions < 1 || partitions > 4096) {
        throw new IllegalArgumentException("a store has 1 to 4096 partitions, not " + partitions);
      }
      this.partitions = partitions;
      return this;
    }

    /**
     * Sets how many connections there may be; who finds none free waits for at most the timeout.
     *
     * @param connections 16 by default
     * @return this
     */
    public Builder connections(int connections) {
      if (connections < 1) {
        throw new IllegalArgumentException("connections must be at least 1: " + connections);
      }
      this.connections = connections;
      return this;
    }

    /**
     * Sets how long to wait for a connection, and for each answer.
     *
     * @param timeout from a millisecond to an hour; 2 seconds by default
     * @return this
     */
    public Builder timeout(Duration timeout) {
      if (timeout.compareTo(Duration.ofMillis(1)) < 0
          || timeout.compareTo(Duration.ofHours(1)) > 0) {
        throw new IllegalArgumentException("timeout must be 1 ms to 1 h: " + timeout);
      }
      this.timeout = timeout;
      return this;
    }

    /**
     * Sets whether the store is opened without asking the server, which may come later. What is
     * wrong is then thrown by the first call, and every call until it is right; what changes
     * survive counts as {@link StoreInfo.Durability#PROCESS}.
     *
     * @param lazy false by default
     * @return this
     */
    public Builder lazy(boolean lazy) {
      this.lazy = lazy;
      return this;
    }

    /**
     * Sets whether a server is accepted whose {@code maxmemory-policy} is not {@code noeviction}:
     * when its memory runs out it may throw keys of the store away, and runs with them.
     *
     * @param allowEviction false by default; a warning is logged when it matters
     * @return this
     */
    public Builder allowEviction(boolean allowEviction) {
      this.allowEviction = allowEviction;
      return this;
    }

    /** For tests: by how many milliseconds the server's clock is moved. */
    Builder offset(LongSupplier offset) {
      this.offset = offset;
      return this;
    }

    /**
     * Opens the store, and makes it if it is not there.
     *
     * @return the store
     * @throws AgentException {@link ErrorCode#STORE_UNAVAILABLE} when no Redis answers, {@link
     *     ErrorCode#INVALID_INPUT} when it refuses user or password, {@link
     *     ErrorCode#STORE_MISMATCH} when it is older than 6.2, may evict keys, allows no scripts,
     *     or has a store of another format or number of partitions under this prefix, {@link
     *     ErrorCode#STORE_FULL} when a new store finds no memory
     */
    public RedisStateStore open() {
      UnifiedJedis given = client;
      if (given != null) {
        return new RedisStateStore(this, given);
      }
      UnifiedJedis made = address.client(connections, timeout);
      try {
        return new RedisStateStore(this, made);
      } catch (RuntimeException | Error e) {
        made.close();
        throw e;
      }
    }

    /** For messages. */
    private String place() {
      return client != null ? "the client's address" : address.toString();
    }
  }
}
