package dev.troupe.event;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.Page;
import dev.troupe.state.StateStore;
import dev.troupe.state.StoreInfo;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/**
 * Events over any store: over one in memory it is the bus inside a process, over PostgreSQL, SQLite
 * or Redis it carries events between processes with nothing else to run. Appended events survive
 * what the store survives.
 *
 * <p>Topics are created when they are first used, with the default number of shards; {@link
 * #prepare} creates them with another. Events are deleted when every group of the topic has settled
 * them and the topic's {@code keep} has passed, about a thousand of a shard together; a topic with
 * no group keeps the last thousand or more of each shard, and everything for its first ten seconds.
 * An event that is appended again while its first copy is among the last of its shard is dropped.
 *
 * <p>Feeds hear at once what is appended in their process, and look for what others appended every
 * few milliseconds under load and every {@link Builder#lookEvery} when idle. A feed that does not
 * poll for {@link Builder#lease} loses what it has to others. The store's clock decides.
 *
 * <p>Safe for use by many threads.
 */
public final class StoreTransport implements EventTransport {
  private final StoreAccess access;
  private final StoreTopics topics;
  private final Pace pace;
  private final Arrivals arrivals = new Arrivals();
  private final @Nullable KnownEvents known;

  /** How often feeds look and how long they may be silent. */
  record Pace(Duration lease, Duration lookEvery) {}

  private StoreTransport(Builder b) {
    this.access = new StoreAccess(b.store);
    this.topics = new StoreTopics(access, b.shards);
    this.known =
        b.store.info().survives() == StoreInfo.Durability.NOTHING ? new KnownEvents() : null;
    this.pace = new Pace(b.lease, b.lookEvery);
  }

  /**
   * Events over a store.
   *
   * @param store where everything lies; not closed by the transport
   * @return a builder
   */
  public static Builder builder(StateStore store) {
    return new Builder(store);
  }

  /**
   * Events inside this process, which die with it.
   *
   * @return a transport over a store of its own
   */
  public static StoreTransport inMemory() {
    return builder(new MemoryStateStore()).build();
  }

  @Override
  public void append(List<Outgoing> events) {
    if (events.isEmpty()) {
      return;
    }
    new Appending(this, events).run();
    arrivals.signal();
  }

  ShardLog log(Outgoing one) {
    List<ShardLog> logs = topics.logs(one.topic());
    String key = one.event().key;
    return logs.get(shardOf(key == null ? one.event().id() : key, logs.size()));
  }

  /** CRC-32 of the key in UTF-8, modulo the number of shards, as with partitions of a store. */
  private static int shardOf(String key, int shards) {
    CRC32 crc = new CRC32();
    for (int i = 0; i < key.length(); i++) {
      char c = key.charAt(i);
      if (c >= 0x80) {
        crc.reset();
        crc.update(key.getBytes(StandardCharsets.UTF_8));
        break;
      }
      crc.update(c);
    }
    return (int) (crc.getValue() % shards);
  }

  /** Deletes what everybody is through with, if there may be enough of it. */
  void trim(ShardLog log) {
    topics.trim(log);
  }

  @Override
  public Feed open(Subscription subscription, Feed.Listener listener) {
    Objects.requireNonNull(listener, "listener");
    StoreFeed.Parts parts =
        new StoreFeed.Parts(access, arrivals, pace, new EventText(known), topics);
    return switch (subscription.mode()) {
      case ORDERED -> new OrderedFeed(parts, subscription, listener);
      case SHARED -> new SharedFeed(parts, subscription);
      case EVERYONE -> new EveryoneFeed(parts, subscription);
    };
  }

  /**
   * Forgets a group for good, with how far it had come: nothing is kept for it any more. For groups
   * that nobody uses; one that is used begins anew.
   *
   * @param topic the topic
   * @param group the group
   */
  public void forget(String topic, String group) {
    Names.check("group", group);
    topics.forget(topic, group);
  }

  @Override
  public Page<Delivery> read(String topic, Position from, int limit) {
    if (limit < 1) {
      throw new IllegalArgumentException("limit must be at least 1: " + limit);
    }
    StoreTopics.Made found = topics.made(Topic.of(topic), false);
    List<ShardLog> logs = topics.logs(topic);
    if (logs.size() != found.shards()) {
      throw new AgentException(ErrorCode.STORE_MISMATCH, "topic " + topic + " was made anew");
    }
    return new StoreHistory(logs).read(from, limit);
  }

  @Override
  public List<Problem> prepare(List<Topic> wanted, boolean create) {
    List<Problem> problems = new ArrayList<>();
    for (Topic topic : wanted) {
      StoreTopics.Made found = create ? topics.made(topic, true) : topics.find(topic.name());
      String where = "topic " + topic.name();
      if (found == null) {
        problems.add(
            new Problem(where, "it does not exist", "prepare with create, or just append to it"));
      } else if (topic.shards() != 0 && topic.shards() != found.shards()) {
        problems.add(
            new Problem(
                where,
                "it has %d shards, not %d".formatted(found.shards(), topic.shards()),
                "ask for as many as it has, or for 0; their number can't be changed"));
      } else if (found.keep() < topic.keep().toMillis()) {
        problems.add(
            new Problem(
                where,
                "it keeps events for %s, not %s"
                    .formatted(Duration.ofMillis(found.keep()), topic.keep()),
                "it was made so; take another topic, or ask for less"));
      }
    }
    return problems;
  }

  StoreAccess access() {
    return access;
  }

  @Nullable KnownEvents known() {
    return known;
  }

  @Override
  public Info info() {
    StoreInfo info = access.store.info();
    return new Info(
        info.name() + " store",
        info.survives(),
        EnumSet.allOf(Subscription.Mode.class),
        ShardLog.MAX_BYTES,
        true);
  }

  /** Makes a transport. Not safe for use by several threads. */
  public static final class Builder {
    private final StateStore store;
    private int shards = 8;
    private Duration lease = Duration.ofSeconds(10);
    private Duration lookEvery = Duration.ofMillis(100);

    private Builder(StateStore store) {
      this.store = Objects.requireNonNull(store, "store");
    }

    /**
     * Sets how many shards a topic has that is created by its first use.
     *
     * @param number 1 to 4,096; 8 when not set. In mode ORDERED a group has at most so many feeds
     *     at work
     * @return this
     */
    public Builder shards(int number) {
      if (number < 1 || number > Topic.MOST_SHARDS) {
        throw new IllegalArgumentException(
            "a topic has 1 to " + Topic.MOST_SHARDS + " shards: " + number);
      }
      this.shards = number;
      return this;
    }

    /**
     * Sets after which silence a feed counts as dead.
     *
     * @param duration 200 milliseconds to an hour; 10 seconds when not set
     * @return this
     */
    public Builder lease(Duration duration) {
      if (duration.toMillis() < 200 || duration.toHours() > 1) {
        throw new IllegalArgumentException("lease must be 200 ms to 1 h: " + duration);
      }
      this.lease = duration;
      return this;
    }

    /**
     * Sets how often an idle feed looks for what other processes appended.
     *
     * @param duration at least 2 milliseconds; 100 milliseconds when not set
     * @return this
     */
    public Builder lookEvery(Duration duration) {
      if (duration.toMillis() < 2) {
        throw new IllegalArgumentException("lookEvery must be at least 2 ms: " + duration);
      }
      this.lookEvery = duration;
      return this;
    }

    /**
     * Makes the transport. The store is asked at its first use.
     *
     * @return a new transport
     */
    public StoreTransport build() {
      return new StoreTransport(this);
    }
  }
}
