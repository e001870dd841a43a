package dev.troupe.redis;

import static dev.troupe.redis.StreamFixture.event;
import static dev.troupe.redis.StreamFixture.number;
import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.event.AppendFailedException;
import dev.troupe.event.EventBus;
import dev.troupe.event.Outgoing;
import dev.troupe.event.Position;
import dev.troupe.event.Subscription.Mode;
import dev.troupe.state.StoreInfo.Durability;
import dev.troupe.testkit.RedisServer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A server that is restarted and killed while events flow. */
@Timeout(120)
class RedisTransportRestartTest {
  private static final int KEYS = 7;
  private static final Duration SOON = Duration.ofSeconds(60);

  @Test
  void nothingThatWasAppendedIsLostAndSubscribersGoOn() throws Exception {
    try (RedisServer server = RedisServer.builder().appendOnly("always").start();
        RedisStateStore store = RedisStateStore.builder().uri(server.uri()).open();
        RedisTransport transport =
            RedisTransport.builder().uri(server.uri()).lease(Duration.ofSeconds(2)).open();
        EventBus bus = EventBus.builder(transport, store).build()) {
      assertThat(transport.info().survives()).isEqualTo(Durability.MACHINE);
      Set<Integer> ordered = Collections.synchronizedSet(new LinkedHashSet<>());
      Set<Integer> shared = Collections.synchronizedSet(new LinkedHashSet<>());
      bus.subscribe("t", "ordered").start((e, c) -> ordered.add(e.data(Integer.class)));
      bus.subscribe("t", "shared")
          .mode(Mode.SHARED)
          .start((e, c) -> shared.add(e.data(Integer.class)));
      AtomicInteger appended = new AtomicInteger();
      AtomicInteger until = new AtomicInteger(Integer.MAX_VALUE);
      CompletableFuture<Void> publisher =
          CompletableFuture.runAsync(
              () -> {
                while (appended.get() < until.get()) {
                  int from = appended.get();
                  insist(transport, IntStream.range(from, from + 20).mapToObj(this::one).toList());
                  appended.set(from + 20);
                }
              });
      flows(appended, shared);
      server.kill();
      server.restart();
      flows(appended, shared);
      server.stop();
      server.restart();
      flows(appended, shared);
      server.kill();
      server.restart();
      flows(appended, shared);
      until.set(appended.get());
      publisher.get(30, TimeUnit.SECONDS);
      List<Integer> all = IntStream.range(0, appended.get()).boxed().toList();
      Awaitility.await().atMost(SOON).until(() -> ordered.containsAll(all));
      Awaitility.await().atMost(SOON).until(() -> shared.containsAll(all));
      for (int key = 0; key < KEYS; key++) {
        int remainder = key;
        assertThat(List.copyOf(ordered).stream().filter(n -> n % KEYS == remainder)).isSorted();
      }
      Set<Integer> kept = new LinkedHashSet<>();
      transport.read("t", Position.START, 1_000_000).items().forEach(d -> kept.add(number(d)));
      assertThat(kept).isNotEmpty();
    }
  }

  private Outgoing one(int number) {
    return event("t", "k" + number % KEYS, number);
  }

  /** Appends what was not, until all is in. */
  private static void insist(RedisTransport transport, List<Outgoing> events) {
    List<Outgoing> rest = new ArrayList<>(events);
    while (!rest.isEmpty()) {
      try {
        transport.append(rest);
        return;
      } catch (AppendFailedException e) {
        rest = e.failed();
      }
    }
  }

  private static void flows(AtomicInteger appended, Set<Integer> handled) {
    int before = appended.get();
    int came = handled.size();
    Awaitility.await()
        .atMost(SOON)
        .until(() -> appended.get() > before + 400 && handled.size() > came + 400);
  }
}
