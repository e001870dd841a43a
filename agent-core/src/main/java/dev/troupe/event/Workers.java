package dev.troupe.event;

import dev.troupe.AgentException;
import dev.troupe.event.DeadLetter.Reason;
import dev.troupe.resilience.RetryPolicy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The threads that handle a subscriber's events, and what becomes of each event. */
final class Workers {
  private static final Logger LOG = LoggerFactory.getLogger(Workers.class);

  /** How long to wait before something is stored again that could not be. */
  private static final Duration UNSTORED = Duration.ofSeconds(1);

  private static final int MOST_PRINTS = 10_000;

  /** What died longer ago may have died of something that is over. */
  private static final long REPEATED_NANOS = Duration.ofMinutes(10).toNanos();

  private final EventBus bus;
  private final SubscriberOptions options;
  private final String group;
  private final Feed feed;
  private final Lanes lanes;
  private final Keys keys;
  private final @Nullable Seen seen;
  private final @Nullable DeathCounts counts;
  private final EventMetrics metrics;
  private final List<Thread> threads = new ArrayList<>();
  private final Trials trials;

  /** When content died here for good. */
  private final Map<String, Long> deadPrints = new ConcurrentHashMap<>();

  private final AtomicReference<@Nullable String> problem = new AtomicReference<>();
  private volatile boolean stopped;

  Workers(
      EventBus bus,
      SubscriberOptions options,
      Feed feed,
      Lanes lanes,
      Keys keys,
      @Nullable Seen seen,
      @Nullable DeathCounts counts,
      EventMetrics metrics) {
    this.bus = bus;
    this.options = options;
    this.group = options.subscription().group();
    this.feed = feed;
    this.lanes = lanes;
    this.keys = keys;
    this.seen = seen;
    this.counts = counts;
    this.metrics = metrics;
    this.trials = new Trials(bus.access(), group, options.maxDeliveries());
  }

  /**
   * Begins.
   *
   * @param poll polls as long as one thread has to, and gives what that is to do then
   */
  void start(Supplier<Lanes.@Nullable Bundle> poll) {
    for (int i = 0; i <= options.concurrency(); i++) { // one of them polls
      Thread thread = new Thread(() -> run(poll), "troupe-events-" + group + "-" + i);
      thread.setDaemon(true);
      threads.add(thread);
    }
    threads.forEach(Thread::start);
  }

  void stop() {
    stopped = true;
    lanes.close();
    Thread poller = lanes.poller();
    for (Thread thread : threads) {
      if (thread != poller) { // that one ends by itself, and may be sending
        thread.interrupt();
      }
    }
  }

  List<String> problems() {
    String why = problem.get();
    return why == null
        ? List.of()
        : List.of("group " + group + " can't lay down what failed, and waits: " + why);
  }

  private void run(Supplier<Lanes.@Nullable Bundle> poll) {
    while (true) {
      Lanes.Bundle some = lanes.take();
      if (some != null && lanes.isPolling(some)) {
        some = poll.get();
      }
      if (some == null) {
        return;
      }
      long began = System.nanoTime();
      List<Task> over = new ArrayList<>();
      for (Task task = some.next(); task != null; task = some.next()) {
        if (!stopped && (isCopy(task) || tried(task))) {
          over.add(task);
        }
      }
      if (!over.isEmpty()) {
        settle(over);
        lanes.over(over, System.nanoTime() - began);
      }
    }
  }

  private boolean isCopy(Task task) {
    if (seen == null || task.delivery == null || task.event == null) {
      return false;
    }
    task.copy = seen.isHere(task.event);
    return task.copy;
  }

  private void settle(List<Task> over) {
    remember(over);
    List<Settlement> done = new ArrayList<>(over.size());
    for (Task task : over) {
      acquit(task);
      if (task.delivery != null) {
        done.add(new Settlement.Done(task.delivery));
        if (counts != null) {
          counts.settled(task.delivery);
        }
      } else if (task.parked != null) {
        unpark(task.parked);
      }
    }
    if (!done.isEmpty()) {
      feed.settle(done);
    }
  }

  /** It did not kill its process. */
  void acquit(Task task) {
    try {
      trials.end(task);
    } catch (AgentException e) {
      LOG.debug("the note about {} expires by itself", task.event);
    }
  }

  private void remember(List<Task> over) {
    if (seen == null) {
      return;
    }
    try {
      List<Event> events = new ArrayList<>();
      for (Task task : over) {
        if (task.event != null && !task.copy) {
          events.add(task.event);
        }
      }
      seen.add(events);
    } catch (AgentException e) {
      LOG.warn("group {} can't note what it has handled: {}", group, e.toString());
    }
  }

  private void unpark(Parked parked) {
    try {
      bus.parking().done(parked);
    } catch (AgentException e) {
      // it stays held by this bus, and is handled again when this bus has gone
      LOG.warn(
          "{} was handled and can't be taken out of the store: {}", parked.event(), e.toString());
    }
  }

  /** As {@link #isOver}; whatever is wrong, the thread goes on and the event is not lost. */
  private boolean tried(Task task) {
    try {
      boolean over = isOver(task);
      if (over && seen != null && task.event != null) {
        seen.note(task.event);
      }
      return over;
    } catch (RuntimeException e) {
      return later(task, e);
    }
  }

  /** Does what can be done about it; false when it is to be looked at again later. */
  private boolean isOver(Task task) {
    if (task.unstored != null) {
      return stored(task, task.unstored);
    }
    Event event = task.event;
    if (event == null) {
      return stored(task, () -> bury(task, Reason.UNDECODABLE, null));
    }
    try {
      Trials.Verdict verdict = trials.begin(task);
      if (verdict == Trials.Verdict.BURY) {
        return stored(task, () -> bury(task, Reason.POISON, null));
      }
      if (verdict == Trials.Verdict.WAIT) {
        lanes.retry(task, Trials.TURN.toNanos());
        return false;
      }
    } catch (AgentException e) {
      return later(task, e);
    }
    String key = event.key;
    if (key != null && key.isEmpty()) {
      key = null;
    }
    try {
      if (key != null && keys.mustStandBehind(task, key)) {
        String lane = key;
        return stored(task, () -> park(task, event, lane, Duration.ZERO));
      }
    } catch (AgentException e) {
      return later(task, e);
    }
    return handled(task, event, key);
  }

  private boolean handled(Task task, Event original, @Nullable String key) {
    Event event;
    try {
      event = bus.latest(original);
    } catch (AgentException invalid) {
      return stored(task, () -> bury(task, Reason.INVALID, invalid));
    }
    try {
      options.handler().handle(event, new EventContext(bus, group, task, event));
      metrics.handled.increment();
      return true;
    } catch (Throwable failure) {
      if (failure instanceof InterruptedException || stopped) {
        lanes.retry(task, Long.MAX_VALUE / 4); // it goes to others when this one has left
        return false;
      }
      return failed(task, original, key, failure); // in the form in which it came
    }
  }

  private boolean failed(Task task, Event event, @Nullable String key, Throwable failure) {
    task.attempts++;
    metrics.failed.increment();
    acquit(task); // it failed, but killed nobody
    LOG.debug("group {}: attempt {} at {} failed", group, task.attempts, event, failure);
    if (options.subscription().mode() == Subscription.Mode.EVERYONE) {
      LOG.warn("{} was not handled: {}", event, failure.toString());
      return true;
    }
    if (task.parked == null && isRepeated(event)) {
      return stored(task, () -> bury(task, Reason.REPEATED, failure));
    }
    Optional<Duration> wait = wait(task, failure);
    if (wait.isEmpty()) {
      return stored(task, () -> bury(task, Reason.FAILED, failure));
    }
    if (task.parked != null) {
      Parked parked = task.parked;
      return stored(task, () -> bus.parking().again(parked, task.attempts, wait.get()), true);
    }
    boolean hot = wait.get().compareTo(options.hotDelay()) <= 0;
    if ((hot && !(options.parksKeys() && key != null)) || !bus.storeLasts()) {
      lanes.retry(task, wait.get().toNanos());
      return false;
    }
    return stored(task, () -> park(task, event, key == null ? "" : key, wait.get()));
  }

  /** What the policy says; one that fails itself gives up. */
  private Optional<Duration> wait(Task task, Throwable failure) {
    double random = ThreadLocalRandom.current().nextDouble();
    try {
      return options.retry().next(new RetryPolicy.Attempt(task.attempts, failure, random));
    } catch (RuntimeException e) {
      LOG.error("the retry policy of group {} fails, so nothing is tried again", group, e);
      return Optional.empty();
    }
  }

  /** Whether the same content died here lately. What was parked or replayed has its attempts. */
  private boolean isRepeated(Event event) {
    Long died = deadPrints.get(DeadLetters.fingerprint(event));
    return died != null && System.nanoTime() - died < REPEATED_NANOS;
  }

  private void park(Task task, Event event, String key, Duration wait) {
    if (!key.isEmpty()) {
      keys.parked(task, key);
    }
    bus.parking().park(group, task, event, key, wait);
    metrics.parked.increment();
  }

  private void bury(Task task, Reason reason, @Nullable Throwable failure) {
    if (options.subscription().mode() == Subscription.Mode.EVERYONE) { // nobody could replay it
      LOG.warn(
          "group {} could not handle {} of {}: {}{}",
          group,
          task.event == null ? "bytes at " + task.offset() : task.event,
          task.shard,
          reason,
          failure == null ? "" : ", " + failure);
      return;
    }
    note(task); // before anybody can see the letter
    bus.deadLetters().put(group, task, reason, failure);
    trials.forget(task);
    metrics.died(reason);
    LOG.warn(
        "group {} could not handle {} of {}, which is now a dead letter: {} after {} attempt(s){}",
        group,
        task.event == null ? "bytes at " + task.offset() : task.event,
        task.shard,
        reason,
        task.attempts,
        failure == null ? "" : ", " + failure.getClass().getName());
  }

  /** Its content died here. */
  private void note(Task task) {
    if (task.event != null) {
      long now = System.nanoTime();
      if (deadPrints.size() >= MOST_PRINTS) {
        deadPrints.values().removeIf(died -> now - died >= REPEATED_NANOS);
      }
      if (deadPrints.size() < MOST_PRINTS) {
        deadPrints.put(DeadLetters.fingerprint(task.event), now);
      }
    }
  }

  private boolean stored(Task task, Runnable store) {
    return stored(task, store, false);
  }

  /** Nothing is skipped: what can't be stored is stored later, and until then not settled. */
  private boolean stored(Task task, Runnable store, boolean leavesOrigin) {
    try {
      store.run();
      task.unstored = null;
      problem.set(null);
      return !leavesOrigin || leave(task);
    } catch (AgentException e) {
      task.unstored = store;
      return later(task, e);
    }
  }

  /** It is where it came from again, and no longer here. */
  private boolean leave(Task task) {
    lanes.over(List.of(task), 0);
    return false;
  }

  private boolean later(Task task, RuntimeException why) {
    if (problem.getAndSet(String.valueOf(why.getMessage())) == null) {
      LOG.warn("group {} can't lay down what failed, and waits: {}", group, why.toString());
    }
    lanes.retry(task, UNSTORED.toNanos());
    return false;
  }
}
