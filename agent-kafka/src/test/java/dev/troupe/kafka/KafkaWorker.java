package dev.troupe.kafka;

import dev.troupe.event.EventBus;
import dev.troupe.state.MemoryStateStore;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;

/** A process of a group that prints what it handles. */
final class KafkaWorker {
  private KafkaWorker() {}

  public static void main(String[] args) throws Exception {
    Map<String, Object> settings =
        Map.of(
            "bootstrap.servers",
            args[0],
            "session.timeout.ms",
            "1500",
            "heartbeat.interval.ms",
            "300",
            "max.poll.interval.ms",
            "" + LocalKafka.POLL_INTERVAL);
    EventBus bus =
        EventBus.builder(KafkaTransport.builder(settings).build(), new MemoryStateStore())
            .storeMayForget()
            .build();
    bus.subscribe(args[1], "g")
        .concurrency(4)
        .start(
            (event, context) -> {
              LockSupport.parkNanos(50_000_000);
              System.out.println("handled " + event.id());
            });
    System.out.println("ready");
    System.in.read();
  }
}
