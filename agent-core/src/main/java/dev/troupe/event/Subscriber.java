package dev.troupe.event;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.event.Feed.ShardState;
import dev.troupe.event.Subscription.Mode;
import dev.troupe.resilience.RetryPolicy;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/**
 * A member of a group that handles events: pulls them from the transport, hands them to a handler
 * by several threads, tries again what failed, and keeps what can't be handled as dead letters.
 * Made by {@link EventBus#subscribe}. Safe for use by many threads.
 */
public final class Subscriber implements AutoCloseable {
  private final EventBus bus;
  private final Puller puller;

  private Subscriber(EventBus bus, Puller puller) {
    this.bus = bus;
    this.puller = puller;
  }

  /**
   * The shards that this member has, with how far the group is behind in each.
   *
   * @return a row for each shard
   */
  public List<ShardState> shards() {
    return puller.shards();
  }

  /**
   * How many events are inside: being handled, waiting for a thread, or to be tried again soon.
   *
   * @return the number now
   */
  public int inFlight() {
    return puller.inFlight();
  }

  /**
   * How many events were dropped because the handler was slower than they came, see {@link
   * Builder#overflow}.
   *
   * @return the number since the start
   */
  public long missed() {
    return puller.missed();
  }

  /**
   * What keeps events from being handled.
   *
   * @return empty when all is well; otherwise what is wrong, for people
   */
  public List<String> problems() {
    return puller.problems();
  }

  /** Takes nothing more until {@link #resume}; keeps what it has. */
  public void pause() {
    puller.pause(true);
  }

  /** Goes on after {@link #pause}. */
  public void resume() {
    puller.pause(false);
  }

  /** As {@link #close(Duration)} with 30 seconds. */
  @Override
  public void close() {
    close(Duration.ofSeconds(30));
  }

  /**
   * Takes nothing more, lets what is being handled end, settles it and leaves the group. What did
   * not end in time, and what waits to be tried again, goes to other members.
   *
   * @param grace how long handlers may still work; then their threads are interrupted
   */
  public void close(Duration grace) {
    puller.close(grace);
    bus.remove(this);
  }

  /** Says what a subscriber does, and starts it. Not safe for use by several threads. */
  public static final class Builder {
    private final EventBus bus;
    final String group;
    final List<String> topics;
    Mode mode = Mode.ORDERED;
    Position from = Position.END;
    int concurrency = 16;
    int maxInFlight;
    RetryPolicy retry = RetryPolicy.exponential(5);
    boolean parksKeys;
    int maxDeliveries = 5;
    Duration hotDelay = Duration.ofSeconds(10);
    Duration dedupe = Duration.ZERO;
    Predicate<Event> filter = event -> true;
    Overflow overflow = Overflow.WAIT;

    Builder(EventBus bus, String group, List<String> topics) {
      this.bus = bus;
      this.group = group;
      this.topics = List.copyOf(topics);
    }

    /**
     * Sets how the events are divided among the members of the group.
     *
     * @param value ORDERED when not set: events of one key one after another
     * @return this
     */
    public Builder mode(Mode value) {
      this.mode = Objects.requireNonNull(value, "mode");
      return this;
    }

    /**
     * Sets where the group begins when it is new. Topics that fit a pattern and come later are read
     * from their first event on.
     *
     * @param value the end when not set
     * @return this
     */
    public Builder from(Position value) {
      this.from = Objects.requireNonNull(value, "from");
      return this;
    }

    /**
     * Sets by how many threads events are handled at once.
     *
     * @param threads 1 to 10,000; 16 when not set
     * @return this
     */
    public Builder concurrency(int threads) {
      if (threads < 1 || threads > 10_000) {
        throw new IllegalArgumentException("concurrency must be 1 to 10,000: " + threads);
      }
      this.concurrency = threads;
      return this;
    }

    /**
     * Sets how many events are taken from the transport and not yet settled.
     *
     * @param events at least 1; 1,000, or 4 for each thread if that is more, when not set
     * @return this
     */
    public Builder maxInFlight(int events) {
      if (events < 1) {
        throw new IllegalArgumentException("maxInFlight must be at least 1: " + events);
      }
      this.maxInFlight = events;
      return this;
    }

    /**
     * Sets what becomes of events in mode {@code EVERYONE} that come while {@link #maxInFlight} are
     * inside.
     *
     * @param value {@link Overflow#WAIT} when not set: nothing is dropped here
     * @return this
     */
    public Builder overflow(Overflow value) {
      this.overflow = Objects.requireNonNull(value, "overflow");
      return this;
    }

    /**
     * Sets how often and when an event is tried again that failed. Waits of up to {@link #hotDelay}
     * are spent in memory, where the event's key waits with it and others go on; for longer ones
     * the event is parked in the store, and what comes of its key behind it.
     *
     * @param policy five attempts with growing waits when not set
     * @return this
     */
    public Builder retry(RetryPolicy policy) {
      this.retry = Objects.requireNonNull(policy, "retry");
      return this;
    }

    /**
     * Parks an event at its first failure, however short the wait is, and what comes of its key
     * behind it: a key that fails for long then takes no room in memory.
     *
     * @return this
     */
    public Builder parkKeys() {
      this.parksKeys = true;
      return this;
    }

    /**
     * Sets how long a wait may be that is spent in memory.
     *
     * @param longest 10 seconds when not set
     * @return this
     */
    public Builder hotDelay(Duration longest) {
      if (longest.isNegative()) {
        throw new IllegalArgumentException("hotDelay must not be negative: " + longest);
      }
      this.hotDelay = longest;
      return this;
    }

    /**
     * Sets how often an event is delivered whose process dies each time, before it is a dead
     * letter. While it is suspect nothing of its shard is handled beside it.
     *
     * @param times at least 2; 5 when not set
     * @return this
     */
    public Builder maxDeliveries(int times) {
      if (times < 2) {
        throw new IllegalArgumentException("maxDeliveries must be at least 2: " + times);
      }
      this.maxDeliveries = times;
      return this;
    }

    /**
     * Recognises events that this group has handled before, by source and id, at the cost of two
     * more calls of the store for a batch. Where a handler starts or signals runs under the event's
     * id, this is not needed. Not for mode {@code EVERYONE}, where each member handles each event.
     *
     * <p>The window has to be longer than an event can take to come again: longer than all waits of
     * the retry policy together, which {@link #start} checks as far as the policy tells, and longer
     * than publishers go on sending, a group is away, or a transport takes to give what a dead
     * process had to others, which nothing here knows.
     *
     * @param window for how long
     * @return this
     */
    public Builder dedupe(Duration window) {
      if (window.isNegative() || window.isZero()) {
        throw new IllegalArgumentException("the window must be positive: " + window);
      }
      this.dedupe = window;
      return this;
    }

    /**
     * Handles only events of some types; others are settled without being handled.
     *
     * @param patterns types, in which {@code *} stands for any characters
     * @return this
     */
    public Builder types(String... patterns) {
      List<Pattern> some =
          List.of(patterns).stream().map(pattern -> Pattern.compile(regex(pattern))).toList();
      this.filter = event -> some.stream().anyMatch(p -> p.matcher(event.type()).matches());
      return this;
    }

    private static String regex(String pattern) {
      StringBuilder regex = new StringBuilder();
      for (String part : pattern.split("\\*", -1)) {
        regex.append(regex.isEmpty() ? "" : ".*").append(Pattern.quote(part));
      }
      return regex.toString();
    }

    /**
     * Joins the group and begins.
     *
     * @param handler what is done with each event
     * @return the subscriber; closed by the caller, at the latest with the bus
     * @throws AgentException with {@link ErrorCode#INVALID_INPUT} when events may be dropped in a
     *     mode in which each is settled, or a pattern or name is wrong, or {@link #dedupe} does not
     *     go with the mode or forgets sooner than {@link #retry} gives up
     */
    public Subscriber start(EventHandler handler) {
      Objects.requireNonNull(handler, "handler");
      if (overflow != Overflow.WAIT && mode != Mode.EVERYONE) {
        throw new AgentException(
            ErrorCode.INVALID_INPUT,
            "group %s can't drop events (%s) in mode %s, where each is settled; take mode EVERYONE, or WAIT"
                .formatted(group, overflow, mode));
      }
      if (topics.isEmpty()) {
        throw new AgentException(
            ErrorCode.INVALID_INPUT, "group %s names no topic and no pattern".formatted(group));
      }
      if (!dedupe.isZero()) {
        Redelivery.check(group, mode, retry, dedupe);
      }
      Puller puller = new Puller(bus, new SubscriberOptions(this, handler));
      Subscriber subscriber = new Subscriber(bus, puller);
      bus.add(subscriber);
      boolean started = false;
      try {
        puller.start();
        started = true;
      } finally {
        if (!started) {
          subscriber.close(Duration.ZERO);
        }
      }
      return subscriber;
    }

    @Override
    public String toString() {
      return String.format(Locale.ROOT, "%s of %s", group, topics);
    }
  }
}
