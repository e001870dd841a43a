package dev.troupe.redis;

import static dev.troupe.redis.StreamFixture.event;
import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.event.AppendFailedException;
import dev.troupe.event.Event;
import dev.troupe.event.EventBus;
import dev.troupe.event.Outgoing;
import dev.troupe.event.Subscription.Mode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;

/**
 * Numbered events of some keys that flow through a topic to a group in order and to one that
 * shares. What was not appended is appended again; what was acknowledged is noted with when.
 */
final class EventFlow implements AutoCloseable {
  private static final int TOGETHER = 20;
  private static final int KEYS = 12;
  private static final Duration SOON = Duration.ofSeconds(60);
  private static final Duration QUIET = Duration.ofSeconds(5);

  private final RedisTransport transport;
  private final String topic;
  private final Map<Integer, Long> acked = Collections.synchronizedMap(new LinkedHashMap<>());
  private final Set<Integer> ordered = Collections.synchronizedSet(new LinkedHashSet<>());
  private final Set<Integer> shared = Collections.synchronizedSet(new LinkedHashSet<>());
  private final CompletableFuture<Void> publisher;
  private volatile boolean over;

  EventFlow(EventBus bus, RedisTransport transport, String topic) {
    this.transport = transport;
    this.topic = topic;
    bus.subscribe(topic, "ordered").start((event, context) -> ordered.add(number(event)));
    bus.subscribe(topic, "shared")
        .mode(Mode.SHARED)
        .start((event, context) -> shared.add(number(event)));
    publisher =
        CompletableFuture.runAsync(
            () -> {
              for (int from = 0; !over; from += TOGETHER) {
                insist(IntStream.range(from, from + TOGETHER).mapToObj(this::one).toList());
              }
            });
  }

  private static int number(Event event) {
    return Objects.requireNonNull(event.data(Integer.class));
  }

  private Outgoing one(int number) {
    return event(topic, "k" + number % KEYS, number);
  }

  private void insist(List<Outgoing> events) {
    List<Outgoing> rest = new ArrayList<>(events);
    while (!rest.isEmpty()) {
      List<Outgoing> failed = List.of();
      try {
        transport.append(rest);
      } catch (AppendFailedException e) {
        failed = e.failed();
        LockSupport.parkNanos(5_000_000);
      }
      rest.removeAll(failed);
      long now = System.nanoTime();
      rest.forEach(one -> acked.put(number(one.event()), now));
      rest = new ArrayList<>(failed);
    }
  }

  /** Waits until so many more were acknowledged and came to both groups. */
  void flows(int more) {
    int sent = acked.size();
    int first = ordered.size();
    int second = shared.size();
    RedisFixture.patiently()
        .atMost(SOON)
        .until(
            () ->
                acked.size() > sent + more
                    && ordered.size() > first + more
                    && shared.size() > second + more);
  }

  /** Ends the publisher. */
  @Override
  public void close() {
    over = true;
    publisher.orTimeout(30, TimeUnit.SECONDS).join();
  }

  /** What was acknowledged and has not come when for five seconds no more came. */
  Map<Integer, Long> missing() {
    Map<Integer, Long> before = Map.of();
    Map<Integer, Long> now = absent();
    while (!now.isEmpty() && !now.equals(before)) {
      LockSupport.parkNanos(QUIET.toNanos());
      before = now;
      now = absent();
    }
    return now;
  }

  private Map<Integer, Long> absent() {
    Map<Integer, Long> missing = new LinkedHashMap<>(acked);
    missing.keySet().removeIf(number -> ordered.contains(number) && shared.contains(number));
    return missing;
  }

  /** Events of a key came in the order in which they were appended, seen for the first time. */
  void assertOrder() {
    for (int key = 0; key < KEYS; key++) {
      int remainder = key;
      List<Integer> came =
          List.copyOf(ordered).stream().filter(n -> n % KEYS == remainder).toList();
      assertThat(came).as("key %d", key).isEqualTo(List.copyOf(new TreeSet<>(came)));
    }
  }
}
