package dev.troupe.examples.benchmarks;

import dev.troupe.event.Event;
import dev.troupe.event.EventBus;
import dev.troupe.event.EventContext;
import dev.troupe.event.EventTransport;
import dev.troupe.event.Position;
import dev.troupe.event.Subscriber;
import dev.troupe.event.Subscription.Mode;
import dev.troupe.examples.party.Stores;
import dev.troupe.resilience.RetryPolicy;
import dev.troupe.state.StateStore;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** One process of the chaos of events: a member of both groups until it is told to go. */
public final class ChaosWorker {
  private static final Duration GRACE = Duration.ofSeconds(2);

  private final ChaosLog log;

  private ChaosWorker(ChaosLog log) {
    this.log = log;
  }

  /**
   * The program. Ends in order at the first line, or the end, of its input.
   *
   * @param args the transport, the store, the folder for histories, the process's name
   * @throws IOException when its input can't be read
   */
  public static void main(String[] args) throws IOException {
    try (ChaosLog log = new ChaosLog(Path.of(args[2]), args[3])) {
      new ChaosWorker(log).run(args[0], args[1]);
      System.gc(); // what is left then is what is kept
      Runtime runtime = Runtime.getRuntime();
      log.write(
          ChaosLine.LEFT,
          (runtime.totalMemory() - runtime.freeMemory()) >> 20,
          Thread.activeCount());
    }
  }

  private void run(String transportAddress, String storeAddress) throws IOException {
    try (StateStore store = ChaosTransports.patiently(() -> Stores.open(storeAddress));
        EventTransport transport =
            ChaosTransports.patiently(() -> ChaosTransports.open(transportAddress))) {
      EventBus bus =
          ChaosTransports.patiently(
              () -> EventBus.builder(transport, store).lease(ChaosRules.LEASE).build());
      try (bus) {
        Subscriber one = join(bus, ChaosRules.ORDERED, Mode.ORDERED);
        Subscriber other = join(bus, ChaosRules.SHARED, Mode.SHARED);
        System.out.println("ready");
        int ignored = System.in.read(); // or the parent has gone
        System.out.println("goes " + one.problems() + other.problems());
        bus.close(GRACE);
      }
    }
  }

  private Subscriber join(EventBus bus, String group, Mode mode) {
    return ChaosTransports.patiently(
        () ->
            bus.subscribe(ChaosRules.TOPIC, group)
                .mode(mode)
                .from(Position.START)
                .concurrency(ChaosRules.THREADS)
                .maxInFlight(ChaosRules.IN_FLIGHT)
                .retry(ChaosWorker::retry)
                .hotDelay(Duration.ofMillis(200))
                .maxDeliveries(100) // processes die of the chaos and not of events
                .start((event, context) -> handle(group, event, context)));
  }

  /** The first wait is spent in memory, the second in the store. */
  private static Optional<Duration> retry(RetryPolicy.Attempt attempt) {
    return switch (attempt.number()) {
      case 1 -> Optional.of(Duration.ofMillis(100));
      case 2 -> Optional.of(Duration.ofMillis(700));
      default -> Optional.empty();
    };
  }

  private void handle(String group, Event event, EventContext context) throws InterruptedException {
    long number = Long.parseLong(event.id());
    log.write(ChaosLine.BEGIN, group, number, context.attempt());
    if (ChaosRules.poison(number)
        || (ChaosRules.flaky(number) && context.attempt() < ChaosRules.ATTEMPTS)) {
      log.write(ChaosLine.FAIL, group, number);
      throw new IllegalStateException(number + " can't be handled");
    }
    long work =
        ChaosRules.slow(number)
            ? ChaosRules.SLOW.toNanos()
            : TimeUnit.MICROSECONDS.toNanos(ThreadLocalRandom.current().nextLong(10_000));
    long end = System.nanoTime() + work;
    for (long left = work; left > 0; left = end - System.nanoTime()) {
      LockSupport.parkNanos(left);
      if (Thread.interrupted()) {
        throw new InterruptedException();
      }
    }
    log.write(ChaosLine.END, group, number);
  }
}
