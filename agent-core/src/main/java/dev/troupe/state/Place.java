package dev.troupe.state;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** Where a record stands: waiting in a queue, held, or neither. */
public sealed interface Place {
  /** Ended, or plain data. */
  None NONE = new None();

  /**
   * Waiting to be claimed.
   *
   * @param queue the queue
   * @param priority higher first
   * @param due when it may be taken
   * @param lane its lane, null for none
   * @param wakeAtMail the mail number at which it becomes due
   */
  record Queued(String queue, int priority, Instant due, @Nullable String lane, long wakeAtMail)
      implements Place {}

  /**
   * Held by a process.
   *
   * @param grant under which grant
   * @param lane its lane, null for none
   */
  record Held(Grant grant, @Nullable String lane) implements Place {}

  /** Neither queued nor held. */
  record None() implements Place {}
}
