package dev.troupe.state;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One line of a {@link Change}: a guard that must hold, or an edit that is made when all guards do.
 *
 * <p>All guards are judged against the records as they were before the change; then the edits are
 * made in their order. An edit of an absent record first creates it with an empty value, except
 * {@link Mail}, {@link Release}, {@link Delete} and a {@link Row} that removes, which leave it
 * absent. Byte arrays are not copied: whoever makes an edit does not touch them again.
 */
public sealed interface Edit {
  /**
   * The record that this line is about.
   *
   * @return its key
   */
  String key();

  /** An instant as stores keep it: in whole milliseconds, between the years 1970 and 9999. */
  private static Instant stored(String what, Instant instant) {
    if (instant.isAfter(LATEST)) {
      throw new IllegalArgumentException(
          what + " must not be later than " + LATEST + ": " + instant);
    }
    return instant.isBefore(Instant.EPOCH) ? Instant.EPOCH : instant.truncatedTo(ChronoUnit.MILLIS);
  }

  /** The latest instant that a store keeps. */
  Instant LATEST = Instant.parse("9999-12-31T23:59:59.999Z");

  /**
   * Guard: no such record exists.
   *
   * @param key the record
   */
  record Absent(String key) implements Edit {}

  /**
   * Guard: the record exists and has this version.
   *
   * @param key the record
   * @param version the version expected
   */
  record AtVersion(String key, long version) implements Edit {}

  /**
   * Guard, the fence: the record is held under exactly this grant.
   *
   * @param key the record
   * @param grant the writer's grant
   */
  record Held(String key, Grant grant) implements Edit {}

  /**
   * Guard: no mail was accepted after this number, so nobody wrote since the caller looked.
   *
   * @param key the record
   * @param mail the highest mail number that the caller has seen
   */
  record NoMailAfter(String key, long mail) implements Edit {}

  /**
   * Guard: the record has no such row. Makes the rest of a change safe to send twice.
   *
   * @param key the record
   * @param row the row
   */
  record NoRow(String key, String row) implements Edit {}

  /**
   * Sets value, tags and expiry of a record, and creates it if it is absent. Raises the version.
   *
   * @param key the record
   * @param value the new value
   * @param tags what {@link StateStore#find} can look for; replaces the earlier tags
   * @param expires when the record becomes absent by itself, null for never
   */
  record Put(String key, byte[] value, Map<String, String> tags, @Nullable Instant expires)
      implements Edit {
    public Put {
      Objects.requireNonNull(value, "value");
      tags = Map.copyOf(tags);
      expires = expires == null ? null : stored("expires", expires);
    }
  }

  /**
   * Sets a row, or removes it. Leaves the version as it is.
   *
   * @param key the record
   * @param row the row's name; rows are kept in the order of their names, by UTF-16 code unit
   * @param value the new content, null removes the row
   */
  record Row(String key, String row, byte @Nullable [] value) implements Edit {}

  /**
   * Leaves mail with a queued or held record. Numbered by the store in the order of acceptance, and
   * accepted once per name; dropped when the record is absent, ended or plain data. Leaves the
   * version as it is.
   *
   * @param key the record
   * @param row the mail's name
   * @param value its content
   * @param urgent whether a queued record becomes due at once, whatever it waits for
   */
  record Mail(String key, String row, byte[] value, boolean urgent) implements Edit {
    public Mail {
      Objects.requireNonNull(value, "value");
    }
  }

  /**
   * Adds to a counter, which starts at 0. Refuses the whole change when the sum would be less than
   * {@code atLeast}. Only allowed in a change that has a {@link NoRow} guard for a row which it
   * sets, in any record of the change. Leaves the version as it is.
   *
   * @param key the record
   * @param counter the counter's name
   * @param delta what to add, may be negative
   * @param atLeast the least sum allowed
   */
  record Add(String key, String counter, long delta, long atLeast) implements Edit {}

  /**
   * Places the record in a queue, from where a claim may take it. A held record is let go by this.
   * Raises the version.
   *
   * @param key the record
   * @param queue the queue
   * @param priority higher goes first; 0 to 2
   * @param due when it may be taken; a time that has passed counts as the time of the change, so
   *     that nobody stands before those who wait already
   * @param lane records of one lane of a partition go one after another, in the order in which they
   *     were first queued into it; null for none. Queued again with the same lane, a record keeps
   *     its turn
   * @param wakeAtMail the number of the mail that makes it due at once, {@link Long#MAX_VALUE} for
   *     never; mail accepted before does not count, a {@link NoMailAfter} guard sees it
   */
  record Queue(
      String key, String queue, int priority, Instant due, @Nullable String lane, long wakeAtMail)
      implements Edit {
    public Queue {
      Objects.requireNonNull(queue, "queue");
      due = stored("due", due);
      if (priority < 0 || priority > 2) {
        throw new IllegalArgumentException("priority must be 0, 1 or 2: " + priority);
      }
    }
  }

  /**
   * Takes the record out of its place: it has ended, or is plain data. Frees its lane. Raises the
   * version.
   *
   * @param key the record
   */
  record Release(String key) implements Edit {}

  /**
   * Removes the record with all that belongs to it. Frees its lane.
   *
   * @param key the record
   */
  record Delete(String key) implements Edit {}
}
