package dev.troupe.event;

import java.time.Instant;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * An event that a group could not handle, kept until somebody decides.
 *
 * @param id its name, for {@link DeadLetters}
 * @param group whose it is; empty when it could not be published
 * @param topic where it came from
 * @param shard where in the topic
 * @param offset where in the shard
 * @param reason why it is here
 * @param attempts how many attempts were made, as far as it is known
 * @param error what the last attempt threw, class and message; empty when there was none
 * @param since since when it is here, by the store's clock
 * @param content the event, or bytes that are none with the key and the headers that came with
 *     them, as far as these have no more than 64 KiB together
 */
public record DeadLetter(
    String id,
    String group,
    String topic,
    int shard,
    String offset,
    Reason reason,
    int attempts,
    String error,
    Instant since,
    Delivery.Content content) {
  /** Why an event is a dead letter. */
  public enum Reason {
    /** Every attempt that the retry policy allows has failed. */
    FAILED,
    /** The process died each time that it was delivered. */
    POISON,
    /**
     * It failed once, and an event of the same content did for good in the same subscriber within
     * the last ten minutes. What is replayed has all its attempts again.
     */
    REPEATED,
    /** Its bytes are no event. */
    UNDECODABLE,
    /** Its data does not keep to the schema of its type. */
    INVALID,
    /** It waited in the store, and the transport refuses it for good. */
    UNPUBLISHED
  }

  public DeadLetter {
    Objects.requireNonNull(reason, "reason");
    Objects.requireNonNull(content, "content");
  }

  /**
   * The event.
   *
   * @return null when the bytes are none
   */
  public @Nullable Event event() {
    return content instanceof Delivery.Decoded decoded ? decoded.event() : null;
  }

  /** Without the content and the error's message, which may be secret. */
  @Override
  public String toString() {
    return "dead letter %s of group %s from %s/%d:%s, %s after %d attempt(s)"
        .formatted(id, group, topic, shard, offset, reason, attempts);
  }
}
