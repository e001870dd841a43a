package dev.troupe.kafka;

import dev.troupe.event.DeadLetter;
import dev.troupe.event.EventBus;
import dev.troupe.event.Subscription.Mode;
import dev.troupe.jdbc.SqliteStateStore;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;

/** A process of a share group that dies of events of one type, and tells of dead letters. */
final class PoisonWorker {
  private PoisonWorker() {}

  public static void main(String[] args) {
    String topic = args[1];
    String group = args[2];
    KafkaTransport transport =
        KafkaTransport.builder(Map.of("bootstrap.servers", args[0]))
            .shareGroups(group)
            .shareConsumers(4)
            .build();
    EventBus bus =
        EventBus.builder(transport, SqliteStateStore.open(Path.of(args[3])))
            .lease(Duration.ofSeconds(1))
            .build();
    bus.subscribe(topic, group)
        .mode(Mode.SHARED)
        .concurrency(4)
        .maxDeliveries(2)
        .start(
            (event, context) -> {
              if (event.type().equals("poison")) {
                System.out.println("dies of " + event.id());
                System.out.flush();
                Runtime.getRuntime().halt(1);
              }
              System.out.println("handled " + event.id());
            });
    while (true) {
      for (DeadLetter letter : bus.deadLetters().list(group, null, 10).items()) {
        System.out.println(letter.reason() + " " + letter.event());
      }
      LockSupport.parkNanos(50_000_000);
    }
  }
}
