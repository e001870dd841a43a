package dev.troupe.event;

import dev.troupe.AgentException;
import dev.troupe.event.Delivery.Shard;
import dev.troupe.event.Feed.ShardState;
import dev.troupe.event.Subscription.Mode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Polls for a subscriber, and passes on what comes. One thread of the subscriber polls at a time.
 */
final class Puller implements ParkingLot.Taker {
  private static final Logger LOG = LoggerFactory.getLogger(Puller.class);
  private static final Duration WAIT = Duration.ofMillis(200);
  private static final long TICK = TimeUnit.MILLISECONDS.toNanos(50);
  private static final long WARN_EVERY = TimeUnit.MINUTES.toNanos(1);
  private static final long LONGEST_PAUSE = TimeUnit.SECONDS.toNanos(5);

  private final EventBus bus;
  private final SubscriberOptions options;
  private final Feed feed;
  private final Lanes lanes;
  private final Workers workers;
  private final Keys keys;
  private final @Nullable Seen seen;
  private final @Nullable DeathCounts counts;
  private final EventMetrics metrics;
  private final Following following;
  private final Set<String> served = ConcurrentHashMap.newKeySet();

  /** What was polled and is not in the lanes yet, because it could not be counted or looked up. */
  private final List<Delivery> polled = new ArrayList<>();

  private final AtomicReference<@Nullable String> problem = new AtomicReference<>();
  private long nextWarning = System.nanoTime();
  private volatile boolean paused;
  private volatile boolean draining;
  private volatile boolean stopped;

  Puller(EventBus bus, SubscriberOptions options) {
    this.bus = bus;
    this.options = options;
    this.lanes = new Lanes(options.concurrency(), options.overflow() == Overflow.WAIT);
    this.feed = bus.transport().open(options.subscription(), this::revoking);
    this.seen =
        options.dedupe().isZero()
            ? null
            : new Seen(bus.access(), options.subscription().group(), options.dedupe());
    boolean remembered = options.subscription().mode() != Mode.EVERYONE;
    this.counts =
        bus.transport().info().counts() || !remembered
            ? null
            : new DeathCounts(bus.access(), options.subscription().group(), options.maxInFlight());
    this.keys = new Keys(bus.parking(), options, lanes);
    this.metrics = new EventMetrics(bus.meters());
    this.following = bus.following(options);
    this.workers = new Workers(bus, options, feed, lanes, keys, seen, counts, metrics);
  }

  void start() {
    serve(Set.copyOf(options.subscription().topics()));
    serve(following.first(feed));
    metrics.watch(options.subscription().group(), this);
    workers.start(this::poll);
  }

  private void serve(Set<String> topics) {
    if (options.subscription().mode() != Mode.EVERYONE && !topics.isEmpty()) {
      served.addAll(topics);
      bus.parking().serve(options.subscription().group(), topics, this);
    }
  }

  List<ShardState> shards() {
    return feed.shards();
  }

  double lag() {
    long all = 0;
    for (ShardState shard : feed.shards()) {
      all += shard.lag();
    }
    return all;
  }

  int inFlight() {
    return lanes.inside();
  }

  long missed() {
    return metrics.missed.sum();
  }

  void pause(boolean on) {
    paused = on;
  }

  List<String> problems() {
    List<String> all = new ArrayList<>();
    String why = problem.get();
    if (why != null) {
      all.add("group " + options.subscription().group() + " gets no events: " + why);
    }
    all.addAll(following.problems());
    all.addAll(workers.problems());
    return all;
  }

  @Override
  public boolean hasRoom() {
    return !draining && !paused && lanes.inside() < options.maxInFlight();
  }

  @Override
  public void take(Task task) {
    if (!lanes.put(List.of(task))) {
      giveBack(task);
    }
  }

  /** Polls until there is something else for this thread to do; null when it is over. */
  private Lanes.@Nullable Bundle poll() {
    long pause = TICK;
    while (!stopped) {
      boolean unused = Thread.interrupted(); // by a handler that interrupted its own thread
      try {
        Lanes.Bundle some = turn();
        if (some != null) {
          return some;
        }
        problem.set(null);
        pause = TICK;
      } catch (RuntimeException e) {
        if (stopped) {
          return null;
        }
        String why = e instanceof AgentException known ? known.getMessage() : e.toString();
        if (problem.getAndSet(why) == null) {
          LOG.warn("group {} gets no events now: {}", options.subscription().group(), why);
        }
        rest(pause);
        pause = Math.min(LONGEST_PAUSE, pause * 2);
      }
    }
    return null;
  }

  /** While the store is away and the feed is not, this is a member all the same. */
  private void rest(long pause) {
    long end = System.nanoTime() + pause;
    boolean answers = true;
    for (long left = pause; left > 0 && !stopped; left = end - System.nanoTime()) {
      lanes.awaitLess(Math.min(left, WAIT.toNanos()));
      if (answers && !polled.isEmpty() && !stopped) {
        try {
          feed.poll(0, Duration.ZERO);
        } catch (RuntimeException e) {
          answers = false;
          LOG.debug("group {}: the feed fails, too", options.subscription().group(), e);
        }
      }
    }
  }

  private Lanes.@Nullable Bundle turn() {
    if (!draining && !paused && following.due()) {
      serve(following.again(feed));
    }
    boolean waits = options.overflow() == Overflow.WAIT;
    int most = options.maxInFlight();
    if (draining || paused || (waits && !lanes.awaitFewerThan(most, TICK))) {
      feed.poll(0, Duration.ZERO);
      if (draining || paused) {
        lanes.awaitLess(TICK);
      }
      return null;
    }
    if (polled.isEmpty()) {
      polled.addAll(feed.poll(waits ? most - lanes.inside() : most, WAIT));
    } else { // the store was away; it is still a member
      feed.poll(0, Duration.ZERO);
    }
    if (polled.isEmpty()) {
      return null;
    }
    List<Task> tasks = accept(polled, counts == null ? null : counts.counted(polled));
    polled.clear();
    problem.set(null);
    // the last thing that is done here: another thread may poll by now; and what is not taken is
    // not settled, and goes to others
    return lanes.putOrDo(tasks);
  }

  /** Says what is to be handled of what came, and settles the rest. */
  private List<Task> accept(List<Delivery> some, int @Nullable [] times) {
    Set<Delivery> old = seen == null ? Set.of() : seen.of(some);
    List<Task> tasks = new ArrayList<>(some.size());
    List<Settlement> others = new ArrayList<>(0);
    for (int i = 0; i < some.size(); i++) {
      Delivery delivery = some.get(i);
      boolean wanted =
          !(delivery.content() instanceof Delivery.Decoded decoded)
              || options.filter().test(decoded.event());
      if (!wanted || old.contains(delivery)) {
        others.add(new Settlement.Done(delivery));
        continue;
      }
      tasks.add(Task.of(delivery, times == null ? delivery.count() : times[i]));
    }
    keys.assign(tasks);
    if (options.overflow() != Overflow.WAIT) {
      drop(lanes.put(tasks, options.maxInFlight(), options.overflow()), others);
      tasks = List.of();
    }
    if (!others.isEmpty()) {
      feed.settle(others);
    }
    return tasks;
  }

  private void drop(List<Task> dropped, List<Settlement> settlements) {
    if (dropped.isEmpty()) {
      return;
    }
    metrics.missed.add(dropped.size());
    for (Task task : dropped) {
      if (task.delivery != null) {
        settlements.add(new Settlement.Done(task.delivery));
      }
    }
    if (System.nanoTime() - nextWarning >= 0) {
      nextWarning = System.nanoTime() + WARN_EVERY;
      LOG.warn(
          "group {} is slower than its events and drops some, {} by now: {}",
          options.subscription().group(),
          missed(),
          options.overflow());
    }
  }

  /** Called by the feed inside a poll: ends what is being done for some shards. */
  private void revoking(Set<Shard> shards, Duration atMost) {
    long end = System.nanoTime() + atMost.toNanos();
    polled.removeIf(delivery -> shards.contains(delivery.shard()));
    while (lanes.drop(task -> task.parked == null && shards.contains(task.shard))) {
      long left = end - System.nanoTime();
      if (left <= 0) {
        break;
      }
      lanes.awaitLess(Math.min(left, TICK));
    }
    keys.forget(shards);
    if (counts != null) {
      counts.leave(shards);
    }
  }

  void close(Duration grace) {
    if (stopped) {
      return;
    }
    draining = true;
    lanes.shut();
    bus.parking().serveNoMore(options.subscription().group(), Set.copyOf(served), this);
    long end = System.nanoTime() + grace.toNanos();
    // what nobody works on yet goes to others, from where it came
    while (giveBack() && System.nanoTime() - end < 0) {
      lanes.awaitLess(TICK);
    }
    stopped = true;
    workers.stop();
    Thread poller = lanes.poller();
    if (poller != null) {
      join(poller);
    }
    uncount();
    try {
      feed.close();
    } catch (AgentException e) {
      LOG.debug("others will find out by themselves that this member has gone: {}", e.toString());
    } finally {
      metrics.close();
    }
  }

  private void uncount() {
    try {
      if (counts != null) {
        counts.leave();
      }
    } catch (AgentException e) {
      LOG.debug("what is left will look as if this process had died: {}", e.toString());
    }
  }

  private boolean giveBack() {
    Map<Task, Boolean> waiting = new HashMap<>();
    boolean busy =
        lanes.drop(
            task -> {
              waiting.put(task, true);
              return true;
            });
    for (Task task : waiting.keySet()) {
      workers.acquit(task);
      giveBack(task);
    }
    return busy;
  }

  private void giveBack(Task task) {
    if (task.parked != null) {
      try {
        bus.parking().again(task.parked, task.attempts, Duration.ZERO);
      } catch (AgentException e) {
        LOG.debug("others will find {} when this bus has gone", task.event);
      }
    }
  }

  private static void join(Thread one) {
    try {
      one.join(TimeUnit.SECONDS.toMillis(10));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
