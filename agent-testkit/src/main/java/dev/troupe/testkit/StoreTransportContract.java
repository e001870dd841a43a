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
 * What a {@link StoreTransport} over some store keeps. Extend it and say how to reach the store.
 */
public abstract class StoreTransportContract extends EventTransportContract {
  private @Nullable StateStore store;
  private @Nullable MailTampered tampered;

  /** For subclasses. */
  protected StoreTransportContract() {}

  /**
   * Opens the store that all transports of a test share; closed after the test.
   *
   * @return the store
   */
  protected abstract StateStore openStore();

  @Override
  protected EventTransport open() {
    if (tampered == null) {
      store = openStore();
      tampered = new MailTampered(store);
    }
    return StoreTransport.builder(tampered)
        .shards(4)
        .lease(lease())
        .lookEvery(Duration.ofMillis(20))
        .build();
  }

  @Override
  protected final void closed() {
    if (store != null) {
      store.close();
    }
  }

  @Override
  protected Duration lease() {
    return Duration.ofSeconds(1);
  }

  @Override
  protected void appendBytes(String to, String key, byte[] bytes) {
    tampered.insteadOfTheNext(bytes);
    transport().append(List.of(new Outgoing(to, Event.builder("x").key(key).build())));
  }
}
