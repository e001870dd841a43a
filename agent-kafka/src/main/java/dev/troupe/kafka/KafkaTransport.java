package dev.troupe.kafka;

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
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.acl.AclOperation;

/**
 * Events over Kafka. A shard is a partition, a group a consumer group; an event is a record as the
 * CloudEvents Kafka binding has it in binary mode, so that any language reads what is written here,
 * and its key is the record's key.
 *
 * <p>Records are handed out without waiting for those before them. What is finished is committed as
 * far as nothing unfinished lies before it; what is finished behind that goes into the commit's
 * metadata while it fits (2 KB), so that whoever takes over skips it. Commits are made while
 * polling, at most once in {@link Builder#commitEvery}, before partitions are given away, and at
 * close: what a feed settled within that time before it died may come again.
 *
 * <p>A feed is a consumer of its own, and dead when it has not polled for {@code
 * max.poll.interval.ms}, or its process has not been heard of for {@code session.timeout.ms}. When
 * members come and go, partitions move: the feed's listener is told, and what is not settled then
 * is delivered to the next owner. In mode {@code SHARED} a delivery is with the feed that has its
 * partition, too, so a group has no more feeds at work than there are partitions.
 *
 * <p>A consumer group counts no deliveries: a delivery's count is 1 and one more each time it was
 * given back to the same feed. {@linkplain Builder#shareGroups Share groups} count them.
 *
 * <p>Topics are not created by use, but by {@link #prepare} when it is asked to. A group that was
 * away for longer than the brokers' {@code offsets.retention.minutes} is a new one. Events that
 * retention removed before a group came to them are reported in the log with their number, and the
 * group goes on behind them. A topic that gets more partitions keeps no order of keys across that
 * moment.
 *
 * <p>Appended events survive the death of clients and brokers, {@link Durability#PROCESS}. They
 * survive the loss of a machine only where topics are replicated, which a client can't know for
 * topics to come: whoever sees to it says {@link Builder#replicated()}, which {@link #prepare}
 * checks.
 *
 * <p>Safe for use by many threads. Works with kafka-clients 4.0 and later, share groups with 4.2.
 */
public final class KafkaTransport implements EventTransport {
  private static final Duration CLOSE_LIMIT = Duration.ofSeconds(5);

  private final KafkaSettings settings;
  private final Admin admin;
  private final KafkaTopics topics;
  private final KafkaAppender appender;
  private final KafkaPreparation preparation;
  private final GroupFeed.Pace pace;
  private final Info info;
  private final ShareGroups shares;
  private final RecordForms forms;
  private final Set<Feed> feeds = ConcurrentHashMap.newKeySet();

  private KafkaTransport(Builder b, KafkaSettings settings, Admin admin) {
    this.settings = settings;
    this.admin = admin;
    this.topics = new KafkaTopics(admin, settings.callLimit());
    this.forms = new RecordForms(b.codecs);
    this.appender = new KafkaAppender(settings, topics, forms);
    this.shares = new ShareGroups(b.shareGroups, b.shareConsumers, b.shareDeliveries + 2);
    this.preparation =
        new KafkaPreparation(
            topics,
            new KafkaPreparation.Wanted(
                b.shards, b.replicas, b.replicated, settings.maxRequest(), b.access, shares));
    // inside a poll handlers are waited for and then something is asked; both together keep the
    // feed a member
    Duration drain = min(b.drain, settings.pollInterval().dividedBy(4));
    Duration half = settings.pollInterval().dividedBy(2);
    Duration call = min(settings.callLimit(), min(half, Duration.ofSeconds(5)));
    Duration join = settings.pollInterval().plus(settings.callLimit());
    this.pace = new GroupFeed.Pace(b.commitEvery, drain, call, join);
    this.info =
        new Info(
            "kafka",
            b.replicated ? Durability.MACHINE : Durability.PROCESS,
            EnumSet.allOf(Subscription.Mode.class),
            settings.maxBytes(),
            false);
  }

  private static Duration min(Duration one, Duration other) {
    return one.compareTo(other) < 0 ? one : other;
  }

  /**
   * Events over the Kafka that has these brokers.
   *
   * @param bootstrapServers some of its brokers, such as {@code kafka-1:9092,kafka-2:9092}
   * @return a builder
   */
  public static Builder builder(String bootstrapServers) {
    return builder(Map.of("bootstrap.servers", bootstrapServers));
  }

  /**
   * Events over Kafka, with settings of Kafka's own clients.
   *
   * @param settings by the names that kafka-clients has for them; producers, consumers and admin
   *     clients get those that they know. Security settings belong here. Some may not be set, or
   *     not so that guarantees are lost; {@link Builder#build} names them
   * @return a builder
   */
  public static Builder builder(Map<String, ?> settings) {
    return new Builder(settings);
  }

  @Override
  public void append(List<Outgoing> events) {
    appender.append(events);
  }

  @Override
  public Feed open(Subscription subscription, Feed.Listener listener) {
    Objects.requireNonNull(listener, "listener");
    try {
      if (subscription.mode() == Subscription.Mode.EVERYONE) {
        return everyone(subscription);
      }
      boolean share =
          subscription.mode() == Subscription.Mode.SHARED && shares.has(subscription.group());
      return share ? share(subscription) : join(subscription, listener);
    } catch (KafkaException e) {
      throw KafkaErrors.of("group " + subscription.group() + " can't be joined", e);
    }
  }

  private Feed everyone(Subscription subscription) {
    KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(settings.reader("everyone"));
    boolean opened = false;
    try {
      KafkaFeed feed =
          new EveryoneFeed(consumer, topics, subscription, pace.call(), forms, feeds::remove);
      feeds.add(feed);
      opened = true;
      return feed;
    } finally {
      if (!opened) {
        consumer.close();
      }
    }
  }

  private Feed join(Subscription subscription, Feed.Listener listener) {
    GroupFeed feed =
        new GroupFeed(
            new KafkaConsumer<>(settings.member(subscription.group())),
            topics,
            subscription,
            listener,
            pace,
            forms,
            feeds::remove);
    feeds.add(feed);
    boolean joined = false;
    try {
      feed.join();
      joined = true;
    } finally {
      if (!joined) {
        feed.close();
      }
    }
    return feed;
  }

  private Feed share(Subscription subscription) {
    ShareStart start = new ShareStart(topics, shares, subscription.group());
    start.check();
    Duration within = min(start.lock(), settings.pollInterval()).dividedBy(3);
    ShareMember.Terms terms =
        new ShareMember.Terms(within, start.lock(), pace.call(), start.deliveries(), forms);
    ShareFeed feed =
        new ShareFeed(
            topics,
            start,
            () ->
                new ShareMember(
                    new KafkaShareConsumer<>(settings.shareMember(subscription.group())), terms),
            shares.consumers(),
            feeds::remove);
    feeds.add(feed);
    boolean joined = false;
    try {
      feed.join(subscription);
      joined = true;
    } finally {
      if (!joined) {
        feed.close();
      }
    }
    return feed;
  }

  @Override
  public Page<Delivery> read(String topic, Position from, int limit) {
    if (limit < 1) {
      throw new IllegalArgumentException("limit must be at least 1: " + limit);
    }
    return new KafkaHistory(settings, topics, forms).read(topic, from, limit);
  }

  @Override
  public List<Problem> prepare(List<Topic> wanted, boolean create) {
    return preparation.prepare(wanted, create);
  }

  @Override
  public Info info() {
    return info;
  }

  /**
   * Closes its clients, each within seconds, and feeds that are open still. May be called more than
   * once.
   */
  @Override
  public void close() {
    List.copyOf(feeds).forEach(Feed::close);
    appender.close();
    boolean interrupted = Thread.interrupted(); // else nothing is closed in order
    admin.close(CLOSE_LIMIT);
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** Makes a transport. Not safe for use by several threads. */
  public static final class Builder {
    private final Map<String, Object> settings;
    private int shards = 8;
    private int replicas;
    private boolean replicated;
    private Set<AclOperation> access = EnumSet.of(AclOperation.READ, AclOperation.WRITE);
    private Duration commitEvery = Duration.ofMillis(100);
    private Duration drain = Duration.ofSeconds(30);
    private final Map<String, RecordCodec> codecs = new HashMap<>();
    private Set<String> shareGroups = Set.of();
    private int shareConsumers = 8;
    private int shareDeliveries = 5;

    private Builder(Map<String, ?> settings) {
      this.settings = new HashMap<>(settings);
    }

    /**
     * Sets a setting of Kafka's clients.
     *
     * @param name its name, such as {@code max.poll.interval.ms}
     * @param value its value
     * @return this
     */
    public Builder setting(String name, Object value) {
      settings.put(name, value);
      return this;
    }

    /**
     * Sets how many partitions a topic gets that {@link #prepare} creates without a number.
     *
     * @param number 1 to 4,096; 8 when not set. A group has at most so many feeds at work
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
     * Sets how many replicas a topic gets that {@link #prepare} creates.
     *
     * @param number 1 to 100; the brokers' default when not set
     * @return this
     */
    public Builder replicas(int number) {
      if (number < 1 || number > 100) {
        throw new IllegalArgumentException("a topic has 1 to 100 replicas: " + number);
      }
      this.replicas = number;
      return this;
    }

    /**
     * Says that all topics have three replicas or more, of which two or more take each write: then
     * appended events survive {@link Durability#MACHINE}. {@link #prepare} names topics that are
     * not so.
     *
     * @return this
     */
    public Builder replicated() {
      this.replicated = true;
      return this;
    }

    /**
     * Says that this transport only appends events: {@link #prepare} then does not ask that topics
     * can be read.
     *
     * @return this
     */
    public Builder publishOnly() {
      this.access = EnumSet.of(AclOperation.WRITE);
      return this;
    }

    /**
     * Says that this transport only opens feeds and reads history: {@link #prepare} then does not
     * ask that topics can be written.
     *
     * @return this
     */
    public Builder subscribeOnly() {
      this.access = EnumSet.of(AclOperation.READ);
      return this;
    }

    /**
     * Sets how often a feed commits at most, while it polls.
     *
     * @param interval 0 to 10 seconds; 100 milliseconds when not set. With 0 each poll commits what
     *     was settled before it
     * @return this
     */
    public Builder commitEvery(Duration interval) {
      if (interval.isNegative() || interval.toMillis() > 10_000) {
        throw new IllegalArgumentException("commitEvery must be 0 to 10 s: " + interval);
      }
      this.commitEvery = interval;
      return this;
    }

    /**
     * Sets how long a feed's listener has to settle when partitions go to others.
     *
     * @param most at least 0; 30 seconds when not set, and in any case a quarter of {@code
     *     max.poll.interval.ms} at the most, since the group waits for it
     * @return this
     */
    public Builder drainAtMost(Duration most) {
      if (most.isNegative()) {
        throw new IllegalArgumentException("drainAtMost must not be negative: " + most);
      }
      this.drain = most;
      return this;
    }

    /**
     * Sets what the values of a topic's records are. Without, they are events' data as it is, and
     * records without a CloudEvent's headers are no events.
     *
     * @param topic the topic
     * @param codec encodes and decodes; not closed
     * @return this
     */
    public Builder codec(String topic, RecordCodec codec) {
      codecs.put(topic, Objects.requireNonNull(codec, "codec"));
      return this;
    }

    /**
     * Makes groups share groups of Kafka, in mode {@code SHARED}: any feed gets the next event,
     * however many partitions there are, and the brokers count deliveries. For short handlers only:
     * a consumer that holds an event which is worked on gets no other, nor do those behind it in
     * the same partition while all its consumers are at work. Needs kafka-clients and brokers 4.2
     * or later, and the access {@code DescribeConfigs} and {@code Read} to the group; {@link
     * #prepare} and opening a feed name what is missing. A group can't become another kind of group
     * while Kafka knows it.
     *
     * <p>Kafka takes down where a group begins only while the group has no members. A group at work
     * takes up more topics from their first event, as patterns ask for; from anywhere else is an
     * error that names the fix. For that its {@code share.auto.offset.reset} is set to {@code
     * earliest}, when a feed opens and the access {@code AlterConfigs} allows it.
     *
     * <p>What a feed settled and what it held when it died comes again after the group's {@code
     * share.record.lock.duration.ms}. The brokers give an event up that they delivered as often as
     * the group's {@code share.delivery.count.limit} says.
     *
     * @param names the groups; they replace those named before
     * @return this
     */
    public Builder shareGroups(String... names) {
      this.shareGroups = Set.of(names);
      return this;
    }

    /**
     * Sets how many consumers a feed of a share group has at the most. Each holds up to 20 events,
     * and gets new ones when all of them are settled.
     *
     * @param most 1 to 100, at least as many as handlers run at once; 8 when not set
     * @return this
     */
    public Builder shareConsumers(int most) {
      if (most < 1 || most > 100) {
        throw new IllegalArgumentException("a feed has 1 to 100 consumers: " + most);
      }
      this.shareConsumers = most;
      return this;
    }

    /**
     * Says what {@code maxDeliveries} the subscriptions of share groups have at the most. The
     * brokers must deliver an event two times more, so that it is a dead letter before they give it
     * up.
     *
     * @param times at least 2; 5, as subscriptions have it, when not set
     * @return this
     */
    public Builder shareDeliveries(int times) {
      if (times < 2) {
        throw new IllegalArgumentException("shareDeliveries must be at least 2: " + times);
      }
      this.shareDeliveries = times;
      return this;
    }

    /**
     * Makes the transport. Nothing is asked of the brokers yet; {@link KafkaTransport#prepare} does
     * that.
     *
     * @return a new transport
     * @throws AgentException with {@link ErrorCode#INVALID_INPUT}, naming all settings that can't
     *     be as they are and what to do, without any value
     */
    public KafkaTransport build() {
      KafkaSettings checked = new KafkaSettings(settings);
      List<String> problems = checked.problems();
      if (!problems.isEmpty()) {
        throw new AgentException(
            ErrorCode.INVALID_INPUT, "Kafka settings: " + String.join("; ", problems));
      }
      try {
        checked.check();
        return new KafkaTransport(this, checked, Admin.create(checked.admin()));
      } catch (KafkaException e) {
        // the message and the causes may show what was given, a password among it
        throw new AgentException(
            ErrorCode.INVALID_INPUT,
            "Kafka's client refuses the settings: look at " + KafkaErrors.setting(e));
      }
    }
  }
}
