package dev.troupe.kafka;

import static java.nio.charset.StandardCharsets.UTF_8;
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
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import org.apache.kafka.clients.admin.NewPartitions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Where a group stands: commits, beginnings, and what it takes over. */
@Timeout(120)
class KafkaGroupTest extends KafkaFixture {
  /** Row C3. */
  @Test
  void theCommittedOffsetIsTheFinishedPrefixWhateverIsFinishedFirst() throws Exception {
    transport.prepare(List.of(Topic.of(topic)), true);
    Feed feed = open(Mode.ORDERED, Position.END);
    append(300, "k");
    List<Delivery> all = new ArrayList<>(take(feed, 300));
    List<Delivery> reversed = new ArrayList<>(all.subList(0, 100));
    Collections.reverse(reversed);
    for (int i = 0; i < 100; i += 20) {
      done(feed, reversed.subList(i, i + 20));
      feed.poll(0, Duration.ZERO);
      assertThat(committed().offset()).isEqualTo(i == 80 ? 100 : 0);
    }
    long seed = System.nanoTime();
    System.out.println("seed " + seed);
    List<Delivery> shuffled = new ArrayList<>(all.subList(100, 300));
    Collections.shuffle(shuffled, new Random(seed));
    Set<Long> finished = new HashSet<>();
    for (int i = 0; i < 200; i += 10) {
      List<Delivery> some = shuffled.subList(i, i + 10);
      done(feed, some);
      some.forEach(one -> finished.add(Long.parseLong(one.offset())));
      feed.poll(0, Duration.ZERO);
      long prefix = 100;
      while (finished.contains(prefix)) {
        prefix++;
      }
      assertThat(committed().offset()).isEqualTo(prefix);
      assertThat(committed().metadata().length()).isLessThanOrEqualTo(2_048);
    }
    feed.close();
  }

  @Test
  void manyEventsAreSettledByFewCommits() throws Exception {
    int count = 10_000;
    String client = "commits-" + topic;
    try (KafkaTransport one = kafka.transport().setting("client.id", client).build();
        EventBus bus = EventBus.builder(one, new MemoryStateStore()).storeMayForget().build()) {
      one.prepare(List.of(new Topic(topic, 1, Duration.ZERO)), true);
      AtomicInteger handled = new AtomicInteger();
      long began = System.nanoTime();
      bus.subscribe(topic, "g-" + topic)
          .maxInFlight(10) // so that it is polled a thousand times
          .start((event, context) -> handled.incrementAndGet());
      for (int i = 0; i < count; i += 1_000) {
        append(1_000, "k" + i);
      }
      await()
          .atMost(Duration.ofSeconds(60))
          .until(() -> handled.get() == count && committed().offset() == count);
      long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began);
      double commits = commits(client);
      // one in 100 ms, and some when partitions come
      assertThat(commits).isBetween(1.0, 5.0 + millis / 100.0);
    }
  }

  /** Of all consumers of a client, as Kafka counts them. */
  private static double commits(String client) throws Exception {
    MBeanServer beans = ManagementFactory.getPlatformMBeanServer();
    ObjectName names =
        new ObjectName(
            "kafka.consumer:type=consumer-coordinator-metrics,client-id=" + client + "*");
    double all = 0;
    for (ObjectName one : beans.queryNames(names, null)) {
      all += (Double) beans.getAttribute(one, "commit-total");
    }
    return all;
  }

  @Test
  void whoTakesOverSkipsWhatWasFinishedBehindTheCommit() {
    transport.prepare(List.of(Topic.of(topic)), true);
    Feed feed = open(Mode.ORDERED, Position.END);
    List<String> ids = append(200, "k");
    List<Delivery> all = take(feed, 200);
    List<Delivery> odd = IntStream.range(0, 100).mapToObj(i -> all.get(2 * i + 1)).toList();
    done(feed, odd);
    feed.poll(0, Duration.ZERO); // from here on it hangs, and is missed
    Feed next = open(Mode.ORDERED, Position.END);
    List<String> expected = IntStream.range(0, 100).mapToObj(i -> ids.get(2 * i)).toList();
    assertThat(ids(take(next, 100))).isEqualTo(expected);
    assertThat(next.poll(10, Duration.ofMillis(300))).isEmpty();
    next.close();
  }

  @Test
  void whatIsGivenBackIsNeverSkippedAndCounted() throws Exception {
    transport.prepare(List.of(Topic.of(topic)), true);
    Feed feed = open(Mode.SHARED, Position.END);
    append(3, "k");
    List<Delivery> all = take(feed, 3);
    Delivery old = all.get(0);
    for (int count = 2; count < 5; count++) {
      feed.settle(List.of(new Settlement.Again(old)));
      done(feed, all.subList(1, 3));
      Delivery again = take(feed, 1).get(0);
      assertThat(again.offset()).isEqualTo(old.offset());
      assertThat(again.count()).isEqualTo(count);
      assertThat(committed().offset()).isZero();
      done(feed, List.of(old)); // no longer the one that is out
      feed.poll(0, Duration.ZERO);
      assertThat(committed().offset()).isZero();
      old = again;
    }
    done(feed, List.of(old));
    feed.poll(0, Duration.ZERO);
    assertThat(committed().offset()).isEqualTo(3);
    feed.close();
  }

  @Test
  void aNewGroupBeginsWhereItsSubscriptionSays() {
    transport.prepare(List.of(Topic.of(topic)), true);
    List<String> ids = append(5, "k");
    try (Feed feed = open(Mode.ORDERED, Position.START)) {
      assertThat(ids(take(feed, 5))).isEqualTo(ids);
    }
    Instant last = lastAppended();
    String later = "";
    while (!lastAppended().isAfter(last)) {
      later = append(1, "k").get(0);
    }
    Instant begin = lastAppended();
    Subscription since =
        new Subscription(List.of(topic), "since", Mode.ORDERED, Position.since(begin));
    try (Feed feed = transport.open(since, (s, d) -> {})) {
      assertThat(ids(take(feed, 1))).containsExactly(later);
    }
    Subscription future =
        new Subscription(
            List.of(topic), "future", Mode.ORDERED, Position.since(begin.plusSeconds(3_600)));
    try (Feed feed = transport.open(future, (s, d) -> {})) {
      List<String> more = append(2, "k");
      assertThat(ids(take(feed, 2))).isEqualTo(more);
    }
  }

  @Test
  void aTopicThatAWorkingGroupTakesInBeginsWhenTheFeedIsOpen() throws Exception {
    String second = topic + "-2";
    transport.prepare(List.of(Topic.of(topic), Topic.of(second)), true);
    transport.append(List.of(new Outgoing(second, Event.of("before", 1))));
    Feed first = open(Mode.ORDERED, Position.END);
    AtomicBoolean over = new AtomicBoolean();
    Thread polls =
        new Thread(
            () -> {
              while (!over.get()) {
                done(first, first.poll(10, Duration.ofMillis(20)));
              }
              first.close();
            });
    first.poll(0, Duration.ofSeconds(3));
    polls.start();
    Subscription both =
        new Subscription(List.of(topic, second), "g-" + topic, Mode.ORDERED, Position.END);
    Feed feed = transport.open(both, (s, d) -> {});
    Event event = Event.of("after", 2);
    transport.append(List.of(new Outgoing(second, event)));
    assertThat(ids(take(feed, 1))).containsExactly(event.id());
    over.set(true);
    polls.join();
    feed.close();
  }

  @Test
  void partitionsThatATopicGetsLaterAreReadFromTheirBeginning() throws Exception {
    try (KafkaTransport quick =
        kafka
            .transport()
            .shards(1)
            .setting("metadata.max.age.ms", "500")
            .setting("max.poll.interval.ms", "20000")
            .build()) {
      quick.prepare(List.of(Topic.of(topic)), true);
      Subscription group = new Subscription(List.of(topic), "g", Mode.ORDERED, Position.END);
      Feed feed = quick.open(group, (s, d) -> {});
      Feed everyone =
          quick.open(
              new Subscription(List.of(topic), "all", Mode.EVERYONE, Position.END), (s, d) -> {});
      feed.poll(0, Duration.ofSeconds(1));
      admin
          .createPartitions(Map.of(topic, NewPartitions.increaseTo(6)))
          .all()
          .get(30, TimeUnit.SECONDS);
      kafka.cluster.awaitLeaders(topic);
      Set<String> keys = new TreeSet<>();
      for (int i = 0; i < 50; i++) {
        kafka.write(topic, "k" + i, ("value " + i).getBytes(UTF_8));
        keys.add("value " + i);
      }
      Set<String> seen = new TreeSet<>();
      Set<Integer> shards = new HashSet<>();
      for (Delivery one : take(feed, 50)) {
        seen.add(new String(((Delivery.Raw) one.content()).data(), UTF_8));
        shards.add(one.shard().number());
      }
      assertThat(seen).isEqualTo(keys);
      assertThat(shards).hasSizeGreaterThan(3);
      feed.close();
      assertThat(take(everyone, 50)).hasSize(50);
      everyone.close();
    }
  }

  /** Row C2. */
  @Test
  void whoGivesPartitionsAwayIsToldHowLongThereIs() {
    transport.prepare(List.of(new Topic(topic, 2, Duration.ZERO)), true);
    Duration less = Duration.ofMillis(123);
    assertThat(told("less", kafka.transport().drainAtMost(less))).containsOnly(less);
    assertThat(told("more", kafka.transport().drainAtMost(Duration.ofMinutes(1))))
        .containsOnly(Duration.ofMillis(LocalKafka.POLL_INTERVAL / 4));
  }

  private List<Duration> told(String name, KafkaTransport.Builder by) {
    List<Duration> told = new CopyOnWriteArrayList<>();
    Subscription group = new Subscription(List.of(topic), name, Mode.ORDERED, Position.END);
    try (KafkaTransport one = by.build();
        Feed first = one.open(group, (shards, atMost) -> told.add(atMost))) {
      until(() -> first.shards().size() == 2, first);
      try (Feed second = one.open(group, (shards, atMost) -> {})) {
        until(() -> !second.shards().isEmpty(), first, second);
        return List.copyOf(told);
      }
    }
  }

  private static void until(BooleanSupplier reached, Feed... polled) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(40);
    while (!reached.getAsBoolean()) {
      for (Feed feed : polled) {
        feed.poll(0, Duration.ofMillis(5));
      }
      assertThat(System.nanoTime() - end).as("the group was divided").isNegative();
    }
  }

  @Test
  void ofTwoFeedsThatOpenAtOnceNeitherLosesWhatComesAfterItIsOpen() throws Exception {
    transport.prepare(List.of(new Topic(topic, 4, Duration.ZERO)), true);
    for (int round = 0; round < 6; round++) {
      Subscription group =
          new Subscription(List.of(topic), "at-once-" + round, Mode.ORDERED, Position.END);
      Queue<String> appended = new ConcurrentLinkedQueue<>();
      List<Feed> feeds = new CopyOnWriteArrayList<>();
      List<Thread> openers =
          IntStream.range(0, 2)
              .mapToObj(
                  i ->
                      new Thread(
                          () -> {
                            feeds.add(transport.open(group, (s, d) -> {}));
                            for (int n = 0; n < 5; n++) {
                              appended.addAll(append(4, "k" + i + n));
                            }
                          }))
              .toList();
      openers.forEach(Thread::start);
      for (Thread one : openers) {
        one.join();
      }
      Set<String> seen = new HashSet<>();
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(40);
      while (!seen.containsAll(appended)) {
        for (Feed feed : feeds) {
          List<Delivery> some = feed.poll(100, Duration.ofMillis(20));
          done(feed, some);
          seen.addAll(ids(some));
        }
        assertThat(System.nanoTime() - end).as("all of round %s came", round).isNegative();
      }
      feeds.forEach(Feed::close);
    }
  }

  @Test
  void aGroupIsNotJoinedInAnotherMode() throws Exception {
    transport.prepare(List.of(Topic.of(topic)), true);
    Feed ordered = open(Mode.ORDERED, Position.END);
    assertThatThrownBy(() -> open(Mode.SHARED, Position.END))
        .isInstanceOfSatisfying(
            AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_INPUT))
        .hasMessageContaining("g-" + topic)
        .hasMessageContaining("ORDERED");
    append(3, "k");
    done(ordered, take(ordered, 3).subList(1, 3));
    ordered.poll(0, Duration.ZERO);
    assertThat(committed().metadata()).startsWith("ordered;troupe1:");
    ordered.close();
    assertThatThrownBy(() -> open(Mode.SHARED, Position.END)).isInstanceOf(AgentException.class);
    open(Mode.ORDERED, Position.END).close();
  }
}
