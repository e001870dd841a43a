package dev.troupe.kafka;

import dev.troupe.AgentException;
import dev.troupe.event.Event;

/**
 * What the values of a topic's records are, where they are not an event's data as it is: framed by
 * a schema registry, compressed, or the plain records of others that are to be events. Keys and
 * headers stay those of the CloudEvents Kafka binding.
 *
 * <p>What can't be decoded is thrown as an {@link AgentException} that is not {@linkplain
 * AgentException#retryable() retryable}, and is delivered as bytes with the error's message, which
 * must show none of them. One that is retryable, as when a registry is away, stops the record's
 * shard where it is: the poll fails and the record is tried again.
 *
 * <p>Implementations are safe for use by many threads. Polls wait for them, so they are to answer
 * within a few seconds at the worst.
 */
public interface RecordCodec {
  /**
   * The value of the record for an event.
   *
   * @param topic where it goes
   * @param event what is appended
   * @return the value
   * @throws AgentException when there is none; nothing of the call is appended then
   */
  byte[] encode(String topic, Event event);

  /**
   * The event of a record.
   *
   * @param record a record as it lies in its topic
   * @return the event
   * @throws AgentException when it is none, or when that can't be told now
   */
  Event decode(KafkaRecord record);
}
