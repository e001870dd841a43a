package dev.troupe.testkit;

import dev.troupe.event.Event;
import dev.troupe.event.EventTransport;
import dev.troupe.event.Outgoing;
import dev.troupe.event.StoreTransport;
import dev.troupe.state.StateStore;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the bus keeps when everything lies in one store. Extend it and say how to reach the store.
 */
public abstract class StoreBusContract extends EventBusContract {
  private @Nullable StateStore store;
  private @Nullable MailTampered events;

  /** For subclasses. */
  protected StoreBusContract() {}

  /**
   * Opens the store that all buses of a test share; closed after the test.
   *
   * @return the store
   */
  protected abstract StateStore openStore();

  @Override
  protected final StateStore store() {
    if (store == null) {
      store = openStore();
    }
    return store;
  }

  @Override
  protected final EventTransport transport() {
    if (events == null) {
      events = new MailTampered(store());
    }
    return StoreTransport.builder(events)
        .shards(4)
        .lease(Duration.ofSeconds(1))
        .lookEvery(Duration.ofMillis(20))
        .build();
  }

  @Override
  protected final void closed() {
    store().close();
  }

  @Override
  protected void appendBytes(String to, String key, byte[] bytes) {
    EventTransport transport = transport();
    events.insteadOfTheNext(bytes);
    transport.append(List.of(new Outgoing(to, Event.builder("x").key(key).build())));
  }
}
