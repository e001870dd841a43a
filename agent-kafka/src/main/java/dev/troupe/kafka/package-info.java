/**
 * Events over Kafka.
 *
 * <p>Begin with {@link dev.troupe.kafka.KafkaTransport}. Beneath it {@code KafkaAppender} writes,
 * {@code GroupFeed}, {@code ShareFeed} and {@code EveryoneFeed} read, {@code OwnedPartition} knows
 * what of a partition is done, {@code GroupStart} where a group begins, {@code KafkaTopics} checks
 * and creates topics, and {@code CloudEventRecord} is what lies on the wire.
 */
@NullMarked
package dev.troupe.kafka;

import org.jspecify.annotations.NullMarked;
