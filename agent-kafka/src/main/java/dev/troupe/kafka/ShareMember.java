package dev.troupe.kafka;

import dev.troupe.event.Delivery;
import dev.troupe.event.Settlement;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.kafka.clients.consumer.AcknowledgeType;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicIdPartition;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.UnsupportedVersionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One consumer of a share group and what it holds. While it holds anything it gets nothing new:
 * before each poll the client wants to know what becomes of every record, and what was renewed
 * comes out of the poll once more. Those copies are dropped. Used by the thread that polls.
 */
final class ShareMember {
  private static final Logger LOG = LoggerFactory.getLogger(ShareMember.class);

  private final KafkaShareConsumer<byte[], byte[]> consumer;
  private final Terms terms;
  private final Map<At, Held> held = new HashMap<>();
  private final ArrayDeque<Held> buffer = new ArrayDeque<>();
  private final IdentityHashMap<Delivery, Held> handed = new IdentityHashMap<>();
  private final Map<Held, AcknowledgeType> settled = new LinkedHashMap<>();

  /** Renewed, and not yet back from the client. */
  private final Set<Held> renewing = new HashSet<>();

  private long renewedAt;
  private long polledAt = System.nanoTime();
  private long askedAt = polledAt;

  /**
   * What it holds records under.
   *
   * @param step how often to renew and to poll
   * @param lock after which time a record that was not renewed is another's
   * @param call how long an answer may take
   * @param deliveries how often a record is delivered at the most
   * @param forms what records are
   */
  record Terms(Duration step, Duration lock, Duration call, int deliveries, RecordForms forms) {}

  private record At(TopicPartition partition, long offset) {}

  private static final class Held {
    final At at;
    final int brokersCount;
    ConsumerRecord<byte[], byte[]> record;
    int more;

    Held(At at, ConsumerRecord<byte[], byte[]> record) {
      this.at = at;
      this.record = record;
      this.brokersCount = count(record);
    }
  }

  ShareMember(KafkaShareConsumer<byte[], byte[]> consumer, Terms terms) {
    this.consumer = consumer;
    this.terms = terms;
    consumer.setAcknowledgementCommitCallback(ShareMember::answered);
  }

  /** Says what it takes part in; what it holds of that it goes on holding. */
  void subscribe(Set<String> topics) {
    consumer.subscribe(topics);
  }

  private static void answered(Map<TopicIdPartition, Set<Long>> offsets, Exception error) {
    if (error != null) {
      // it had been taken away, or the brokers are away for longer than it is held: it comes again
      LOG.debug("not settled: {}: {}", offsets, error.toString());
    }
  }

  private static int count(ConsumerRecord<byte[], byte[]> record) {
    return record.deliveryCount().map(Short::intValue).orElse(1);
  }

  boolean idle() {
    return held.isEmpty();
  }

  boolean ready() {
    return !buffer.isEmpty();
  }

  /** Deliveries that are with the feed's owner. */
  Set<Delivery> out() {
    return handed.keySet();
  }

  int held() {
    return held.size();
  }

  /** Notes what became of a delivery, if it is one of this member's. */
  boolean settle(Settlement settlement) {
    Held one = handed.get(settlement.delivery());
    if (one == null) {
      return false;
    }
    if (settlement instanceof Settlement.Done) {
      handed.remove(settlement.delivery());
      settled.put(one, AcknowledgeType.ACCEPT);
    } else if (settlement instanceof Settlement.Again) {
      handed.remove(settlement.delivery());
      if (one.brokersCount * 2 <= terms.deliveries()) {
        settled.put(one, AcknowledgeType.RELEASE);
      } else {
        one.more++; // what the brokers have often delivered they would soon give up
        buffer.addFirst(one);
      }
    }
    return true;
  }

  /** Does what is due: tells the brokers what was settled, and holds on to the rest. */
  void tend() {
    flush();
    long now = System.nanoTime();
    if (!held.isEmpty() && renewing.isEmpty() && now - renewedAt >= terms.step().toNanos()) {
      renew(now);
    }
    if (!renewing.isEmpty()) {
      awaitCopies(now);
    }
  }

  private void flush() {
    if (settled.isEmpty()) {
      return;
    }
    if (!renewing.isEmpty() && !awaitCopies(System.nanoTime())) {
      return; // the client takes no word about what it has not given back
    }
    settled.forEach(this::acknowledge);
    settled.keySet().forEach(one -> held.remove(one.at, one));
    settled.clear();
    consumer.commitAsync();
  }

  private boolean acknowledge(Held one, AcknowledgeType type) {
    try {
      consumer.acknowledge(one.record, type);
      return true;
    } catch (IllegalStateException e) {
      LOG.debug("the client no longer has {}: {}", one.at, e.toString());
      return false;
    }
  }

  private void renew(long now) {
    for (Held one : List.copyOf(held.values())) {
      if (acknowledge(one, AcknowledgeType.RENEW)) {
        renewing.add(one);
      } else {
        lose(one);
      }
    }
    long before = renewedAt;
    renewedAt = now;
    Map<TopicIdPartition, Optional<KafkaException>> answers = consumer.commitSync(terms.call());
    for (Map.Entry<TopicIdPartition, Optional<KafkaException>> answer : answers.entrySet()) {
      KafkaException error = answer.getValue().orElse(null);
      if (error instanceof UnsupportedVersionException) {
        renewedAt = before;
        throw error;
      } else if (error != null) {
        lose(answer.getKey().topicPartition(), error);
      }
    }
  }

  private void lose(TopicPartition partition, KafkaException why) {
    List<Held> lost = new ArrayList<>(renewing);
    lost.removeIf(one -> !one.at.partition.equals(partition));
    LOG.debug("{} of {} can't be renewed and come again: {}", lost.size(), partition, "" + why);
    lost.forEach(this::lose);
  }

  private void lose(Held one) {
    held.remove(one.at, one);
    renewing.remove(one);
    settled.remove(one);
    buffer.remove(one);
    handed.values().remove(one);
  }

  /**
   * Takes back from the client what was renewed.
   *
   * @return whether all of it is back
   */
  private boolean awaitCopies(long now) {
    poll(Duration.ZERO);
    if (!renewing.isEmpty() && now - renewedAt > terms.lock().toNanos()) {
      List.copyOf(renewing).forEach(this::lose);
    }
    return renewing.isEmpty();
  }

  /** Asks for records; only while nothing is held. */
  void fetch(Duration wait) {
    long now = System.nanoTime();
    boolean late = now - askedAt > terms.lock().toNanos();
    askedAt = now;
    if (!late) {
      poll(wait);
      return;
    }
    // what an earlier question brought lay in the client until its lock was over
    for (ConsumerRecord<byte[], byte[]> old : consumer.poll(Duration.ZERO)) {
      consumer.acknowledge(old, AcknowledgeType.RELEASE);
    }
    consumer.commitAsync();
    polledAt = now;
  }

  /** Whether it has not been polled for so long that it might be missed. */
  boolean due() {
    return System.nanoTime() - polledAt >= terms.step().toNanos();
  }

  private void poll(Duration wait) {
    long before = polledAt;
    polledAt = System.nanoTime();
    boolean nothing = held.isEmpty();
    for (ConsumerRecord<byte[], byte[]> record : consumer.poll(wait)) {
      take(record);
    }
    if (nothing && !held.isEmpty()) {
      renewedAt = before; // the brokers may have given it out since then
    }
  }

  private void take(ConsumerRecord<byte[], byte[]> record) {
    At at = new At(new TopicPartition(record.topic(), record.partition()), record.offset());
    Held known = held.get(at);
    if (known != null && known.brokersCount == count(record)) {
      known.record = record;
      renewing.remove(known);
      return;
    }
    if (known != null) {
      lose(known); // it was taken away meanwhile, and given out anew
    }
    Held fresh = new Held(at, record);
    held.put(at, fresh);
    buffer.add(fresh);
  }

  /**
   * The next delivery, while there is one ready.
   *
   * @throws dev.troupe.AgentException when what it is can't be told now
   */
  Delivery hand() {
    Held one = buffer.element();
    Delivery delivery = terms.forms().delivery(one.record, one.brokersCount + one.more);
    buffer.remove();
    handed.put(delivery, one);
    return delivery;
  }

  /** Says what was settled; what is held goes to others at once. */
  void close(Duration atMost) {
    try {
      flush();
    } finally {
      consumer.close(atMost);
    }
  }
}
