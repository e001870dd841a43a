package dev.troupe.event;

import java.util.List;
import java.util.Objects;

/**
 * What a feed is about.
 *
 * @param topics what to read from the beginning on; may be none for a feed that is to {@link
 *     Feed#follow} some
 * @param group who it is for: feeds of one group share the work; in mode {@code EVERYONE} a name
 *     for messages only
 * @param mode how deliveries are divided
 * @param from where a group begins that nobody has joined before; a group that was joined before
 *     goes on where it stopped
 */
public record Subscription(List<String> topics, String group, Mode mode, Position from) {
  /** How deliveries are divided among the feeds of a group. */
  public enum Mode {
    /** A shard to one feed at a time, in order. */
    ORDERED,
    /** A delivery to one feed, in no order. */
    SHARED,
    /**
     * Everything to every feed, from now on; nothing is remembered. A handler that fails is not
     * called again, and there are no dead letters: the log says so.
     */
    EVERYONE
  }

  public Subscription {
    topics = List.copyOf(topics);
    topics.forEach(topic -> Names.check("topic", topic));
    Names.check("group", group);
    Objects.requireNonNull(mode, "mode");
    Objects.requireNonNull(from, "from");
    if (from instanceof Position.At) {
      throw new IllegalArgumentException("a group begins at the start, the end or a time");
    }
  }
}
