package dev.troupe.kafka;

import dev.troupe.AgentException;
import dev.troupe.event.Delivery;
import dev.troupe.event.Outgoing;
import java.time.Instant;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;

/** Events as records and back, by the codec of the topic where there is one. */
final class RecordForms {
  private final Map<String, RecordCodec> codecs;

  RecordForms(Map<String, RecordCodec> codecs) {
    this.codecs = Map.copyOf(codecs);
  }

  ProducerRecord<byte[], byte[]> encode(Outgoing event) {
    RecordCodec codec = codecs.get(event.topic());
    byte[] value =
        codec == null ? event.event().data() : codec.encode(event.topic(), event.event());
    return CloudEventRecord.encode(event, value);
  }

  /**
   * The delivery of a record.
   *
   * @throws AgentException when what it is can't be told now
   */
  Delivery delivery(ConsumerRecord<byte[], byte[]> record, int count) {
    return new Delivery(
        new Delivery.Shard(record.topic(), record.partition()),
        Long.toString(record.offset()),
        appended(record),
        count,
        content(record));
  }

  private static Instant appended(ConsumerRecord<byte[], byte[]> record) {
    return Instant.ofEpochMilli(Math.max(0, record.timestamp()));
  }

  private Delivery.Content content(ConsumerRecord<byte[], byte[]> record) {
    RecordCodec codec = codecs.get(record.topic());
    if (codec == null) {
      return CloudEventRecord.decode(record);
    }
    try {
      KafkaRecord read =
          new KafkaRecord(
              record.topic(),
              record.partition(),
              record.offset(),
              appended(record),
              CloudEventRecord.key(record),
              CloudEventRecord.value(record),
              CloudEventRecord.eventIfAny(record));
      return new Delivery.Decoded(codec.decode(read));
    } catch (AgentException e) {
      if (e.retryable()) {
        throw e;
      }
      return CloudEventRecord.raw(record, String.valueOf(e.getMessage()));
    } catch (RuntimeException e) {
      // a codec that fails on some bytes must not stop what is behind them; its words may show them
      return CloudEventRecord.raw(record, "its codec fails: " + e.getClass().getName());
    }
  }
}
