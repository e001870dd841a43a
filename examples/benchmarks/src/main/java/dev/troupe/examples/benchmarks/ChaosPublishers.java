package dev.troupe.examples.benchmarks;

import dev.troupe.AgentException;
import dev.troupe.event.AppendFailedException;
import dev.troupe.event.Event;
import dev.troupe.event.EventBus;
import dev.troupe.event.Outgoing;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Publish numbered events, each publisher of keys of its own and in their order: what was not
 * acknowledged is published again before anything else of it. Another one writes bytes that are no
 * event.
 */
final class ChaosPublishers {
  private static final int PUBLISHERS = 2;
  private static final int EVERY_MILLIS = 100;
  private static final int RUBBISH_EVERY_MILLIS = 1_500;

  private final EventBus bus;
  private final ChaosServers servers;
  private final ChaosLog log;
  private final int perSecond;
  private final AtomicLong numbers = new AtomicLong();
  private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
  private final List<Thread> threads = new ArrayList<>();
  private volatile boolean over;

  ChaosPublishers(EventBus bus, ChaosServers servers, ChaosLog log, int perSecond) {
    this.bus = bus;
    this.servers = servers;
    this.log = log;
    this.perSecond = perSecond;
  }

  void start(long seed) {
    for (int i = 0; i < PUBLISHERS; i++) {
      int who = i;
      Random random = new Random(seed + i);
      threads.add(new Thread(() -> publish(who, random), "publisher-" + i));
    }
    threads.add(new Thread(this::writeRubbish, "rubbish"));
    for (Thread thread : threads) {
      thread.setDaemon(true);
      thread.setUncaughtExceptionHandler((t, e) -> failure.set(e));
      thread.start();
    }
  }

  long count() {
    return numbers.get();
  }

  /** Ends when everything that was begun is acknowledged. */
  void stop() throws InterruptedException {
    over = true;
    for (Thread thread : threads) {
      thread.join(TimeUnit.SECONDS.toMillis(120));
      if (thread.isAlive()) {
        throw new IllegalStateException(thread.getName() + " gets no acknowledgement");
      }
    }
    Throwable why = failure.get();
    if (why != null) {
      throw new IllegalStateException("a publisher failed", why);
    }
  }

  private void publish(int who, Random random) {
    Map<String, Integer> places = new HashMap<>();
    long began = System.nanoTime();
    long done = 0;
    while (!over) {
      long due = (System.nanoTime() - began) * perSecond / PUBLISHERS / TimeUnit.SECONDS.toNanos(1);
      List<Outgoing> some = new ArrayList<>();
      // after a time without a server not everything at once
      for (long missing = Math.min(due - done, perSecond); missing > 0; missing--) {
        String key = "k" + who + "-" + random.nextInt(ChaosRules.KEYS / PUBLISHERS);
        long number = numbers.incrementAndGet();
        int place = places.merge(key, 1, Integer::sum);
        log.write(ChaosLine.SENT, number, key, place);
        some.add(
            new Outgoing(
                ChaosRules.TOPIC,
                Event.builder("tick")
                    .id(Long.toString(number))
                    .source("/chaos")
                    .key(key)
                    .json(number)
                    .build()));
      }
      done = due;
      untilIn(some);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(EVERY_MILLIS));
    }
  }

  private void untilIn(List<Outgoing> some) {
    List<Outgoing> left = some;
    while (!left.isEmpty()) {
      List<Outgoing> failed = List.of();
      try {
        bus.publish(left);
      } catch (AppendFailedException e) {
        failed = e.failed();
      } catch (AgentException e) {
        if (!e.retryable()) {
          throw e;
        }
        failed = left;
      }
      for (Outgoing one : left) {
        boolean again = failed.contains(one);
        log.write(again ? ChaosLine.DOUBT : ChaosLine.ACKED, one.event().id());
      }
      left = failed;
      if (!left.isEmpty()) {
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(EVERY_MILLIS));
      }
    }
  }

  private void writeRubbish() {
    for (int number = 1; !over; number++) {
      log.write(ChaosLine.RAW_SENT, number);
      boolean in = false;
      while (!in) {
        try {
          servers.write(number % ChaosRules.SHARDS, ChaosRules.rubbish(number));
          in = true;
          log.write(ChaosLine.RAW_ACKED, number);
        } catch (Exception e) { // whatever a client throws when its server dies
          log.write(ChaosLine.RAW_DOUBT, number);
          LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(EVERY_MILLIS));
        }
      }
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(RUBBISH_EVERY_MILLIS));
    }
  }
}
