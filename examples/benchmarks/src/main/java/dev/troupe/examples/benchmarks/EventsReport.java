package dev.troupe.examples.benchmarks;

import dev.troupe.event.Event;
import dev.troupe.event.EventBus;
import dev.troupe.event.EventTransport.Topic;
import dev.troupe.event.Outgoing;
import dev.troupe.event.Subscriber;
import dev.troupe.event.Subscription.Mode;
import dev.troupe.redis.RedisStateStore;
import dev.troupe.redis.RedisTransport;
import dev.troupe.testkit.RedisServer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/** Events through the whole bus over Redis Streams, beside Jedis that does the same by hand. */
final class EventsReport {
  private static final int ROUNDS = 5;
  private static final int WARM_UP_ROUNDS = 2;
  private static final int SHARDS = 8;
  private static final int TOGETHER = 500;
  private static final int RATE = 1_000;
  private static final byte[] DATA = new byte[256];

  private EventsReport() {}

  static void write(Path folder) throws Exception {
    Arrays.fill(DATA, (byte) 'x');
    Report report =
        new Report(
            "Events over Redis",
            "`mvn -ntp -DskipTests -pl examples/benchmarks -am package && java -jar examples/benchmarks/target/benchmarks.jar events-redis`\n\n"
                + "One thread publishes events of 256 bytes, 500 a call, through an `EventBus` over `RedisTransport`, and a subscriber with an empty handler and default settings takes them at the same time; 8 shards. The floor is Jedis with the same fields in as many streams: pipelines of 500 `XADD`, and one consumer whose `XACK` ride in the pipeline of the next `XREADGROUP`. Medians of "
                + ROUNDS
                + " rounds after "
                + WARM_UP_ROUNDS
                + " for warming up; floor and Troupe take turns within each round.");
    report.head("AOF", "mode", "Troupe / floor", "aim", "events a second", "floor");
    throughput(report, "everysec", 40_000, 0.6, 0.7);
    throughput(report, "always", 40_000, 0.8, 0.8);
    report.line("");
    report.line(
        "From the call of publish to the handler, one event a call, 1,000 calls a second, AOF everysec; medians of 3 rounds of 3 seconds. The floor's consumer waits in `XREADGROUP BLOCK`.");
    report.line("");
    latency(report);
    report.write(folder, "events-redis.md");
  }

  private static RedisServer server(String fsync) {
    return RedisServer.builder().appendOnly(fsync).start();
  }

  private static void throughput(
      Report report, String fsync, int events, double ordered, double shared) throws Exception {
    double[][] found = new double[3][ROUNDS];
    for (int round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
      try (RedisServer server = server(fsync)) {
        double floor;
        try (RawStreams raw = new RawStreams(server.port(), SHARDS, DATA)) {
          floor = raw.throughput(events, TOGETHER);
        }
        double one = bus(server, Mode.ORDERED, events);
        double two = bus(server, Mode.SHARED, events);
        if (round >= 0) {
          found[0][round] = floor;
          found[1][round] = one;
          found[2][round] = two;
        }
      }
    }
    double floor = Report.median(found[0]);
    row(report, fsync, "ordered", Report.median(found[1]), floor, ordered);
    row(report, fsync, "shared", Report.median(found[2]), floor, shared);
  }

  private static void row(
      Report report, String fsync, String mode, double ours, double floor, double aim) {
    report.row(
        fsync,
        mode,
        Report.number(ours / floor),
        "at least " + aim,
        Report.number(ours),
        Report.number(floor));
  }

  private static double bus(RedisServer server, Mode mode, int events) throws Exception {
    String topic = "t-" + UUID.randomUUID();
    try (RedisStateStore store = RedisStateStore.builder().uri(server.uri()).open();
        RedisTransport transport = RedisTransport.builder().uri(server.uri()).open();
        EventBus bus = EventBus.builder(transport, store).build()) {
      bus.prepare(List.of(new Topic(topic, SHARDS, Duration.ZERO)), true);
      CountDownLatch left = new CountDownLatch(events);
      Subscriber subscriber = subscribe(bus, topic, mode, left);
      long began = System.nanoTime();
      for (int from = 0; from < events; from += TOGETHER) {
        List<Outgoing> some = new ArrayList<>(TOGETHER);
        for (int i = from; i < from + TOGETHER; i++) {
          some.add(new Outgoing(topic, event(i)));
        }
        bus.publish(some);
      }
      left.await();
      double rate = events * 1e9 / (System.nanoTime() - began);
      subscriber.close();
      return rate;
    }
  }

  private static Subscriber subscribe(EventBus bus, String topic, Mode mode, CountDownLatch left) {
    Subscriber subscriber =
        bus.subscribe(topic, "g").mode(mode).start((event, context) -> left.countDown());
    while (subscriber.shards().size() < SHARDS) {
      LockSupport.parkNanos(1_000_000);
    }
    return subscriber;
  }

  private static Event event(int number) {
    return Event.builder("tick").key("k" + number % 64).data(DATA, null).build();
  }

  private static void latency(Report report) throws Exception {
    int rounds = 3;
    int events = 3 * RATE;
    double[][] found = new double[3][rounds];
    try (RedisServer server = server("everysec")) {
      for (int round = -1; round < rounds; round++) {
        double floor = floorLatency(server, events);
        double ordered = busLatency(server, Mode.ORDERED, events);
        double shared = busLatency(server, Mode.SHARED, events);
        if (round >= 0) {
          found[0][round] = floor;
          found[1][round] = ordered;
          found[2][round] = shared;
        }
      }
    }
    double floor = Report.median(found[0]);
    report.head("mode", "Troupe / floor", "aim", "p50, µs", "floor");
    for (int i = 1; i < 3; i++) {
      double ours = Report.median(found[i]);
      report.row(
          i == 1 ? "ordered" : "shared",
          Report.number(ours / floor),
          "at most 1.3",
          Report.number(ours),
          Report.number(floor));
    }
  }

  /** Calls at an even pace. */
  private static void paced(int events, Publishing publishing) {
    long next = System.nanoTime();
    for (int i = 0; i < events; i++) {
      next += 1_000_000_000L / RATE;
      for (long rest = next - System.nanoTime(); rest > 0; rest = next - System.nanoTime()) {
        LockSupport.parkNanos(rest);
      }
      publishing.publish(i);
    }
  }

  private interface Publishing {
    void publish(int number);
  }

  private static double floorLatency(RedisServer server, int events) {
    double[] micros = new double[events];
    try (RawStreams raw = new RawStreams(server.port(), SHARDS, DATA)) {
      AtomicInteger came = new AtomicInteger();
      CompletableFuture<Void> consumer =
          CompletableFuture.runAsync(
              () ->
                  raw.consume(
                      events,
                      time -> {
                        long sent = Long.parseLong(new String(time, StandardCharsets.UTF_8));
                        micros[came.getAndIncrement()] = (System.nanoTime() - sent) / 1e3;
                      }),
              task -> new Thread(task, "consumer").start());
      paced(
          events,
          i -> raw.append(i, Long.toString(System.nanoTime()).getBytes(StandardCharsets.UTF_8)));
      consumer.join();
      return Report.median(micros);
    }
  }

  private static double busLatency(RedisServer server, Mode mode, int events) throws Exception {
    String topic = "t-" + UUID.randomUUID();
    double[] micros = new double[events];
    try (RedisStateStore store = RedisStateStore.builder().uri(server.uri()).open();
        RedisTransport transport = RedisTransport.builder().uri(server.uri()).open();
        EventBus bus = EventBus.builder(transport, store).build()) {
      bus.prepare(List.of(new Topic(topic, SHARDS, Duration.ZERO)), true);
      AtomicInteger came = new AtomicInteger();
      CountDownLatch left = new CountDownLatch(events);
      Subscriber subscriber =
          bus.subscribe(topic, "g")
              .mode(mode)
              .start(
                  (event, context) -> {
                    long sent = Long.parseLong(event.subject().orElseThrow());
                    micros[came.getAndIncrement()] = (System.nanoTime() - sent) / 1e3;
                    left.countDown();
                  });
      while (subscriber.shards().size() < SHARDS) {
        LockSupport.parkNanos(1_000_000);
      }
      paced(
          events,
          i ->
              bus.publish(
                  topic, event(i).toBuilder().subject(Long.toString(System.nanoTime())).build()));
      left.await();
      subscriber.close();
      return Report.median(micros);
    }
  }
}
