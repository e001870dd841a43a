package dev.troupe.testkit;

import dev.troupe.event.Event;
import dev.troupe.event.EventTransport;
import dev.troupe.event.Outgoing;
import dev.troupe.event.StoreTransport;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.state.StateStore;
import java.time.Duration;
import java.util.List;

/** The bus inside a process. */
class MemoryBusTest extends EventBusContract {
  private final MailTampered events = new MailTampered(new MemoryStateStore());

  @Override
  protected EventTransport transport() {
    return StoreTransport.builder(events)
        .shards(4)
        .lease(Duration.ofSeconds(1))
        .lookEvery(Duration.ofMillis(20))
        .build();
  }

  @Override
  protected StateStore store() {
    return new MemoryStateStore();
  }

  @Override
  protected void appendBytes(String to, String key, byte[] bytes) {
    events.insteadOfTheNext(bytes);
    transport().append(List.of(new Outgoing(to, Event.builder("x").key(key).build())));
  }
}
