package dev.troupe.redis;

import dev.troupe.event.Delivery;
import dev.troupe.event.Feed;
import dev.troupe.event.Position;
import dev.troupe.event.Subscription;
import dev.troupe.event.Subscription.Mode;
import java.net.URI;
import java.time.Duration;
import java.util.List;

/** A process that takes events and never settles them: tells {@code took <id> <count>} for each. */
final class StreamWorker {
  private StreamWorker() {}

  /** Takes the address of the server, the topic, the mode and the lease in milliseconds. */
  public static void main(String[] args) {
    Duration lease = Duration.ofMillis(Long.parseLong(args[3]));
    Subscription subscription =
        new Subscription(List.of(args[1]), "g", Mode.valueOf(args[2]), Position.START);
    try (RedisTransport transport =
            RedisTransport.builder().uri(URI.create(args[0])).lease(lease).open();
        Feed feed = transport.open(subscription, (shards, atMost) -> {})) {
      while (true) {
        for (Delivery delivery : feed.poll(100, Duration.ofMillis(100))) {
          System.out.println("took " + delivery.offset() + " " + delivery.count());
        }
      }
    }
  }
}
