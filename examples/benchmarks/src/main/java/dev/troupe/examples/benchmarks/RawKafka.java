package dev.troupe.examples.benchmarks;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.locks.ReentrantLock;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * The floor of events over Kafka: its own clients with the same records, and a dispatcher that has
 * a queue for each key and does nothing else.
 */
final class RawKafka {
  private final String servers;
  private final byte[] data;

  RawKafka(String servers, byte[] data) {
    this.servers = servers;
    this.data = data;
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private ProducerRecord<byte[], byte[]> record(String topic, int i, int keys) {
    String key = "k" + i % keys;
    ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(topic, bytes(key), data);
    record
        .headers()
        .add("ce_specversion", bytes("1.0"))
        .add("ce_id", bytes("1f0c5a1e93b94c54a3b1c1c3b7f4a9d2-" + i))
        .add("ce_source", bytes("/troupe"))
        .add("ce_type", bytes("tick"))
        .add("ce_time", bytes(Instant.now().toString()))
        .add("ce_partitionkey", bytes(key));
    return record;
  }

  /** Sends so many at a time and waits for them; events a second. */
  double publish(String topic, int events, int together, int keys)
      throws ExecutionException, InterruptedException {
    Map<String, Object> settings = new HashMap<>();
    settings.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, servers);
    settings.put(ProducerConfig.ACKS_CONFIG, "all");
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
      producer.partitionsFor(topic);
      long began = System.nanoTime();
      for (int from = 0; from < events; from += together) {
        List<Future<RecordMetadata>> sent = new ArrayList<>(together);
        for (int i = from; i < from + together; i++) {
          sent.add(producer.send(record(topic, i, keys)));
        }
        producer.flush();
        for (Future<RecordMetadata> one : sent) {
          one.get();
        }
      }
      return events * 1e9 / (System.nanoTime() - began);
    }
  }

  private KafkaConsumer<byte[], byte[]> consumer(String topic) {
    Map<String, Object> settings = new HashMap<>();
    settings.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, servers);
    settings.put(ConsumerConfig.GROUP_ID_CONFIG, UUID.randomUUID().toString());
    settings.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
    settings.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, "false");
    KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    consumer.subscribe(List.of(topic));
    return consumer;
  }

  /** Reads all, committing after each poll, from the first event on; events a second. */
  double drain(String topic, int events) {
    try (KafkaConsumer<byte[], byte[]> consumer = consumer(topic)) {
      int came = 0;
      long first = 0;
      while (came < events) {
        int some = consumer.poll(Duration.ofMillis(100)).count();
        if (some > 0) {
          first = came == 0 ? System.nanoTime() : first;
          came += some;
          consumer.commitAsync();
        }
      }
      return events * 1e9 / (System.nanoTime() - first);
    }
  }

  /** What waits of one key; the first is being handled. */
  private static final class KeyQueue {
    private final ArrayDeque<ConsumerRecord<byte[], byte[]>> waiting = new ArrayDeque<>();
    private final ReentrantLock lock = new ReentrantLock();

    /** Whether nothing was waiting before. */
    boolean add(ConsumerRecord<byte[], byte[]> one) {
      lock.lock();
      try {
        waiting.add(one);
        return waiting.size() == 1;
      } finally {
        lock.unlock();
      }
    }

    /** Whether something still waits. */
    boolean done() {
      lock.lock();
      try {
        waiting.poll();
        return !waiting.isEmpty();
      } finally {
        lock.unlock();
      }
    }
  }

  /** Handles all by workers, those of a key in order, from the first event on; events a second. */
  double handle(String topic, int events, int workers, Runnable handler)
      throws InterruptedException {
    LinkedBlockingQueue<KeyQueue> ready = new LinkedBlockingQueue<>();
    KeyQueue stop = new KeyQueue();
    Semaphore room = new Semaphore(1_000);
    CountDownLatch left = new CountDownLatch(events);
    for (int i = 0; i < workers; i++) {
      Thread worker = new Thread(() -> work(ready, stop, room, left, handler), "worker-" + i);
      worker.setDaemon(true);
      worker.start();
    }
    Map<String, KeyQueue> keys = new HashMap<>();
    long first = 0;
    try (KafkaConsumer<byte[], byte[]> consumer = consumer(topic)) {
      int came = 0;
      while (came < events) {
        for (ConsumerRecord<byte[], byte[]> one : consumer.poll(Duration.ofMillis(100))) {
          first = came++ == 0 ? System.nanoTime() : first;
          room.acquire();
          String key = new String(one.key(), StandardCharsets.UTF_8);
          KeyQueue queue = keys.computeIfAbsent(key, k -> new KeyQueue());
          if (queue.add(one)) {
            ready.add(queue);
          }
        }
      }
      left.await();
    }
    double rate = events * 1e9 / (System.nanoTime() - first);
    for (int i = 0; i < workers; i++) {
      ready.add(stop);
    }
    return rate;
  }

  private static void work(
      LinkedBlockingQueue<KeyQueue> ready,
      KeyQueue stop,
      Semaphore room,
      CountDownLatch left,
      Runnable handler) {
    try {
      for (KeyQueue queue = ready.take(); queue != stop; queue = ready.take()) {
        handler.run();
        if (queue.done()) {
          ready.add(queue);
        }
        room.release();
        left.countDown();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
