package dev.troupe.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import dev.troupe.event.Delivery;
import dev.troupe.event.EventTransport;
import dev.troupe.event.Feed;
import dev.troupe.event.Outgoing;
import dev.troupe.event.Position;
import dev.troupe.event.Subscription;
import dev.troupe.state.Page;
import dev.troupe.testkit.EventTransportContract;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** What every transport keeps, with share groups for all groups of mode SHARED. */
class ShareContractTest extends EventTransportContract {
  /** Every name that the contract gives to a group of mode SHARED. */
  private static final String[] SHARED = {
    "shared",
    "g",
    "diesSHARED",
    "doneSHARED",
    "againSHARED",
    "countedSHARED",
    "anySHARED",
    "lateSHARED",
    "keepsSHARED",
    "stuckSHARED",
    "quickSHARED",
    "rawSHARED",
    "leavesSHARED",
    "followsSHARED",
    "besideSHARED"
  };

  private static LocalKafka kafka;

  /** Kafka knows a group of one name once, and these tests run beside each other. */
  private final String suffix = "-" + UUID.randomUUID();

  @BeforeAll
  static void start() {
    kafka = LocalKafka.withShortLocks();
  }

  @AfterAll
  static void stop() {
    kafka.close();
  }

  @Override
  protected EventTransport open() {
    String[] names = Arrays.stream(SHARED).map(name -> name + suffix).toArray(String[]::new);
    return new Watched(
        kafka.transport().shareGroups(names).shareConsumers(16).commitEvery(Duration.ZERO).build(),
        suffix);
  }

  @Override
  protected Duration lease() {
    return Duration.ofMillis(LocalKafka.POLL_INTERVAL + 500);
  }

  @Override
  protected void appendBytes(String to, String key, byte[] bytes) {
    kafka.write(to, key, bytes);
  }

  @Override
  protected Duration patience() {
    return Duration.ofSeconds(60);
  }

  /**
   * Fails when a group of mode SHARED is none of these, so that no test passes over another feed.
   */
  private record Watched(KafkaTransport kafka, String suffix) implements EventTransport {
    @Override
    public Feed open(Subscription subscription, Feed.Listener listener) {
      Subscription own =
          new Subscription(
              subscription.topics(),
              subscription.group() + suffix,
              subscription.mode(),
              subscription.from());
      Feed feed = kafka.open(own, listener);
      assertThat(feed instanceof ShareFeed)
          .as("group %s is a share group", subscription.group())
          .isEqualTo(subscription.mode() == Subscription.Mode.SHARED);
      return feed;
    }

    @Override
    public void append(List<Outgoing> events) {
      kafka.append(events);
    }

    @Override
    public Page<Delivery> read(String topic, Position from, int limit) {
      return kafka.read(topic, from, limit);
    }

    @Override
    public List<Problem> prepare(List<Topic> topics, boolean create) {
      return kafka.prepare(topics, create);
    }

    @Override
    public Info info() {
      return kafka.info();
    }

    @Override
    public void close() {
      kafka.close();
    }
  }
}
