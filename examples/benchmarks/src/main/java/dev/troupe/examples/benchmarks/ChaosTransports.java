package dev.troupe.examples.benchmarks;

import dev.troupe.AgentException;
import dev.troupe.event.EventTransport;
import dev.troupe.kafka.KafkaTransport;
import dev.troupe.redis.RedisTransport;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;

/** Opens transports as all processes of the chaos have them. */
final class ChaosTransports {
  private static final String REDIS = "redis://";

  private ChaosTransports() {}

  /** Over Redis, or over Kafka when the address names its servers. */
  static EventTransport open(String address) {
    if (address.startsWith(REDIS)) {
      return RedisTransport.builder()
          .uri(address)
          .lease(ChaosRules.LEASE)
          .shards(ChaosRules.SHARDS)
          .open();
    }
    return KafkaTransport.builder(address)
        .shards(ChaosRules.SHARDS)
        .replicas(3)
        .replicated()
        .setting("max.poll.interval.ms", "" + ChaosRules.POLL_INTERVAL.toMillis())
        .setting("session.timeout.ms", "" + ChaosRules.LEASE.toMillis())
        .setting("heartbeat.interval.ms", 500)
        .setting("reconnect.backoff.max.ms", 500)
        .setting("default.api.timeout.ms", 6_000)
        .setting("request.timeout.ms", 3_000)
        .setting("delivery.timeout.ms", 6_000)
        .build();
  }

  /** Tries until servers are there. */
  static <T> T patiently(Supplier<T> call) {
    while (true) {
      try {
        return call.get();
      } catch (AgentException e) {
        if (!e.retryable()) {
          throw e;
        }
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(200));
      }
    }
  }
}
