package dev.troupe.kafka;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.event.AppendFailedException;
import dev.troupe.event.Outgoing;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Future;
import java.util.concurrent.locks.ReentrantLock;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.ApiException;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.errors.ClusterAuthorizationException;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.InvalidProducerEpochException;
import org.apache.kafka.common.errors.OutOfOrderSequenceException;
import org.apache.kafka.common.errors.UnsupportedVersionException;
import org.jspecify.annotations.Nullable;

/**
 * Appends by one idempotent producer, which is made at the first use and anew when it is broken.
 */
final class KafkaAppender implements AutoCloseable {
  private static final Duration CLOSE_LIMIT = Duration.ofSeconds(5);
  private static final Duration SLACK = Duration.ofSeconds(5);

  private final KafkaSettings settings;
  private final KafkaTopics topics;
  private final RecordForms forms;
  private final ReentrantLock lock = new ReentrantLock();
  private @Nullable KafkaProducer<byte[], byte[]> producer;
  private boolean closed;

  KafkaAppender(KafkaSettings settings, KafkaTopics topics, RecordForms forms) {
    this.settings = settings;
    this.forms = forms;
    this.topics = topics;
  }

  void append(List<Outgoing> events) {
    if (events.isEmpty()) {
      return;
    }
    List<ProducerRecord<byte[], byte[]>> records = encode(events);
    KafkaProducer<byte[], byte[]> by = ready(events);
    List<@Nullable KafkaException> errors = new ArrayList<>(events.size());
    List<Future<RecordMetadata>> sent = send(by, records, errors);
    long end = System.nanoTime() + settings.deliveryLimit().plus(SLACK).toNanos();
    for (int i = 0; i < sent.size(); i++) {
      try {
        Object unused = KafkaErrors.await(sent.get(i), Duration.ofNanos(end - System.nanoTime()));
      } catch (KafkaException e) {
        errors.set(i, e);
      }
    }
    fail(by, events, errors);
  }

  private List<ProducerRecord<byte[], byte[]>> encode(List<Outgoing> events) {
    List<ProducerRecord<byte[], byte[]>> records = new ArrayList<>(events.size());
    List<Outgoing> large = new ArrayList<>(0);
    for (Outgoing event : events) {
      ProducerRecord<byte[], byte[]> record = encode(event, events);
      records.add(record);
      if (CloudEventRecord.size(record) > settings.maxBytes()) {
        large.add(event);
      }
    }
    if (!large.isEmpty()) {
      throw new AppendFailedException(
          ErrorCode.LIMIT_EXCEEDED,
          events, // nothing is appended of such a call
          "%d event(s) have more than %d bytes, the first is %s; max.request.size decides"
              .formatted(large.size(), settings.maxBytes(), large.get(0).event()),
          null);
    }
    return records;
  }

  private ProducerRecord<byte[], byte[]> encode(Outgoing event, List<Outgoing> all) {
    try {
      return forms.encode(event);
    } catch (AgentException e) {
      throw new AppendFailedException(e.code(), all, String.valueOf(e.getMessage()), e);
    }
  }

  private KafkaProducer<byte[], byte[]> ready(List<Outgoing> events) {
    Set<String> named = new LinkedHashSet<>();
    events.forEach(event -> named.add(event.topic()));
    try {
      named.forEach(topics::awaitLeaders);
      return producer();
    } catch (AgentException e) {
      throw new AppendFailedException(e.code(), events, String.valueOf(e.getMessage()), e);
    }
  }

  private KafkaProducer<byte[], byte[]> producer() {
    lock.lock();
    try {
      if (closed) {
        throw new AgentException(ErrorCode.CLOSED, "the transport was closed");
      }
      KafkaProducer<byte[], byte[]> made = producer;
      if (made == null) {
        made = new KafkaProducer<>(settings.producer());
        producer = made;
      }
      return made;
    } catch (KafkaException e) {
      throw KafkaErrors.of("the producer can't be made", e);
    } finally {
      lock.unlock();
    }
  }

  /** Sends in order; after one that failed at once nothing more is sent. */
  private static List<Future<RecordMetadata>> send(
      KafkaProducer<byte[], byte[]> by,
      List<ProducerRecord<byte[], byte[]>> records,
      List<@Nullable KafkaException> errors) {
    List<Future<RecordMetadata>> sent = new ArrayList<>(records.size());
    KafkaException stopped = null;
    for (ProducerRecord<byte[], byte[]> record : records) {
      if (stopped == null) {
        try {
          Future<RecordMetadata> future = by.send(record);
          sent.add(future);
          stopped = failedAtOnce(future);
        } catch (KafkaException e) {
          stopped = e;
        } catch (IllegalStateException e) {
          stopped = new KafkaException("the producer was closed", e);
        }
      }
      errors.add(sent.size() == errors.size() + 1 ? null : stopped);
    }
    return sent;
  }

  private static @Nullable KafkaException failedAtOnce(Future<RecordMetadata> future) {
    if (!future.isDone()) {
      return null;
    }
    try {
      Object unused = KafkaErrors.await(future, Duration.ZERO);
      return null;
    } catch (KafkaException e) {
      return e;
    }
  }

  private void fail(
      KafkaProducer<byte[], byte[]> by,
      List<Outgoing> events,
      List<@Nullable KafkaException> errors) {
    List<Outgoing> failed = new ArrayList<>(0);
    Set<String> keys = new HashSet<>();
    KafkaException first = null;
    for (int i = 0; i < events.size(); i++) {
      Outgoing event = events.get(i);
      KafkaException error = errors.get(i);
      String key = event.event().key().map(one -> event.topic() + " " + one).orElse("");
      // what follows in the order of its key has to be appended again behind it
      if (error != null || keys.contains(key)) {
        failed.add(event);
        first = first == null ? error : first;
        if (!key.isEmpty()) {
          keys.add(key);
        }
      }
    }
    if (first != null) {
      failed.forEach(event -> topics.forget(event.topic()));
      if (broken(first)) {
        discard(by);
      }
      throw new AppendFailedException(
          KafkaErrors.code(first), failed, KafkaErrors.advice(first), first);
    }
  }

  /** Errors that stay with a producer; others are about a record, or about the brokers' state. */
  private static boolean broken(KafkaException error) {
    return error instanceof AuthenticationException
        || error instanceof ClusterAuthorizationException
        || error instanceof UnsupportedVersionException
        || error instanceof OutOfOrderSequenceException
        || error instanceof InvalidProducerEpochException
        || !(error instanceof ApiException || error instanceof InterruptException);
  }

  @SuppressWarnings("ReferenceEquality") // this one, not another like it
  private void discard(KafkaProducer<byte[], byte[]> one) {
    lock.lock();
    try {
      if (producer == one) {
        producer = null;
      }
    } finally {
      lock.unlock();
    }
    one.close(Duration.ZERO);
  }

  @Override
  public void close() {
    KafkaProducer<byte[], byte[]> last;
    lock.lock();
    try {
      closed = true;
      last = producer;
      producer = null;
    } finally {
      lock.unlock();
    }
    if (last != null) {
      boolean interrupted = Thread.interrupted();
      last.close(CLOSE_LIMIT);
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
