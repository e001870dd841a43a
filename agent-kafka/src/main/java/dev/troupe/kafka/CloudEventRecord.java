package dev.troupe.kafka;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.event.Delivery;
import dev.troupe.event.Event;
import dev.troupe.event.InstantText;
import dev.troupe.event.Outgoing;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.jspecify.annotations.Nullable;

/**
 * An event as a record of Kafka: the CloudEvents Kafka binding 1.0 in binary mode. Attributes and
 * extensions are headers {@code ce_…} in UTF-8, the media type is the header {@code content-type},
 * the data is the value as it is, and the partition key is also the record's key.
 */
final class CloudEventRecord {
  private static final String PREFIX = "ce_";
  private static final String CONTENT_TYPE = "content-type";
  private static final String STRUCTURED = "application/cloudevents";
  private static final char REPLACEMENT = '\ufffd';

  private CloudEventRecord() {}

  static ProducerRecord<byte[], byte[]> encode(Outgoing outgoing, byte[] data) {
    Event event = outgoing.event();
    byte[] key = event.key().map(CloudEventRecord::bytes).orElse(null);
    ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(outgoing.topic(), key, data);
    Headers headers = record.headers();
    headers.add(PREFIX + "specversion", bytes("1.0"));
    headers.add(PREFIX + "id", bytes(event.id()));
    headers.add(PREFIX + "source", bytes(event.source()));
    headers.add(PREFIX + "type", bytes(event.type()));
    event.subject().ifPresent(value -> headers.add(PREFIX + "subject", bytes(value)));
    event.time().ifPresent(value -> headers.add(PREFIX + "time", bytes(InstantText.of(value))));
    event.schema().ifPresent(value -> headers.add(PREFIX + "dataschema", bytes(value)));
    event.contentType().ifPresent(value -> headers.add(CONTENT_TYPE, bytes(value)));
    event.extensions().forEach((name, value) -> headers.add(PREFIX + name, bytes(value)));
    return record;
  }

  /** The bytes of key, value and headers, which is what a producer's limit is about. */
  static int size(ProducerRecord<byte[], byte[]> record) {
    long size = record.value().length;
    size += record.key() == null ? 0 : record.key().length;
    for (Header header : record.headers()) {
      size += header.key().length() + header.value().length;
    }
    return (int) Math.min(Integer.MAX_VALUE, size);
  }

  /** The event, or the bytes with what is wrong with them. */
  static Delivery.Content decode(ConsumerRecord<byte[], byte[]> record) {
    try {
      return new Delivery.Decoded(event(record, value(record)));
    } catch (NoEventException | AgentException e) {
      return raw(record, String.valueOf(e.getMessage()));
    }
  }

  static Delivery.Raw raw(ConsumerRecord<byte[], byte[]> record, String why) {
    return new Delivery.Raw(value(record), headers(record), why, record.key());
  }

  /**
   * What the headers say, empty when none is an event's.
   *
   * @throws AgentException when they are wrong
   */
  static Optional<Event> eventIfAny(ConsumerRecord<byte[], byte[]> record) {
    for (Header header : record.headers()) {
      if (header.key().startsWith(PREFIX)) {
        try {
          return Optional.of(event(record, value(record)));
        } catch (NoEventException e) {
          throw new AgentException(ErrorCode.UNDECODABLE, String.valueOf(e.getMessage()));
        }
      }
    }
    return Optional.empty();
  }

  static byte[] value(ConsumerRecord<byte[], byte[]> record) {
    byte @Nullable [] value = record.value();
    return value == null ? new byte[0] : value;
  }

  static Optional<String> key(ConsumerRecord<byte[], byte[]> record) {
    return Optional.ofNullable(key(record.key()));
  }

  private static Event event(ConsumerRecord<byte[], byte[]> record, byte[] data)
      throws NoEventException {
    Event.Builder event = Event.builder("").time(null);
    String contentType = null;
    @Nullable String version = null;
    @Nullable String id = null;
    @Nullable String source = null;
    @Nullable String type = null;
    boolean any = false;
    boolean keyed = false;
    for (Header header : record.headers()) {
      String name = header.key();
      if (name.equals(CONTENT_TYPE)) {
        contentType = text(header);
      }
      if (!name.startsWith(PREFIX)) {
        continue;
      }
      any = true;
      String value = text(header);
      switch (name) {
        case "ce_specversion" -> version = value;
        case "ce_id" -> id = value;
        case "ce_source" -> source = value;
        case "ce_type" -> type = value;
        case "ce_subject" -> event.subject(value);
        case "ce_dataschema" -> event.schema(value);
        case "ce_time" -> event.time(time(value));
        default -> {
          keyed |= name.equals("ce_partitionkey");
          event.extension(name.substring(PREFIX.length()), value.isEmpty() ? null : value);
        }
      }
    }
    if (!any && contentType != null && contentType.startsWith(STRUCTURED)) {
      throw new NoEventException("it is a CloudEvent in structured mode; binary mode is read");
    }
    if (!required("specversion", version).equals("1.0")) {
      throw new NoEventException("its header ce_specversion is not 1.0");
    }
    if (!keyed) {
      event.key(key(record.key()));
    }
    return event
        .type(required("type", type))
        .id(required("id", id))
        .source(required("source", source))
        .data(data, contentType == null || contentType.isEmpty() ? null : contentType)
        .build();
  }

  private static String required(String name, @Nullable String value) throws NoEventException {
    if (value == null) {
      throw new NoEventException("it has no header ce_" + name);
    }
    return value;
  }

  /** Others key their records without saying so in an attribute; those have an order, too. */
  private static @Nullable String key(byte @Nullable [] key) {
    if (key == null || key.length == 0) {
      return null;
    }
    String text = new String(key, StandardCharsets.UTF_8);
    boolean plain =
        text.indexOf(REPLACEMENT) < 0 && text.chars().noneMatch(Character::isISOControl);
    return plain && text.length() <= 2_000 ? text : null;
  }

  private static Instant time(String value) throws NoEventException {
    try {
      return value.endsWith("Z")
          ? InstantText.parse(value)
          : OffsetDateTime.parse(value).toInstant();
    } catch (DateTimeException e) {
      throw new NoEventException("its header ce_time is no time");
    }
  }

  private static String text(Header header) throws NoEventException {
    byte[] bytes = header.value();
    if (bytes == null) {
      return "";
    }
    String text = new String(bytes, StandardCharsets.UTF_8);
    if (text.indexOf(REPLACEMENT) >= 0) {
      try {
        StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes));
      } catch (CharacterCodingException e) {
        throw new NoEventException("a header of it is not UTF-8");
      }
    }
    return text;
  }

  private static Map<String, byte[]> headers(ConsumerRecord<byte[], byte[]> record) {
    Map<String, byte[]> headers = new HashMap<>();
    for (Header header : record.headers()) {
      headers.put(header.key(), header.value() == null ? new byte[0] : header.value());
    }
    return headers;
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /** Tells what is wrong without showing any of it. */
  private static final class NoEventException extends Exception {
    private static final long serialVersionUID = 1L;

    NoEventException(String why) {
      super(why, null, false, false);
    }
  }
}
