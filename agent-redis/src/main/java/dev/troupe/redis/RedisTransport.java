package dev.troupe.redis;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.event.Delivery;
import dev.troupe.event.EventTransport;
import dev.troupe.event.Feed;
import dev.troupe.event.Outgoing;
import dev.troupe.event.Position;
import dev.troupe.event.Subscription;
import dev.troupe.state.Page;
import dev.troupe.state.StoreInfo.Durability;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.UnifiedJedis;

/**
 * Events over Redis Streams, in Redis 6.2 or later. A shard is a stream with its own hash tag, an
 * event an entry with a field for each attribute, so any client can read and write them.
 *
 * <p>What was appended survives what the server is configured for: {@link Durability#MACHINE} only
 * with {@code appendonly yes} and {@code appendfsync always}, seen when the transport was opened;
 * otherwise {@link Durability#PROCESS}, and a server that crashes or fails over may lose the last
 * events and settlements.
 *
 * <p>Topics are made when they are first used, with the default number of shards; {@link #prepare}
 * makes them with another. Entries are deleted, about a thousand of a shard together, when every
 * group of the topic has settled them and the topic's {@code keep} has passed, a second at the
 * least; a topic with no group keeps about the last thousand of each shard, or what {@code keep}
 * says, and everything for its first ten seconds. {@link #forget} ends a group that nobody uses any
 * more, for which entries would be kept for ever.
 *
 * <p>A feed that waits holds a connection, and hears at once what is appended; over a cluster,
 * whose shards lie on several nodes, feeds look every few milliseconds instead. A feed that does
 * not poll for {@link Builder#lease} loses what it has to others. The server's clock decides. After
 * an error transport and feeds stay usable and connect again by themselves.
 *
 * <p>Nothing is sent twice by itself: events whose answer is missing are named by {@link
 * dev.troupe.event.AppendFailedException}, and may be appended again.
 *
 * <p>Safe for use by many threads.
 */
public final class RedisTransport implements EventTransport {
  private final StreamKeys keys;
  private final RedisLink link;
  private final RedisLink waiting;
  private final StreamTopics topics;
  private final StreamTrimmer trimmer;
  private final StreamAppender appender;
  private final RedisConnection connection;
  private final Duration lease;
  private final Durability survives;
  private final boolean allowEviction;

  private RedisTransport(Builder b, RedisLink link, RedisLink waiting) {
    this.link = link;
    this.waiting = waiting;
    keys = new StreamKeys(b.prefix);
    topics = new StreamTopics(link, keys, b.shards);
    trimmer = new StreamTrimmer(link, keys, topics);
    appender = new StreamAppender(link, keys, topics, trimmer);
    lease = b.lease;
    allowEviction = b.allowEviction;
    connection = new RedisConnection(link, b, RedisMeta.streams(keys.meta()));
    survives = connection.open();
  }

  /**
   * Opens a transport with the defaults.
   *
   * @param uri such as {@code redis://host:6379}, {@code redis://user:password@host:6379/1}, or
   *     {@code rediss://} for TLS
   * @return the transport
   * @throws AgentException as {@link Builder#open()}
   */
  public static RedisTransport connect(String uri) {
    return builder().uri(uri).open();
  }

  /**
   * Starts with the defaults: {@code localhost:6379}, prefix {@code troupe}, 8 shards.
   *
   * @return a builder
   */
  public static Builder builder() {
    return new Builder();
  }

  @Override
  public void append(List<Outgoing> events) {
    ready();
    if (!events.isEmpty()) {
      appender.append(events);
    }
  }

  @Override
  public Feed open(Subscription subscription, Feed.Listener listener) {
    ready();
    Objects.requireNonNull(listener, "listener");
    StreamParts parts = new StreamParts(link, waiting, keys, topics, trimmer, lease);
    try {
      return switch (subscription.mode()) {
        case ORDERED -> new StreamOrderedFeed(parts, subscription, listener);
        case SHARED -> new StreamSharedFeed(parts, subscription);
        case EVERYONE -> new StreamEveryoneFeed(parts, subscription);
      };
    } catch (AgentException e) {
      throw StreamErrors.of(e);
    }
  }

  @Override
  public Page<Delivery> read(String topic, Position from, int limit) {
    ready();
    if (limit < 1) {
      throw new IllegalArgumentException("limit must be at least 1: " + limit);
    }
    try {
      StreamTopics.Made made = topics.find(Topic.of(topic).name());
      if (made == null) {
        throw new AgentException(ErrorCode.TOPIC_NOT_FOUND, "topic " + topic + " does not exist");
      }
      return from instanceof Position.End
          ? new Page<>(List.of(), (@Nullable String) null)
          : new StreamHistory(link, keys, made.shards(), from, limit).page();
    } catch (AgentException e) {
      throw StreamErrors.of(e);
    }
  }

  /**
   * {@inheritDoc}
   *
   * <p>A server whose {@code maxmemory-policy} is not {@code noeviction} is a problem too, unless
   * {@link Builder#allowEviction} was set: it may throw whole shards away.
   */
  @Override
  public List<Problem> prepare(List<Topic> wanted, boolean create) {
    ready();
    List<Problem> problems = new ArrayList<>();
    try {
      String policy = allowEviction ? "noeviction" : connection.eviction();
      if (!policy.equals("noeviction")) {
        problems.add(
            new Problem(
                "maxmemory-policy",
                "it is %s, so the server may throw events away".formatted(policy),
                "set it to noeviction, or allow it with allowEviction(true)"));
      }
      wanted.forEach(topic -> check(topic, create, problems));
    } catch (AgentException e) {
      throw StreamErrors.of(e);
    }
    return problems;
  }

  private void check(Topic topic, boolean create, List<Problem> problems) {
    StreamTopics.Made found = create ? topics.create(topic) : topics.find(topic.name());
    String where = "topic " + topic.name();
    if (found == null) {
      problems.add(
          new Problem(where, "it does not exist", "prepare with create, or just append to it"));
    } else if (topic.shards() != 0 && topic.shards() != found.shards().size()) {
      problems.add(
          new Problem(
              where,
              "it has %d shards, not %d".formatted(found.shards().size(), topic.shards()),
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

  @Override
  public Info info() {
    return new Info(
        "redis streams",
        survives,
        EnumSet.allOf(Subscription.Mode.class),
        StreamAppender.MAX_BYTES,
        true);
  }

  /**
   * Forgets a group for good, with how far it had come: nothing is kept for it any more. For groups
   * that nobody uses; one that is used begins anew.
   *
   * @param topic the topic
   * @param group the group
   * @throws AgentException with {@link ErrorCode#TRANSPORT_UNAVAILABLE} when Redis does not answer
   */
  public void forget(String topic, String group) {
    ready();
    try {
      topics.forget(Topic.of(topic).name(), group);
    } catch (AgentException e) {
      throw StreamErrors.of(e);
    }
  }

  /** Deletes what nobody needs; for tests. */
  void trim(String topic) {
    trimmer.trim(topics.get(topic).shards());
  }

  /**
   * Closes the connections that this transport made; a client that was given stays open. Calls that
   * come later fail with {@link ErrorCode#CLOSED}. May be called more than once, by any thread.
   */
  @Override
  public void close() {
    connection.close();
    waiting.close();
  }

  private void ready() {
    try {
      connection.ready();
    } catch (AgentException e) {
      throw StreamErrors.of(e);
    }
  }

  /** How to open a transport. Not safe for use by several threads. */
  public static final class Builder extends RedisBuilder<Builder> {
    private static final int MOST_FEEDS = 1_000;
    private static final Duration LEAST_TIMEOUT = Duration.ofMillis(500);

    private int shards = 8;
    private Duration lease = Duration.ofSeconds(10);

    private Builder() {}

    @Override
    Builder self() {
      return this;
    }

    /**
     * Uses a client that the host program has, also one for a cluster. It is not closed with the
     * transport, and address, login, TLS, timeout and connections are its own: it needs one for
     * each feed beside those for everything else, a timeout of half a second or more, and must not
     * send commands again by itself.
     *
     * @param client of version 7.4 or later
     * @return this
     */
    @Override
    public Builder client(UnifiedJedis client) {
      return super.client(client);
    }

    /**
     * Sets how many shards a topic has that is made by its first use.
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
     * Sets after which silence a feed counts as dead. All processes should have the same.
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
     * Sets how many connections there may be, beside one for each feed; who finds none free waits
     * for at most the timeout.
     *
     * @param connections 16 by default
     * @return this
     */
    @Override
    public Builder connections(int connections) {
      return super.connections(connections);
    }

    /**
     * Sets how long to wait for a connection, and for each answer.
     *
     * @param timeout from half a second to an hour; 2 seconds by default
     * @return this
     */
    @Override
    public Builder timeout(Duration timeout) {
      if (timeout.compareTo(LEAST_TIMEOUT) < 0) {
        throw new IllegalArgumentException("timeout must be 500 ms to 1 h: " + timeout);
      }
      return super.timeout(timeout);
    }

    /**
     * Sets whether it is well that the server's {@code maxmemory-policy} is not {@code noeviction}.
     *
     * @param allowEviction false by default, and {@link RedisTransport#prepare} names such a server
     * @return this
     */
    @Override
    public Builder allowEviction(boolean allowEviction) {
      return super.allowEviction(allowEviction);
    }

    /**
     * Opens the transport.
     *
     * @return the transport; closed by the caller, after its feeds
     * @throws AgentException {@link ErrorCode#TRANSPORT_UNAVAILABLE} when no Redis answers, {@link
     *     ErrorCode#INVALID_INPUT} when it refuses user or password, its certificate is not taken
     *     or sentinels do not know its name, {@link ErrorCode#STORE_MISMATCH} when it is older than
     *     6.2, allows no scripts, or has topics of another format under this prefix, {@link
     *     ErrorCode#STORE_FULL} when the first transport under a prefix finds no memory
     */
    public RedisTransport open() {
      return open(this::opened);
    }

    private RedisTransport opened(RedisLink link) {
      RedisLink waiting = link(MOST_FEEDS);
      try {
        return new RedisTransport(this, link, waiting);
      } catch (AgentException e) {
        waiting.close();
        throw StreamErrors.of(e);
      } catch (RuntimeException | Error e) {
        waiting.close();
        throw e;
      }
    }
  }
}
