package dev.troupe.testkit;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.event.Delivery;
import dev.troupe.event.EventTransport;
import dev.troupe.event.Feed;
import dev.troupe.event.Outgoing;
import dev.troupe.event.Position;
import dev.troupe.event.Settlement;
import dev.troupe.event.Subscription;
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
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;

/**
 * What a bus sees of the world, until its process dies: from then on nothing that it does reaches a
 * transport or a store, as after {@code kill -9}.
 */
final class MortalProcess {
  private final AtomicBoolean dead = new AtomicBoolean();
  private final Set<Feed> feeds = ConcurrentHashMap.newKeySet();
  private final EventTransport transport;
  private final StateStore store;
  private final Going going;

  /** What happens around the word that shards go. */
  @FunctionalInterface
  interface Going {
    /** The rest is what the bus does about it; called once. */
    void shards(Duration atMost, Runnable rest);
  }

  MortalProcess(EventTransport transport, StateStore store, Going going) {
    this.transport = transport;
    this.store = store;
    this.going = going;
  }

  void die() {
    dead.set(true);
  }

  boolean isDead() {
    return dead.get();
  }

  /** Feeds of the dead, which a transport may have to be told of. */
  Set<Feed> feeds() {
    return feeds;
  }

  EventTransport transport() {
    return new Transport();
  }

  StateStore store() {
    return new Store();
  }

  private void alive() {
    if (dead.get()) {
      throw new AgentException(ErrorCode.CLOSED, "this process is dead");
    }
  }

  private final class Transport implements EventTransport {
    @Override
    public void append(List<Outgoing> events) {
      alive();
      transport.append(events);
    }

    @Override
    public Feed open(Subscription subscription, Feed.Listener listener) {
      alive();
      Feed feed =
          transport.open(
              subscription,
              (shards, atMost) -> going.shards(atMost, () -> listener.revoking(shards, atMost)));
      feeds.add(feed);
      return new MortalFeed(feed);
    }

    @Override
    public Page<Delivery> read(String topic, Position from, int limit) {
      alive();
      return transport.read(topic, from, limit);
    }

    @Override
    public List<Problem> prepare(List<Topic> topics, boolean create) {
      alive();
      return transport.prepare(topics, create);
    }

    @Override
    public Info info() {
      return transport.info();
    }
  }

  private final class MortalFeed implements Feed {
    private final Feed feed;

    MortalFeed(Feed feed) {
      this.feed = feed;
    }

    @Override
    public List<Delivery> poll(int max, Duration wait) {
      alive();
      return feed.poll(max, wait);
    }

    @Override
    public void settle(List<Settlement> settlements) {
      if (!dead.get()) {
        feed.settle(settlements);
      }
    }

    @Override
    public List<ShardState> shards() {
      return feed.shards();
    }

    @Override
    public Set<String> follow(Function<Set<String>, Map<String, Position>> choice) {
      alive();
      return feed.follow(choice);
    }

    @Override
    public void close() {
      if (!dead.get()) {
        feed.close();
      }
    }
  }

  private final class Store implements StateStore {
    @Override
    public List<Outcome> apply(List<Change> changes) {
      alive();
      return store.apply(changes);
    }

    @Override
    public List<Stored> claim(Claim claim) {
      alive();
      return store.claim(claim);
    }

    @Override
    public Page<Stored> scan(Scan scan) {
      alive();
      return store.scan(scan);
    }

    @Override
    public Page<Stored> find(Find find) {
      alive();
      return store.find(find);
    }

    @Override
    public StoreInfo info() {
      return store.info();
    }
  }
}
