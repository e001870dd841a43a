package dev.troupe.event;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.Place;
import dev.troupe.state.Scan;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;

/** What tests of a bus share: a store, a bus over it, and the ids of what was handled. */
abstract class OwnBus {
  final MemoryStateStore store = new MemoryStateStore();
  final EventBus bus = EventBus.over(store);
  final ConcurrentLinkedQueue<String> handled = new ConcurrentLinkedQueue<>();

  @AfterEach
  void close() {
    bus.close(Duration.ofSeconds(2));
    bus.close();
  }

  final void handledAre(List<String> ids) {
    Awaitility.await().until(() -> handled.size() >= ids.size());
    assertThat(handled).containsExactlyInAnyOrderElementsOf(ids);
  }

  final List<String> publish(int count) {
    List<Outgoing> events = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      events.add(new Outgoing("t", Event.builder("x").key("k" + i % 7).json(i).build()));
    }
    bus.publish(events);
    return events.stream().map(one -> one.event().id()).toList();
  }

  final long parkedOf(String group) {
    long count = 0;
    for (int partition = 0; partition < store.info().partitions(); partition++) {
      count +=
          store.scan(new Scan.Records(partition, "$park:", null, false, 500)).items().stream()
              .filter(found -> found.place() instanceof Place.Queued q && q.queue().contains(group))
              .count();
    }
    return count;
  }
}
