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
import java.time.Duration;
import java.util.List;
import java.util.function.LongSupplier;

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
  private final RedisConnection connection;
  private final RedisLink link;
  private final RedisKeys keys;
  private final RedisClock clock;
  private final RedisChanges changes;
  private final RedisClaims claims;
  private final RedisReader reader;
  private final StoreInfo info;

  private RedisStateStore(Builder b, RedisLink link) {
    this.link = link;
    keys = new RedisKeys(b.prefix, b.partitions);
    clock = new RedisClock(b.offset, b.partitions);
    changes = new RedisChanges(link, keys, clock);
    claims = new RedisClaims(link, keys, clock, changes);
    reader = new RedisReader(link, keys, clock);
    connection = new RedisConnection(link, b, RedisMeta.store(keys.meta(), b.partitions));
    StoreInfo.Durability survives = connection.open();
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
    connection.ready();
    info.check(list);
    return list.isEmpty() ? List.of() : changes.apply(list);
  }

  @Override
  public List<Stored> claim(Claim claim) {
    connection.ready();
    return claims.claim(claim);
  }

  /** A page of the rows of one record reads the whole record, and cuts the page of it. */
  @Override
  public Page<Stored> scan(Scan scan) {
    connection.ready();
    return reader.scan(scan);
  }

  @Override
  public Page<Stored> find(Find find) {
    connection.ready();
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
    connection.close();
  }

  /** How to open a store. Not safe for several threads. */
  public static final class Builder extends RedisBuilder<Builder> {
    private int partitions = 64;
    private LongSupplier offset = () -> 0;

    private Builder() {}

    @Override
    Builder self() {
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
     *     ErrorCode#INVALID_INPUT} when it refuses user or password, its certificate is not taken
     *     or sentinels do not know its name, {@link ErrorCode#STORE_MISMATCH} when it is older than
     *     6.2, may evict keys, allows no scripts, or has a store of another format or number of
     *     partitions under this prefix, {@link ErrorCode#STORE_FULL} when a new store finds no
     *     memory
     */
    public RedisStateStore open() {
      return open(link -> new RedisStateStore(this, link));
    }
  }
}
