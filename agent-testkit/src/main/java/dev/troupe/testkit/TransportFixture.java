package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.event.Delivery;
import dev.troupe.event.Event;
import dev.troupe.event.EventTransport;
import dev.troupe.event.Feed;
import dev.troupe.event.Outgoing;
import dev.troupe.event.Position;
import dev.troupe.event.Settlement;
import dev.troupe.event.Subscription;
import dev.troupe.event.Subscription.Mode;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.IntFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** What tests of transports share: hooks for the adapter, feeds that are closed, bounded waits. */
@Timeout(300)
@Execution(ExecutionMode.CONCURRENT) // they mostly wait
public abstract class TransportFixture {
  private final String topic = "t-" + UUID.randomUUID();
  private final List<EventTransport> transports = new ArrayList<>();
  private final List<Feed> feeds = new ArrayList<>();
  private final Set<Feed> dead = new HashSet<>();
  private Instant lastAppended = Instant.EPOCH;

  /** For subclasses. */
  protected TransportFixture() {}

  /**
   * Makes a transport as another process would, over what all transports of this test share.
   *
   * @return a transport, closed after the test
   */
  protected abstract EventTransport open();

  /**
   * After which silence a feed of these transports is taken for dead.
   *
   * @return as short as the transport allows; every test waits several of these
   */
  protected abstract Duration lease();

  /**
   * Puts bytes where an event should be, as somebody would who writes to the backend himself.
   *
   * @param to the topic
   * @param key the key that decides the shard
   * @param bytes no event
   */
  protected abstract void appendBytes(String to, String key, byte[] bytes);

  /**
   * How long to wait for what must come.
   *
   * @return 30 seconds, or more
   */
  protected Duration patience() {
    return Duration.ofSeconds(30);
  }

  @BeforeEach
  void prepareTopic() {
    another();
    assertThat(transport().prepare(List.of(EventTransport.Topic.of(topic)), true)).isEmpty();
  }

  @AfterEach
  void closeAll() {
    for (Feed feed : feeds) {
      if (!dead.contains(feed)) {
        feed.close();
      }
    }
    transports.forEach(EventTransport::close);
    closed();
  }

  /** Called after everything of a test was closed, to close what lies behind it. */
  protected void closed() {}

  /** The topic of this test. */
  final String topic() {
    return topic;
  }

  final EventTransport transport() {
    return transports.get(0);
  }

  /** A transport of another process. */
  final EventTransport another() {
    EventTransport one = open();
    transports.add(one);
    return one;
  }

  final Feed join(String group, Mode mode) {
    return join(transport(), group, mode);
  }

  final Feed join(EventTransport by, String group, Mode mode) {
    return opened(by, new Subscription(List.of(topic), group, mode, Position.END));
  }

  final Feed join(String group, Mode mode, Feed.Listener listener) {
    Subscription subscription = new Subscription(List.of(topic), group, mode, Position.END);
    return opened(transport(), subscription, listener);
  }

  final Feed opened(Subscription subscription) {
    return opened(transport(), subscription);
  }

  private Feed opened(EventTransport by, Subscription subscription) {
    return opened(by, subscription, (shards, atMost) -> {});
  }

  private Feed opened(EventTransport by, Subscription subscription, Feed.Listener listener) {
    Feed feed = by.open(subscription, listener);
    feeds.add(feed);
    return feed;
  }

  /** This feed's process dies: it is never polled nor closed. */
  final void dead(Feed feed) {
    dead.add(feed);
    silent(feed);
  }

  /**
   * The feed's process hangs; for transports that go on by themselves.
   *
   * @param feed whose process it is
   */
  protected void silent(Feed feed) {}

  final List<String> append(int count, IntFunction<String> key) {
    return append(transport(), count, key);
  }

  final List<String> append(EventTransport by, int count, IntFunction<String> key) {
    List<Outgoing> events = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Event event = Event.builder("tick").key(key.apply(i)).json(i).build();
      events.add(new Outgoing(topic, event));
    }
    by.append(events);
    return events.stream().map(one -> one.event().id()).toList();
  }

  /** The latest time at which an event of this test was appended, by the transport's clock. */
  final Instant appended() {
    for (Delivery one : transport().read(topic, Position.START, 100_000).items()) {
      lastAppended = one.appended().isAfter(lastAppended) ? one.appended() : lastAppended;
    }
    return lastAppended;
  }

  static Event event(Delivery delivery) {
    return ((Delivery.Decoded) delivery.content()).event();
  }

  static List<String> ids(List<Delivery> deliveries) {
    return deliveries.stream().map(delivery -> event(delivery).id()).toList();
  }

  /** Both feeds poll until each has something to read from; from then on nothing moves. */
  final void bothTakePart(Feed one, Feed two) {
    until(
        "both have shards",
        () -> {
          one.poll(0, Duration.ZERO);
          two.poll(0, Duration.ZERO);
          return !one.shards().isEmpty() && !two.shards().isEmpty();
        });
  }

  /** Takes so many deliveries and leaves them unsettled. */
  final List<Delivery> take(Feed feed, int count) {
    List<Delivery> taken = new ArrayList<>();
    until(
        count + " deliveries came",
        () -> {
          taken.addAll(feed.poll(count - taken.size(), Duration.ofMillis(50)));
          return taken.size() >= count;
        });
    return taken;
  }

  final List<Delivery> takeAndSettle(Feed feed, int count) {
    List<Delivery> taken = new ArrayList<>();
    until(
        count + " deliveries came",
        () -> {
          taken.addAll(settled(feed.poll(100, Duration.ofMillis(50)), feed));
          return taken.size() >= count;
        });
    return taken;
  }

  final List<Delivery> settled(List<Delivery> some, Feed feed) {
    feed.settle(some.stream().<Settlement>map(Settlement.Done::new).toList());
    return some;
  }

  final List<String> settledIds(Feed feed, int count) {
    return ids(takeAndSettle(feed, count));
  }

  /** Nothing comes for longer than a lease. */
  final void nothingComes(Feed feed) {
    during(
        lease().multipliedBy(3).dividedBy(2),
        () -> assertThat(feed.poll(10, Duration.ofMillis(20))).isEmpty());
  }

  final void during(Duration time, Runnable action) {
    long end = System.nanoTime() + time.toNanos();
    while (System.nanoTime() - end < 0) {
      action.run();
      LockSupport.parkNanos(1_000_000);
    }
  }

  final void until(String what, BooleanSupplier reached) {
    long end = System.nanoTime() + patience().toNanos();
    while (!reached.getAsBoolean()) {
      assertThat(System.nanoTime() - end).as("%s within %s", what, patience()).isNegative();
    }
  }
}
