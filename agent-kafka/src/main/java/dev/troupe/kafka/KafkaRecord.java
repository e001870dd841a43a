package dev.troupe.kafka;

import dev.troupe.event.Event;
import java.time.Instant;
import java.util.Objects;
import java.util.Optional;

/**
 * A record that a {@link RecordCodec} is to decode.
 *
 * @param topic where it lies
 * @param partition its partition's number
 * @param offset its place there
 * @param appended its timestamp
 * @param key its key, empty when it has none or one that is no plain text
 * @param value its value, not copied; empty when it has none
 * @param event what its headers say, with the value as data; empty when it has no headers of a
 *     CloudEvent
 */
public record KafkaRecord(
    String topic,
    int partition,
    long offset,
    Instant appended,
    Optional<String> key,
    byte[] value,
    Optional<Event> event) {
  public KafkaRecord {
    Objects.requireNonNull(topic, "topic");
    Objects.requireNonNull(appended, "appended");
    Objects.requireNonNull(key, "key");
    Objects.requireNonNull(value, "value");
    Objects.requireNonNull(event, "event");
  }

  /** Without key and value, which may be secret. */
  @Override
  public String toString() {
    return "record at " + topic + "/" + partition + ":" + offset;
  }
}
