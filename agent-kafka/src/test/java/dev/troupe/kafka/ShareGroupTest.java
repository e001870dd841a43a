package dev.troupe.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.event.Delivery;
import dev.troupe.event.Event;
import dev.troupe.event.EventBus;
import dev.troupe.event.EventTransport.Topic;
import dev.troupe.event.Feed;
import dev.troupe.event.Outgoing;
import dev.troupe.event.Position;
import dev.troupe.event.Settlement;
import dev.troupe.event.Subscription;
import dev.troupe.event.Subscription.Mode;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.testkit.ChildProcess;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.FeatureUpdate;
import org.apache.kafka.common.config.ConfigResource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What share groups add: counts of the brokers, more feeds than partitions, and their limits. */
@Timeout(180)
class ShareGroupTest {
  private static LocalKafka kafka;
  private static Admin admin;

  private final String topic = "s-" + UUID.randomUUID();
  private final String group = "g-" + topic;
  private final KafkaTransport transport =
      kafka.transport().shards(1).shareGroups(group).shareConsumers(4).build();

  @BeforeAll
  static void start() {
    kafka = LocalKafka.withShortLocks();
    admin = Admin.create(Map.of("bootstrap.servers", kafka.cluster.bootstrapServers()));
  }

  @AfterAll
  static void stop() {
    admin.close();
    kafka.close();
  }

  @BeforeEach
  void createTopic() {
    assertThat(transport.prepare(List.of(Topic.of(topic)), true)).isEmpty();
  }

  @AfterEach
  void closeTransport() {
    transport.close();
  }

  private Feed open(Position from) {
    return transport.open(
        new Subscription(List.of(topic), group, Mode.SHARED, from), (shards, most) -> {});
  }

  private List<String> append(int count) {
    List<Outgoing> events =
        IntStream.range(0, count)
            .mapToObj(i -> new Outgoing(topic, Event.builder("tick").key("k" + i).json(i).build()))
            .toList();
    transport.append(events);
    return events.stream().map(one -> one.event().id()).toList();
  }

  /** Row C10: handlers that take several locks, and short ones beside them. */
  @Test
  void whatTakesLongerThanALockIsHandledOnce() {
    Map<String, Integer> handled = new ConcurrentHashMap<>();
    try (EventBus bus =
        EventBus.builder(transport, new MemoryStateStore()).storeMayForget().build()) {
      bus.subscribe(topic, group)
          .mode(Mode.SHARED)
          .concurrency(4)
          .start(
              (event, context) -> {
                int number = event.data(Integer.class);
                LockSupport.parkNanos(
                    TimeUnit.MILLISECONDS.toNanos(number < 2 ? 3L * LocalKafka.LOCK : 5));
                handled.merge(event.id(), 1, Integer::sum);
              });
      List<String> ids = append(60);
      await()
          .atMost(Duration.ofSeconds(60))
          .untilAsserted(() -> assertThat(handled.keySet()).containsAll(ids));
      bus.close(Duration.ofSeconds(1));
      assertThat(handled.values()).containsOnly(1);
    }
  }

  /** Row C10: an event is done while its process is suspended for longer than the lock. */
  @Test
  void whatWasDoneWhenItsLockHadExpiredIsRecognised() {
    HangingCodec codec = new HangingCodec("hangs");
    HangingCodec others = new HangingCodec("nothing");
    MemoryStateStore store = new MemoryStateStore();
    Map<String, Integer> handled = new ConcurrentHashMap<>();
    CountDownLatch open = new CountDownLatch(1);
    CountDownLatch begun = new CountDownLatch(1);
    Outgoing slow = new Outgoing(topic, Event.of("slow", 1));
    Outgoing hangs = new Outgoing(topic, Event.of("hangs", 2));
    try (KafkaTransport one = kafka.transport().shareGroups(group).codec(topic, codec).build();
        KafkaTransport two = kafka.transport().shareGroups(group).codec(topic, others).build();
        EventBus first = EventBus.builder(one, store).storeMayForget().build();
        EventBus second = EventBus.builder(two, store).storeMayForget().build()) {
      first
          .subscribe(topic, group)
          .mode(Mode.SHARED)
          .dedupe(Duration.ofMinutes(5))
          .start(
              (event, context) -> {
                begun.countDown();
                open.await(60, TimeUnit.SECONDS);
                handled.merge(event.id(), 1, Integer::sum);
              });
      transport.append(List.of(slow));
      await().atMost(Duration.ofSeconds(60)).until(() -> begun.getCount() == 0);
      transport.append(List.of(hangs));
      await()
          .atMost(Duration.ofSeconds(60))
          .until(() -> codec.delivered.contains(hangs.event().id()));
      open.countDown();
      await().atMost(Duration.ofSeconds(60)).until(() -> handled.size() == 1);
      second
          .subscribe(topic, group)
          .mode(Mode.SHARED)
          .dedupe(Duration.ofMinutes(5))
          .start((event, context) -> handled.merge(event.id(), 1, Integer::sum));
      await()
          .atMost(Duration.ofSeconds(60))
          .until(() -> others.delivered.size() == 2 && handled.size() == 2);
      codec.goOn();
      List<String> more = append(20);
      await()
          .atMost(Duration.ofSeconds(60))
          .untilAsserted(() -> assertThat(handled.keySet()).containsAll(more));
      assertThat(handled).hasSize(22);
      assertThat(handled.values()).containsOnly(1);
    } finally {
      codec.goOn();
    }
  }

  /** Row C10: what kills its process. */
  @Test
  void whatKillsItsProcessIsADeadLetterAndOthersFlow(@TempDir Path folder) {
    Outgoing poison = new Outgoing(topic, Event.of("poison", 1));
    List<String> lines = new ArrayList<>();
    open(Position.START).close();
    List<String> ids = new ArrayList<>(append(10));
    transport.append(List.of(poison));
    ids.addAll(append(10));
    String dead = "POISON .*" + poison.event().id() + ".*";
    int deaths = -1;
    while (lines.stream().noneMatch(line -> line.matches(dead))) {
      deaths++;
      assertThat(deaths).isLessThan(5);
      try (ChildProcess worker =
          ChildProcess.of(PoisonWorker.class)
              .args(kafka.cluster.bootstrapServers(), topic, group, folder.resolve("state.db"))
              .start()) {
        worker.awaitLine("dies of .*|" + dead, Duration.ofSeconds(60));
        if (worker.lines().stream().anyMatch(line -> line.matches(dead))) {
          await()
              .atMost(Duration.ofSeconds(60))
              .until(() -> handled(lines, worker).containsAll(ids));
        } else {
          worker.awaitExit(Duration.ofSeconds(60));
        }
        lines.addAll(worker.lines());
      }
    }
    assertThat(deaths).isBetween(2, 3);
  }

  private static List<String> handled(List<String> before, ChildProcess now) {
    List<String> all = new ArrayList<>(before);
    all.addAll(now.lines());
    all.removeIf(line -> !line.startsWith("handled "));
    all.replaceAll(line -> line.substring("handled ".length()));
    return all;
  }

  @Test
  void theBrokersCountDeliveries() {
    Feed feed = open(Position.END);
    append(1);
    Delivery first = KafkaFixture.take(feed, 1).get(0);
    assertThat(first.count()).isEqualTo(1);
    feed.settle(List.of(new Settlement.Again(first)));
    assertThat(KafkaFixture.take(feed, 1).get(0).count()).isEqualTo(2);
    // this feed is never polled again
    Feed next = open(Position.END);
    Delivery third = KafkaFixture.take(next, 1).get(0);
    assertThat(third.count()).isEqualTo(3);
    KafkaFixture.done(next, List.of(third));
    next.close();
    feed.close();
  }

  @Test
  void whatIsGivenBackMoreOftenThanTheBrokersDeliverIsNotLost() {
    Feed feed = open(Position.END);
    List<String> ids = append(1);
    for (int count = 1; count <= 25; count++) {
      Delivery one = KafkaFixture.take(feed, 1).get(0);
      assertThat(KafkaFixture.ids(List.of(one))).isEqualTo(ids);
      assertThat(one.count()).isEqualTo(count);
      feed.settle(List.of(new Settlement.Again(one)));
    }
    KafkaFixture.done(feed, KafkaFixture.take(feed, 1));
    feed.close();
  }

  @Test
  void moreFeedsThanPartitionsShareTheWork() {
    Feed one = open(Position.END);
    Feed two = open(Position.END);
    Set<String> left = new HashSet<>();
    Map<Feed, Integer> shares = new ConcurrentHashMap<>();
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (shares.size() < 2 || !left.isEmpty()) {
      if (shares.size() < 2) {
        left.addAll(append(30));
      }
      for (Feed feed : List.of(one, two)) {
        List<Delivery> some = feed.poll(5, Duration.ofMillis(20));
        KafkaFixture.done(feed, some);
        KafkaFixture.ids(some).forEach(left::remove);
        if (!some.isEmpty()) {
          shares.merge(feed, some.size(), Integer::sum);
        }
      }
      assertThat(System.nanoTime() - end).as("%s of %s", left.size(), shares).isNegative();
    }
    one.close();
    two.close();
  }

  @Test
  void aNewGroupBeginsWhereItIsToldTo() {
    List<String> before = append(5);
    Feed all = open(Position.START);
    List<String> after = append(2);
    List<String> expected = new ArrayList<>(before);
    expected.addAll(after);
    List<Delivery> taken = KafkaFixture.take(all, 7);
    assertThat(KafkaFixture.ids(taken)).containsExactlyInAnyOrderElementsOf(expected);
    KafkaFixture.done(all, taken);
    all.close();
    append(1);
    Feed again = open(Position.START); // it goes on where it stopped
    KafkaFixture.done(again, KafkaFixture.take(again, 1));
    assertThat(again.poll(5, Duration.ofMillis(500))).isEmpty();
    again.close();
  }

  /** Beginnings can't be written then; Kafka's settings of the group decide. */
  @Test
  void aGroupAtWorkTakesUpATopicFromItsFirstEventOnly() {
    try (KafkaTransport patient =
        kafka
            .transport()
            .shareGroups(group)
            .setting("max.poll.interval.ms", "60000") // questions to brokers may take seconds
            .build()) {
      takesUp(patient);
    }
  }

  private void takesUp(KafkaTransport patient) {
    Subscription named = new Subscription(List.of(topic), group, Mode.SHARED, Position.END);
    String later = topic + ".later";
    assertThat(transport.prepare(List.of(Topic.of(later)), true)).isEmpty();
    Outgoing before = new Outgoing(later, Event.of("tick", 1));
    transport.append(List.of(before));
    Feed one = patient.open(named, (shards, most) -> {});
    append(1);
    settled(one); // it is a member now
    assertThatThrownBy(() -> one.follow(there -> Map.of(later, Position.END)))
        .isInstanceOfSatisfying(
            AgentException.class,
            e -> assertThat(e.code()).as("%s", e).isEqualTo(ErrorCode.INVALID_INPUT))
        .hasMessageContaining(group)
        .hasMessageContaining(later)
        .hasMessageContaining("stop its members once");
    assertThat(one.follow(there -> Map.of(later, Position.START))).containsExactly(later);
    assertThat(settled(one)).containsExactly(before.event().id());
    // to who comes later the group has joined it
    Feed two = patient.open(named, (shards, most) -> {});
    assertThat(two.follow(there -> Map.of(later, Position.END))).containsExactly(later);
    one.close();
    Outgoing after = new Outgoing(later, Event.of("tick", 2));
    transport.append(List.of(after));
    assertThat(settled(two)).containsExactly(after.event().id());
    two.close();
  }

  private static List<String> settled(Feed feed) {
    List<Delivery> taken = KafkaFixture.take(feed, 1);
    KafkaFixture.done(feed, taken);
    feed.poll(0, Duration.ZERO);
    return KafkaFixture.ids(taken);
  }

  @Test
  void lagAndTheOldestUnsettledAreShown() {
    Feed feed = open(Position.END);
    append(30);
    Delivery one = KafkaFixture.take(feed, 1).get(0);
    await()
        .atMost(Duration.ofSeconds(30))
        .untilAsserted(
            () -> {
              feed.poll(0, Duration.ZERO);
              Feed.ShardState state = feed.shards().get(0);
              assertThat(state.shard()).isEqualTo(one.shard());
              assertThat(state.lag()).isBetween(20L, 30L);
              assertThat(state.oldest()).isEqualTo(one.appended());
            });
    feed.close();
    assertThat(feed.shards()).isEmpty();
  }

  @Test
  void brokersThatGiveUpTooSoonAreNamedWithTheFix() throws Exception {
    limit("3");
    assertThat(transport.prepare(List.of(Topic.of(topic)), false))
        .singleElement()
        .asString()
        .contains(group, "3 times", "7", "share.delivery.count.limit");
    assertThatThrownBy(() -> open(Position.END))
        .isInstanceOfSatisfying(
            AgentException.class,
            e -> assertThat(e.code()).as("%s", e).isEqualTo(ErrorCode.INVALID_INPUT))
        .hasMessageContaining(group)
        .hasMessageContaining("share.delivery.count.limit");
    limit("7");
    assertThat(transport.prepare(List.of(Topic.of(topic)), false)).isEmpty();
    open(Position.END).close();
  }

  private void limit(String times) throws Exception {
    ConfigResource resource = new ConfigResource(ConfigResource.Type.GROUP, group);
    AlterConfigOp set =
        new AlterConfigOp(
            new ConfigEntry("share.delivery.count.limit", times), AlterConfigOp.OpType.SET);
    admin.incrementalAlterConfigs(Map.of(resource, List.of(set))).all().get(30, TimeUnit.SECONDS);
  }

  @Test
  void brokersWithoutShareGroupsAreNamedWithTheFix() throws Exception {
    try (LocalKafka old = LocalKafka.start();
        Admin its = Admin.create(Map.of("bootstrap.servers", old.cluster.bootstrapServers()));
        KafkaTransport over = old.transport().shareGroups(group).build()) {
      its.updateFeatures(
              Map.of(
                  "share.version",
                  new FeatureUpdate((short) 0, FeatureUpdate.UpgradeType.SAFE_DOWNGRADE)))
          .all()
          .get(30, TimeUnit.SECONDS);
      await()
          .atMost(Duration.ofSeconds(30))
          .untilAsserted(
              () ->
                  assertThat(over.prepare(List.of(Topic.of(topic)), true).toString())
                      .contains("group " + group, "share.version"));
      assertThatThrownBy(
              () ->
                  over.open(
                      new Subscription(List.of(topic), group, Mode.SHARED, Position.END),
                      (shards, most) -> {}))
          .isInstanceOfSatisfying(
              AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_INPUT))
          .hasMessageContaining("share.version");
    }
  }

  @Test
  void aGroupOfAnotherKindIsNamedWithTheFix() {
    try (KafkaTransport other = kafka.transport().build()) {
      other
          .open(new Subscription(List.of(topic), group, Mode.SHARED, Position.END), (s, most) -> {})
          .close();
      assertThatThrownBy(() -> open(Position.END))
          .isInstanceOfSatisfying(
              AgentException.class,
              e -> assertThat(e.code()).as("%s", e).isEqualTo(ErrorCode.INVALID_INPUT))
          .hasMessageContaining(group)
          .hasMessageContaining("another");
    }
  }

  @Test
  void aShareGroupIsJoinedAsNothingElse() {
    open(Position.END).close();
    try (KafkaTransport other = kafka.transport().build()) {
      assertThatThrownBy(
              () ->
                  other.open(
                      new Subscription(List.of(topic), group, Mode.ORDERED, Position.END),
                      (s, most) -> {}))
          .isInstanceOfSatisfying(
              AgentException.class,
              e -> assertThat(e.code()).as("%s", e).isEqualTo(ErrorCode.INVALID_INPUT))
          .hasMessageContaining(group)
          .hasMessageContaining("another");
    }
  }
}
