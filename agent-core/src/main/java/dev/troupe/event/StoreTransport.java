package dev.troupe.event;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.event.Delivery.Shard;
import dev.troupe.state.Edit;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.Page;
import dev.troupe.state.RecordId;
import dev.troupe.state.StateStore;
import dev.troupe.state.StoreInfo;
import dev.troupe.state.Stored;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Events over any store: over one in memory it is the bus inside a process, over PostgreSQL, SQLite
 * or Redis it carries events between processes with nothing else to run. Appended events survive
 * what the store survives.
 *
 * <p>Topics are created when they are first used, with the default number of shards; {@link
 * #prepare} creates them with another. Events are deleted when every group of the topic has settled
 * them and the topic's {@code keep} has passed, about a thousand of a shard together; a topic with
 * no group keeps the last thousand or more of each shard. An event that is appended again while its
 * first copy is among the last of its shard is dropped.
 *
 * <p>Feeds hear at once what is appended in their process, and look for what others appended every
 * few milliseconds under load and every {@link Builder#lookEvery} when idle. A feed that does not
 * poll for {@link Builder#lease} loses what it has to others. The store's clock decides.
 *
 * <p>Safe for use by many threads.
 */
public final class StoreTransport implements EventTransport {
  private static final Logger LOG = LoggerFactory.getLogger(StoreTransport.class);
  private static final String GROUP = "group ";

  private final StoreAccess access;
  private final int defaultShards;
  private final Pace pace;
  private final Arrivals arrivals = new Arrivals();
  private final @Nullable KnownEvents known;
  private final Map<String, List<ShardLog>> topics = new ConcurrentHashMap<>();

  /** How often feeds look and how long they may be silent. */
  record Pace(Duration lease, Duration lookEvery) {}

  private StoreTransport(Builder b) {
    this.access = new StoreAccess(b.store);
    this.defaultShards = b.shards;
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
    List<ShardLog> logs = logs(one.topic());
    String key = one.event().key;
    return logs.get(shardOf(key == null ? one.event().id() : key, logs.size()));
  }

  /** CRC-32 of the key in UTF-8, modulo the number of shards, as with partitions of a store. */
  private static int shardOf(String key, int shards) {
    CRC32 crc = new CRC32();
    crc.update(key.getBytes(StandardCharsets.UTF_8));
    return (int) (crc.getValue() % shards);
  }

  /** Deletes what everybody is through with, if there may be enough of it. */
  void trim(ShardLog log) {
    if (!log.mayTrim()) {
      return;
    }
    try {
      Stored topic = access.look(id(log.shard.topic()), true);
      if (topic == null) {
        return;
      }
      long needed = Long.MAX_VALUE;
      for (String row : topic.rows().keySet()) {
        if (row.startsWith(GROUP)) {
          GroupCursors group =
              new GroupCursors(access, log.shard.topic(), row.substring(GROUP.length()));
          needed = Math.min(needed, group.settledUpTo(log.shard.number()));
        }
      }
      log.trim(needed, access.time.millis() - TopicRecord.decode(topic).keep());
    } catch (AgentException e) {
      LOG.debug("the log of {} was not trimmed now: {}", log.shard, e.toString());
    }
  }

  private List<ShardLog> logs(String topic) {
    List<ShardLog> known = topics.get(topic);
    return known == null ? open(Topic.of(topic)) : known;
  }

  private List<ShardLog> open(Topic topic) {
    int shards = record(topic, true).shards();
    return topics.computeIfAbsent(
        topic.name(),
        name -> {
          List<ShardLog> logs = new ArrayList<>(shards);
          for (int i = 0; i < shards; i++) {
            logs.add(new ShardLog(access, new Shard(name, i)));
          }
          return List.copyOf(logs);
        });
  }

  private RecordId id(String topic) {
    return access.id("$topic:" + topic);
  }

  /** How a topic was made. Stored as {@code 1 shards keepMillis}. */
  private record TopicRecord(int shards, long keep) {
    byte[] encode() {
      return ("1 " + shards + " " + keep).getBytes(StandardCharsets.US_ASCII);
    }

    static TopicRecord decode(Stored found) {
      String[] parts = new String(found.value(), StandardCharsets.US_ASCII).split(" ");
      if (parts.length != 3 || !parts[0].equals("1")) {
        throw new AgentException(
            ErrorCode.STORE_MISMATCH,
            found.id().key() + " was written by another version of the library");
      }
      return new TopicRecord(Integer.parseInt(parts[1]), Long.parseLong(parts[2]));
    }
  }

  private @Nullable TopicRecord found(String topic) {
    Stored found = access.look(id(topic), false);
    return found == null ? null : TopicRecord.decode(found);
  }

  private TopicRecord record(Topic topic, boolean create) {
    TopicRecord found = found(topic.name());
    if (found == null && create) {
      RecordId id = id(topic.name());
      int shards = topic.shards() == 0 ? defaultShards : topic.shards();
      TopicRecord made = new TopicRecord(shards, topic.keep().toMillis());
      access.apply(
          id.partition(),
          List.of(
              new Edit.Absent(id.key()),
              new Edit.Put(id.key(), made.encode(), Map.of("troupe", "topic"), null)));
      found = found(topic.name());
    }
    if (found == null) {
      throw new AgentException(
          ErrorCode.TOPIC_NOT_FOUND, "topic %s does not exist".formatted(topic.name()));
    }
    return found;
  }

  @Override
  public Feed open(Subscription subscription, Feed.Listener listener) {
    Objects.requireNonNull(listener, "listener");
    if (subscription.mode() == Subscription.Mode.EVERYONE) {
      List<ShardLog> all = new ArrayList<>();
      subscription.topics().forEach(topic -> all.addAll(logs(topic)));
      return new EveryoneFeed(arrivals, pace, texts(), all);
    }
    List<OrderedFeed.Topic> joined = new ArrayList<>();
    for (String topic : subscription.topics()) {
      List<ShardLog> logs = logs(topic);
      join(topic, subscription);
      GroupCursors cursors = new GroupCursors(access, topic, subscription.group());
      cursors.create(logs.size(), number -> begin(logs.get(number), subscription.from()));
      joined.add(new OrderedFeed.Topic(cursors, logs));
    }
    return subscription.mode() == Subscription.Mode.ORDERED
        ? new OrderedFeed(access, arrivals, pace, texts(), joined, listener)
        : new SharedFeed(access, arrivals, pace, texts(), joined);
  }

  private EventText texts() {
    return new EventText(known);
  }

  private static long begin(ShardLog log, Position from) {
    if (from instanceof Position.Start) {
      return log.start();
    } else if (from instanceof Position.Since since) {
      return log.before(since.time().toEpochMilli());
    }
    return log.end();
  }

  /** Notes that a group is there, so that nothing is deleted that it has not settled. */
  private void join(String topic, Subscription subscription) {
    RecordId id = id(topic);
    String row = GROUP + subscription.group();
    byte[] mode = subscription.mode().name().getBytes(StandardCharsets.US_ASCII);
    access.apply(
        id.partition(), List.of(new Edit.NoRow(id.key(), row), new Edit.Row(id.key(), row, mode)));
    Stored found = access.look(id, true);
    byte[] before = found == null ? null : found.rows().get(row);
    String other = before == null ? "" : new String(before, StandardCharsets.US_ASCII);
    if (!other.equals(subscription.mode().name())) {
      throw new AgentException(
          ErrorCode.INVALID_INPUT,
          "group %s of topic %s has mode %s and can't be joined in mode %s; take another group"
              .formatted(subscription.group(), topic, other, subscription.mode()));
    }
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
    RecordId id = id(topic);
    int shards = logs(topic).size();
    access.apply(id.partition(), List.of(new Edit.Row(id.key(), GROUP + group, null)));
    new GroupCursors(access, topic, group).delete(shards);
  }

  @Override
  public Page<Delivery> read(String topic, Position from, int limit) {
    if (limit < 1) {
      throw new IllegalArgumentException("limit must be at least 1: " + limit);
    }
    TopicRecord found = record(Topic.of(topic), false);
    List<ShardLog> logs = logs(topic);
    if (logs.size() != found.shards()) {
      throw new AgentException(ErrorCode.STORE_MISMATCH, "topic " + topic + " was made anew");
    }
    return new StoreHistory(logs).read(from, limit);
  }

  @Override
  public List<Problem> prepare(List<Topic> wanted, boolean create) {
    List<Problem> problems = new ArrayList<>();
    for (Topic topic : wanted) {
      TopicRecord found = create ? record(topic, true) : found(topic.name());
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
