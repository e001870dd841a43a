package dev.troupe.event;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.state.Page;
import dev.troupe.state.StoreInfo.Durability;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/**
 * Carries events from those who publish to groups of those who subscribe. What is done with an
 * event after it was delivered is the business of the {@link EventBus}.
 *
 * <p>A topic is a fixed number of shards; a shard is a sequence of events. Guarantees, each with a
 * test of the same number in {@code EventTransportContract}:
 *
 * <ol>
 *   <li>When {@link #append} has returned, each event is delivered to every {@link
 *       Subscription.Mode#ORDERED} and {@link Subscription.Mode#SHARED} group that had joined,
 *       until the group has settled it as done; whatever feeds die meanwhile.
 *   <li>Events of one key are in one shard of a topic, those of a call in its order, those of later
 *       calls behind them; so are those whose call failed half way, once they are appended again.
 *   <li>{@code ORDERED}: a shard belongs to one feed of its group at a time, and comes in the order
 *       of the shard. A feed that takes over begins at the first delivery that was not settled.
 *   <li>{@code SHARED}: a delivery is with one feed of its group at a time, as long as that feed
 *       polls and its {@link Feed.Listener} was not told that it goes; feeds that poll share the
 *       work.
 *   <li>{@link Subscription.Mode#EVERYONE}: each feed gets what was appended after it was opened,
 *       and nothing is remembered of it.
 *   <li>What was settled as done is not delivered to the group again once the next poll has
 *       returned; after a feed died only where it lay behind something unsettled, or was settled in
 *       a last moment whose length the transport names.
 *   <li>What is settled as again comes again, to a feed of the group; what dies with its feed too,
 *       and its count goes up where {@link Info#counts()}.
 *   <li>A feed settles from any thread and in any order. What it settles after the delivery was
 *       taken from it changes nothing.
 *   <li>{@code poll(0, …)} delivers nothing and keeps what the feed has, but for what its listener
 *       is told of.
 *   <li>Groups do not disturb each other: each gets everything, at its own pace.
 *   <li>{@link #read} shows a topic's events without joining, in pages, each shard in its order,
 *       from the first that is kept, from a time, or from where a page ended.
 *   <li>Bytes that are no event are delivered as {@link Delivery.Raw} in their place; what is
 *       behind them is delivered too.
 *   <li>A feed that closes leaves at once: others need not wait for it to be missed.
 *   <li>What {@link #append} refuses, because it is over a limit or names no topic, is named and
 *       was not appended.
 *   <li>A feed that follows ({@link Feed#follow}) sees every topic that was created, and reads
 *       those it chooses as if it had been opened with them, beside what it reads already.
 * </ol>
 *
 * <p>Implementations are safe for use by many threads, block, honour interruption, and throw {@link
 * AgentException}.
 */
public interface EventTransport extends AutoCloseable {
  /**
   * Appends events to their topics.
   *
   * @param events what to append, in order
   * @throws AppendFailedException naming those that were not appended, or of which it is unknown;
   *     the others were
   */
  void append(List<Outgoing> events);

  /**
   * Joins a group. When this has returned, everything appended from now on is delivered to the
   * group, or, in mode {@code EVERYONE}, to the feed.
   *
   * @param subscription topics, group, mode, and where a new group begins
   * @param listener told before shards are taken away
   * @return where deliveries are pulled from; closed by the caller
   * @throws AgentException with {@link ErrorCode#TOPIC_NOT_FOUND} when a topic does not exist and
   *     is not created by itself
   */
  Feed open(Subscription subscription, Feed.Listener listener);

  /**
   * Shows history without joining.
   *
   * @param topic the topic
   * @param from where to begin: a page's {@code next} by {@link Position#at}, or another
   * @param limit the most events in the answer
   * @return deliveries with count 0; {@code next} is null when there was no more at the time
   */
  Page<Delivery> read(String topic, Position from, int limit);

  /**
   * Checks topics and settings, and creates topics when asked to. Finds all problems at once.
   *
   * @param topics what must be there
   * @param create whether to create topics that are missing
   * @return what is wrong, each with what to do; empty when all is well
   */
  List<Problem> prepare(List<Topic> topics, boolean create);

  /**
   * What the transport is.
   *
   * @return constant while open
   */
  Info info();

  /** Closes what this opened. Feeds are to be closed before. May be called more than once. */
  @Override
  default void close() {}

  /**
   * A topic as it must be.
   *
   * @param name 1 to 200 letters, digits, dots, dashes and underscores
   * @param shards how many sequences it has; 0 for as many as there are, or the transport's default
   * @param keep how long events are kept at the least, also when every group has settled them
   */
  record Topic(String name, int shards, Duration keep) {
    public Topic {
      Names.check("topic", name);
      Objects.requireNonNull(keep, "keep");
      if (shards < 0 || shards > MOST_SHARDS) {
        throw new IllegalArgumentException(
            "a topic has 1 to " + MOST_SHARDS + " shards, or 0 for the default: " + shards);
      }
      if (keep.isNegative()) {
        throw new IllegalArgumentException("keep must not be negative: " + keep);
      }
    }

    /** The most shards of a topic. */
    public static final int MOST_SHARDS = 4_096;

    /**
     * A topic as the transport makes it by default.
     *
     * @param name its name
     * @return the topic
     */
    public static Topic of(String name) {
      return new Topic(name, 0, Duration.ZERO);
    }
  }

  /**
   * Something that would keep events from flowing.
   *
   * @param where the topic or setting
   * @param what what is wrong with it
   * @param fix what to do
   */
  record Problem(String where, String what, String fix) {
    @Override
    public String toString() {
      return where + ": " + what + "; " + fix;
    }
  }

  /**
   * What a transport is.
   *
   * @param name for messages, such as {@code store} or {@code kafka}; no address, no secret
   * @param survives what appended events outlive
   * @param modes which modes it has
   * @param maxBytes the most bytes of an event, attributes and data together
   * @param counts whether a delivery's count survives the feed that it was with
   */
  record Info(
      String name,
      Durability survives,
      Set<Subscription.Mode> modes,
      int maxBytes,
      boolean counts) {
    public Info {
      modes = Set.copyOf(modes);
    }
  }
}
