package dev.troupe.examples.benchmarks;

import dev.troupe.event.Event;
import dev.troupe.event.EventBus;
import dev.troupe.event.Outgoing;
import dev.troupe.event.Position;
import dev.troupe.event.Subscriber;
import dev.troupe.event.Subscription.Mode;
import dev.troupe.jdbc.SqliteStateStore;
import dev.troupe.kafka.KafkaTransport;
import dev.troupe.testkit.KafkaCluster;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/** Events through the whole bus over Kafka, beside Kafka's own clients. */
final class KafkaEventsReport {
  private static final int ROUNDS = 5;
  private static final int WARM_UP_ROUNDS = 2;
  private static final int PARTITIONS = 8;
  private static final int TOGETHER = 500;
  private static final int KEYS = 1_000;
  private static final int EVENTS = 100_000;
  private static final int TIMES_MORE = 5;
  private static final int SLOW_EVENTS = 100_000;
  private static final int WORKERS = 64;
  private static final byte[] DATA = new byte[256];

  private KafkaEventsReport() {}

  static void write(Path folder) throws Exception {
    Arrays.fill(DATA, (byte) 'x');
    Report report =
        new Report(
            "Events over Kafka",
            "`mvn -ntp -DskipTests -pl examples/benchmarks -am package && java -jar examples/benchmarks/target/benchmarks.jar events-kafka`\n\n"
                + "One broker, events of 256 bytes with "
                + KEYS
                + " keys in "
                + PARTITIONS
                + " partitions. Publishing: 500 a call, beside a producer with acks=all, the same headers and 500 between two flushes. Draining: a topic that is full, an empty handler and default settings, beside a consumer that counts what its polls give and commits after each; from the first event to the last; 100,000 are few enough for what is done once to weigh: who gets a partition counts the first thousand deliveries in the store, against handlers that kill their process. Handling: each event takes a millisecond, 64 workers, beside a consumer and a dispatcher that has a queue for each key, commits nothing and has as many events in flight (1,000). Medians of "
                + ROUNDS
                + " rounds after "
                + WARM_UP_ROUNDS
                + " for warming up; floor and Troupe take turns within each round.");
    double[][] found = new double[11][ROUNDS];
    Path file = Files.createTempDirectory("events-kafka").resolve("store.db");
    try (KafkaCluster kafka = KafkaCluster.start();
        SqliteStateStore store = SqliteStateStore.open(file);
        KafkaTransport transport = KafkaTransport.builder(kafka.bootstrapServers()).build();
        EventBus bus = EventBus.builder(transport, store).build()) {
      RawKafka raw = new RawKafka(kafka.bootstrapServers(), DATA);
      String full = topic(kafka);
      for (int i = 0; i < TIMES_MORE; i++) {
        publish(bus, full);
      }
      for (int round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
        double[] one = round(kafka, raw, bus, full);
        if (round >= 0) {
          for (int i = 0; i < one.length; i++) {
            found[i][round] = one[i];
          }
        }
      }
    }
    report.head("what", "mode", "Troupe / floor", "aim", "events a second", "floor");
    row(report, "publishing", "", found[1], found[0], 0.9);
    row(report, "draining 500,000", "ordered", found[9], found[8], 0.5);
    row(report, "draining 500,000", "shared", found[10], found[8], 0.5);
    row(report, "draining 100,000", "ordered", found[3], found[2], 0.5);
    row(report, "draining 100,000", "shared", found[4], found[2], 0.5);
    row(report, "handling for 1 ms", "ordered", found[6], found[5], 0.85);
    row(report, "handling for 1 ms", "shared", found[7], found[5], 0.85);
    report.write(folder, "events-kafka.md");
  }

  private static double[] round(KafkaCluster kafka, RawKafka raw, EventBus bus, String full)
      throws Exception {
    double[] found = new double[11];
    String theirs = topic(kafka);
    String ours = topic(kafka);
    found[0] = raw.publish(theirs, EVENTS, TOGETHER, KEYS);
    found[1] = publish(bus, ours);
    found[2] = raw.drain(ours, EVENTS);
    found[3] = handle(bus, ours, Mode.ORDERED, 16, EVENTS, () -> {});
    found[4] = handle(bus, ours, Mode.SHARED, 16, EVENTS, () -> {});
    Runnable slow = () -> LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
    found[5] = raw.handle(ours, SLOW_EVENTS, WORKERS, slow);
    found[6] = handle(bus, ours, Mode.ORDERED, WORKERS, SLOW_EVENTS, slow);
    found[7] = handle(bus, ours, Mode.SHARED, WORKERS, SLOW_EVENTS, slow);
    int many = TIMES_MORE * EVENTS;
    found[8] = raw.drain(full, many);
    found[9] = handle(bus, full, Mode.ORDERED, 16, many, () -> {});
    found[10] = handle(bus, full, Mode.SHARED, 16, many, () -> {});
    return found;
  }

  private static String topic(KafkaCluster kafka) {
    String topic = "t-" + UUID.randomUUID();
    kafka.createTopic(topic, PARTITIONS);
    kafka.awaitLeaders(topic);
    return topic;
  }

  private static double publish(EventBus bus, String topic) {
    bus.publish(
        topic,
        Event.builder("first").key("k0").data(DATA, null).build()); // so that the topic is known
    long began = System.nanoTime();
    for (int from = 1; from < EVENTS; from += TOGETHER) {
      int until = Math.min(EVENTS, from + TOGETHER);
      List<Outgoing> some = new ArrayList<>(TOGETHER);
      for (int i = from; i < until; i++) {
        some.add(
            new Outgoing(
                topic, Event.builder("tick").key("k" + i % KEYS).data(DATA, null).build()));
      }
      bus.publish(some);
    }
    return (EVENTS - 1) * 1e9 / (System.nanoTime() - began);
  }

  private static double handle(
      EventBus bus, String topic, Mode mode, int workers, int events, Runnable handler)
      throws InterruptedException {
    CountDownLatch left = new CountDownLatch(events);
    AtomicLong first = new AtomicLong();
    Subscriber subscriber =
        bus.subscribe(topic, UUID.randomUUID().toString())
            .mode(mode)
            .from(Position.START)
            .concurrency(workers)
            .start(
                (event, context) -> {
                  if (first.get() == 0) {
                    first.compareAndSet(0, System.nanoTime());
                  }
                  handler.run();
                  left.countDown();
                });
    left.await();
    double rate = events * 1e9 / (System.nanoTime() - first.get());
    subscriber.close();
    return rate;
  }

  private static void row(
      Report report, String what, String mode, double[] ours, double[] floor, double aim) {
    double us = Report.median(ours);
    double them = Report.median(floor);
    report.row(
        what,
        mode,
        Report.number(us / them),
        "at least " + aim,
        Report.number(us),
        Report.number(them));
  }
}
