package dev.troupe.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.troupe.event.AppendFailedException;
import dev.troupe.event.Event;
import dev.troupe.event.EventBus;
import dev.troupe.event.EventTransport.Topic;
import dev.troupe.event.Outgoing;
import dev.troupe.event.Subscriber;
import dev.troupe.jdbc.SqliteStateStore;
import dev.troupe.resilience.RetryPolicy;
import dev.troupe.state.MemoryStateStore;
import dev.troupe.testkit.ChildProcess;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.MemberDescription;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Slow handlers, members that come and go or hang, and brokers that die. */
@Timeout(240)
class KafkaFaultTest {
  private static final Duration PATIENCE = Duration.ofSeconds(90);

  private static LocalKafka kafka;

  private final String topic = "f-" + UUID.randomUUID();
  private final Map<String, Integer> handled = new ConcurrentHashMap<>();
  private final Queue<String> published = new ConcurrentLinkedQueue<>();
  private final MemoryStateStore store = new MemoryStateStore();
  private final List<KafkaTransport> transports = new ArrayList<>();
  private final List<EventBus> buses = new ArrayList<>();

  @BeforeAll
  static void start() {
    kafka = LocalKafka.start();
  }

  @AfterAll
  static void stop() {
    kafka.close();
  }

  @AfterEach
  void closeAll() {
    buses.forEach(bus -> bus.close(Duration.ofSeconds(1)));
    transports.forEach(KafkaTransport::close);
  }

  private EventBus bus() {
    return bus(kafka.transport());
  }

  private EventBus bus(KafkaTransport.Builder by) {
    KafkaTransport transport = by.build();
    transports.add(transport);
    transport.prepare(List.of(Topic.of(topic)), true);
    EventBus bus = EventBus.builder(transport, store).storeMayForget().build();
    buses.add(bus);
    return bus;
  }

  private void subscribe(EventBus bus, Duration takes) {
    bus.subscribe(topic, "g")
        .concurrency(4)
        .maxInFlight(20)
        .start(
            (event, context) -> {
              LockSupport.parkNanos(takes.toNanos());
              handled.merge(event.id(), 1, Integer::sum);
            });
  }

  private void publish(EventBus by, int count) {
    List<Outgoing> events =
        IntStream.range(0, count)
            .mapToObj(i -> Event.builder("tick").key("k" + i % 13).json(i).build())
            .map(event -> new Outgoing(topic, event))
            .toList();
    by.publish(events);
    events.forEach(one -> published.add(one.event().id()));
  }

  private void awaitAllHandled() {
    await()
        .atMost(PATIENCE)
        .untilAsserted(() -> assertThat(handled.keySet()).containsAll(published));
  }

  /** Row C1. */
  @Test
  void aHandlerSlowerThanTheLongestSilenceHandlesOnceAndStaysAMember() throws Exception {
    EventBus bus = bus();
    subscribe(bus, Duration.ofMillis(3L * LocalKafka.POLL_INTERVAL));
    publish(bus, 3);
    awaitAllHandled();
    EventBus other = bus();
    subscribe(other, Duration.ZERO);
    publish(bus, 3);
    awaitAllHandled();
    assertThat(handled.values()).containsOnly(1);
    assertThat(members("g")).hasSize(2);
  }

  private static List<String> members(String group) throws Exception {
    try (Admin admin =
        Admin.create(Map.of("bootstrap.servers", kafka.cluster.bootstrapServers()))) {
      return admin
          .describeConsumerGroups(List.of(group))
          .all()
          .get(30, TimeUnit.SECONDS)
          .get(group)
          .members()
          .stream()
          .map(MemberDescription::consumerId)
          .toList();
    }
  }

  /** Row C2. */
  @Test
  void nothingIsLostWhileMembersComeAndGo() {
    comeAndGo(8, Duration.ofMillis(1_000));
  }

  /** Row C2, for longer. */
  @Test
  @Tag("chaos")
  void nothingIsLostWhileMembersComeAndGoForMinutes() {
    comeAndGo(20, Duration.ofSeconds(5));
  }

  private void comeAndGo(int changes, Duration every) {
    EventBus publisher = bus();
    Deque<EventBus> members = new ArrayDeque<>();
    for (int i = 0; i < 2; i++) {
      members.add(bus());
      subscribe(members.getLast(), Duration.ofMillis(20));
    }
    for (int change = 0; change < changes; change++) {
      long end = System.nanoTime() + every.toNanos();
      while (System.nanoTime() - end < 0) {
        publish(publisher, 10);
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
      }
      if (change % 2 == 0) {
        members.add(bus());
        subscribe(members.getLast(), Duration.ofMillis(20));
      } else {
        members.removeFirst().close(Duration.ofSeconds(2));
      }
    }
    awaitAllHandled();
    int twice = handled.values().stream().mapToInt(times -> times - 1).sum();
    System.out.println(published.size() + " events, " + twice + " of them handled again");
    assertThat(twice).isLessThanOrEqualTo(changes * 3 * 20);
  }

  /** Row C5. */
  @Test
  void nothingThatWasAcknowledgedIsLostWhenTheBrokerIsKilled() throws Exception {
    EventBus bus = bus();
    bus.subscribe(topic, "g")
        .dedupe(Duration.ofMinutes(5))
        .start((event, context) -> handled.merge(event.id(), 1, Integer::sum));
    EventBus writer = bus();
    AtomicBoolean over = new AtomicBoolean();
    Thread writes = new Thread(() -> write(writer, over), "writes");
    writes.start();
    await().atMost(PATIENCE).until(() -> published.size() > 200);
    kafka.cluster.kill(1);
    kafka.cluster.restart(1);
    int before = published.size();
    await().atMost(PATIENCE).until(() -> published.size() > before + 200);
    over.set(true);
    writes.join();
    awaitAllHandled();
    assertThat(published).allSatisfy(id -> assertThat(handled).containsEntry(id, 1));
  }

  /** Appends what failed again until it is in. */
  private void write(EventBus by, AtomicBoolean over) {
    int number = 0;
    while (!over.get()) {
      int base = number;
      List<Outgoing> events =
          IntStream.range(0, 10)
              .mapToObj(i -> Event.builder("tick").key("k" + i).json(base + i).build())
              .map(event -> new Outgoing(topic, event))
              .toList();
      number += 10;
      for (List<Outgoing> left = events; !left.isEmpty(); ) {
        try {
          by.publish(left);
          left = List.of();
        } catch (AppendFailedException e) {
          assertThat(e.code().retryable()).as("%s", e).isTrue();
          left = e.failed();
        }
      }
      events.forEach(one -> published.add(one.event().id()));
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
    }
  }

  /** Row C6: it had handled what it could not commit, and the next owner knows. */
  @Test
  void whatASuspendedMemberHasHandledIsNotHandledAgainByItsSuccessor() {
    HangingCodec codec = new HangingCodec("hangs");
    HangingCodec others = new HangingCodec("nothing");
    CountDownLatch open = new CountDownLatch(1);
    CountDownLatch begun = new CountDownLatch(1);
    EventBus publisher = bus();
    noting(bus(kafka.transport().codec(topic, codec)))
        .start(
            (event, context) -> {
              begun.countDown();
              open.await(60, TimeUnit.SECONDS);
              handled.merge(event.id(), 1, Integer::sum);
            });
    publish(publisher, 20);
    await().atMost(PATIENCE).until(() -> begun.getCount() == 0);
    Event hangs = Event.of("hangs", 1);
    publisher.publish(topic, hangs);
    await().atMost(PATIENCE).until(() -> codec.delivered.contains(hangs.id()));
    List<String> before = List.copyOf(codec.delivered);
    open.countDown(); // nobody polls, so what is done now is not committed
    await().atMost(PATIENCE).until(() -> handled.size() == before.size() - 1);
    noting(bus(kafka.transport().codec(topic, others)))
        .start((event, context) -> handled.merge(event.id(), 1, Integer::sum));
    published.add(hangs.id());
    awaitAllHandled();
    assertThat(others.delivered).containsAll(before);
    codec.goOn();
    publish(publisher, 20);
    awaitAllHandled();
    assertThat(handled).hasSize(published.size());
    assertThat(handled.values()).containsOnly(1);
  }

  private Subscriber.Builder noting(EventBus bus) {
    return bus.subscribe(topic, "g-" + topic).concurrency(30).dedupe(Duration.ofMinutes(5));
  }

  /** Row C9. */
  @Test
  void whatCannotBeLaidDownIsNotCommittedAndComesAgainAfterARestart(@TempDir Path folder)
      throws Exception {
    Path file = folder.resolve("state.db");
    SqliteStateStore lost = SqliteStateStore.open(file);
    KafkaTransport transport =
        kafka
            .transport()
            .shards(1)
            .commitEvery(Duration.ZERO)
            .setting("max.poll.interval.ms", "1200")
            .build();
    transports.add(transport);
    transport.prepare(List.of(Topic.of(topic)), true);
    AtomicInteger attempts = new AtomicInteger();
    Event bad = Event.builder("bad").key("bad").build();
    try (EventBus bus = EventBus.builder(transport, lost).build()) {
      bus.subscribe(topic, "g-" + topic)
          .retry(RetryPolicy.none())
          .start(
              (event, context) -> {
                if (event.type().equals("bad")) {
                  attempts.incrementAndGet();
                  lost.close();
                  throw new IllegalStateException("always");
                }
                handled.merge(event.id(), 1, Integer::sum);
              });
      publish(bus, 3);
      awaitAllHandled();
      await().atMost(PATIENCE).until(() -> committed() == 3);
      bus.publish(topic, bad);
      await().atMost(PATIENCE).until(() -> attempts.get() == 1);
      publish(bus, 3);
      await().atMost(PATIENCE).until(() -> !bus.problems().isEmpty());
      assertThat(bus.problems().toString()).contains("group g-" + topic);
      // it waits longer and longer between its looks at the store, and is a member all the same
      List<String> members = members("g-" + topic);
      await()
          .during(Duration.ofMillis(3_500))
          .atMost(PATIENCE)
          .until(() -> committed() == 3 && attempts.get() == 1);
      assertThat(members("g-" + topic)).hasSize(1).isEqualTo(members);
      bus.close(Duration.ZERO);
    }
    assertThat(committed()).isEqualTo(3);
    AtomicInteger again = new AtomicInteger();
    try (SqliteStateStore found = SqliteStateStore.open(file);
        EventBus bus = EventBus.builder(transport, found).build()) {
      bus.subscribe(topic, "g-" + topic)
          .start(
              (event, context) -> {
                again.addAndGet(event.id().equals(bad.id()) ? 1 : 0);
                handled.merge(event.id(), 1, Integer::sum);
              });
      awaitAllHandled();
      await().atMost(PATIENCE).until(() -> again.get() == 1 && committed() == 7);
      assertThat(bus.deadLetters().list("g-" + topic, null, 10).items()).isEmpty();
    }
  }

  private long committed() throws Exception {
    try (Admin admin =
        Admin.create(Map.of("bootstrap.servers", kafka.cluster.bootstrapServers()))) {
      OffsetAndMetadata mark =
          admin
              .listConsumerGroupOffsets("g-" + topic)
              .partitionsToOffsetAndMetadata()
              .get(30, TimeUnit.SECONDS)
              .get(new TopicPartition(topic, 0));
      return mark == null ? -1 : mark.offset();
    }
  }

  /** Row C6. */
  @Test
  void aMemberThatWasStoppedIsReplacedAndItsLateWorkChangesNothing() {
    EventBus publisher = bus();
    try (ChildProcess worker =
        ChildProcess.of(KafkaWorker.class).args(kafka.cluster.bootstrapServers(), topic).start()) {
      worker.awaitLine("ready", PATIENCE);
      publish(publisher, 200);
      worker.awaitLines("handled .*", 5, PATIENCE);
      worker.pause();
      EventBus other = bus();
      subscribe(other, Duration.ofMillis(1));
      await()
          .atMost(PATIENCE)
          .untilAsserted(
              () -> {
                List<String> all = new ArrayList<>(worker.lines());
                all.removeIf(line -> !line.startsWith("handled "));
                all.replaceAll(line -> line.substring("handled ".length()));
                all.addAll(handled.keySet());
                assertThat(all).containsAll(published);
              });
      worker.resume();
      publish(publisher, 200);
      int before = worker.lines().size();
      await()
          .atMost(PATIENCE)
          .untilAsserted(
              () -> {
                publish(publisher, 20);
                assertThat(worker.lines().size()).isGreaterThan(before + 10);
              });
      assertThat(worker.alive()).isTrue();
      assertThat(worker.lines()).noneMatch(line -> line.contains("Exception"));
    }
  }
}
