package dev.troupe.examples.party;

import dev.troupe.event.EventTransport;
import dev.troupe.event.StoreTransport;
import dev.troupe.kafka.KafkaTransport;
import dev.troupe.redis.RedisTransport;
import dev.troupe.state.StateStore;

/** Opens what carries events by its address; the one place where these programs know brokers. */
public final class Transports {
  private static final String KAFKA = "kafka://";

  private Transports() {}

  /**
   * Opens a transport.
   *
   * @param address {@code store} for the store of the plans, {@code redis://…}, {@code rediss://…}
   *     or {@code kafka://host:port,host:port}
   * @param store the store of the plans
   * @return the transport
   * @throws IllegalArgumentException when the address is none of these
   */
  public static EventTransport open(String address, StateStore store) {
    if (address.equals("store")) {
      return StoreTransport.builder(store).build();
    }
    if (address.startsWith("redis://") || address.startsWith("rediss://")) {
      return RedisTransport.connect(address);
    }
    if (address.startsWith(KAFKA)) {
      return KafkaTransport.builder(address.substring(KAFKA.length())).replicas(1).build();
    }
    throw new IllegalArgumentException(
        "events go over store, redis://HOST:PORT or kafka://HOST:PORT, not over this address");
  }
}
