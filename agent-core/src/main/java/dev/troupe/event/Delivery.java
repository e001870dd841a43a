package dev.troupe.event;

import java.time.Instant;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * An event as a feed got it.
 *
 * @param shard where it lies
 * @param offset its place in the shard, as the transport writes it
 * @param appended when it was appended, by the transport's clock, in whole milliseconds; a
 *     transport that knows no better gives a time shortly before the delivery
 * @param count how often it was delivered to the group, this time included, as far as the transport
 *     knows; 0 in history
 * @param content the event, or bytes that are none
 */
public record Delivery(Shard shard, String offset, Instant appended, int count, Content content) {
  public Delivery {
    Objects.requireNonNull(shard, "shard");
    Objects.requireNonNull(offset, "offset");
    Objects.requireNonNull(content, "content");
  }

  /**
   * One sequence of events of a topic.
   *
   * @param topic the topic
   * @param number from 0
   */
  public record Shard(String topic, int number) {
    @Override
    public String toString() {
      return topic + "/" + number;
    }
  }

  /** What was delivered. */
  public sealed interface Content {}

  /**
   * An event.
   *
   * @param event the event
   */
  public record Decoded(Event event) implements Content {}

  /**
   * Bytes that are no event.
   *
   * @param data the bytes, not copied
   * @param headers what came with them, for transports that have headers; of several with one name
   *     the last
   * @param why what is wrong with them, without showing any
   * @param key the bytes by which they were put in their shard, not copied; null when there are
   *     none, or the transport has no such thing
   */
  public record Raw(byte[] data, Map<String, byte[]> headers, String why, byte @Nullable [] key)
      implements Content {
    public Raw {
      headers = Map.copyOf(headers);
    }

    /**
     * Bytes without a key.
     *
     * @param data the bytes, not copied
     * @param headers what came with them
     * @param why what is wrong with them, without showing any
     */
    public Raw(byte[] data, Map<String, byte[]> headers, String why) {
      this(data, headers, why, null);
    }
  }

  /** Without the content, which may be secret. */
  @Override
  public String toString() {
    String what = content instanceof Decoded decoded ? decoded.event().toString() : "bytes";
    return what + " at " + shard + ":" + offset;
  }
}
