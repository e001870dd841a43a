package dev.troupe.state;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What became of a {@link Change}. Refusal is an ordinary answer, not an error. */
public sealed interface Outcome {
  /**
   * The time of the store when it decided.
   *
   * @return never earlier than that of any earlier answer; in whole milliseconds
   */
  Instant now();

  /**
   * The change was made.
   *
   * @param now the store's time
   * @param seen every record that the change names, in the order of first mention, as it is after
   *     the change
   */
  record Done(Instant now, List<Seen> seen) implements Outcome {}

  /**
   * A guard failed, or the change was made before: nothing was done now.
   *
   * @param now the store's time
   * @param because the first line that failed
   * @param found the record of that line without its rows and mail, null when it is absent
   */
  record Refused(Instant now, Edit because, @Nullable Stored found) implements Outcome {}

  /**
   * A record after a change.
   *
   * @param key the record
   * @param version its version, 0 when it is absent
   * @param mail the number of its last mail
   * @param mailAccepted false when mail of this change was dropped because the record is absent,
   *     ended or plain data; true when it was accepted, now or earlier under the same name, and
   *     when there was none
   * @param holder who holds it, null when nobody does
   */
  record Seen(String key, long version, long mail, boolean mailAccepted, @Nullable Grant holder) {}
}
