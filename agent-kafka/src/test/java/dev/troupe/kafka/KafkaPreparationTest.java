package dev.troupe.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.event.AppendFailedException;
import dev.troupe.event.Delivery;
import dev.troupe.event.Event;
import dev.troupe.event.EventTransport.Problem;
import dev.troupe.event.EventTransport.Topic;
import dev.troupe.event.Feed;
import dev.troupe.event.Outgoing;
import dev.troupe.event.Position;
import dev.troupe.event.Subscription;
import dev.troupe.event.Subscription.Mode;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.slf4j.LoggerFactory;

/** Row C8: what would keep events from flowing is named at the start, with what to do. */
@Timeout(120)
class KafkaPreparationTest {
  private static final String PASSWORD = "hunter2canary";
  private static LocalKafka kafka;
  private static Admin admin;

  private final String topic = "p-" + UUID.randomUUID();

  @BeforeAll
  static void start() {
    kafka = LocalKafka.withAccessRules(Map.of("app", PASSWORD));
    admin = Admin.create(Map.of("bootstrap.servers", kafka.cluster.bootstrapServers()));
  }

  @AfterAll
  static void stop() {
    admin.close();
    kafka.close();
  }

  /** Whatever has a rule is closed but for what is allowed. */
  private static void allow(ResourceType type, String name, AclOperation... operations)
      throws Exception {
    rule(type, name, AclOperation.ALTER, AclPermissionType.DENY);
    for (AclOperation operation : operations) {
      rule(type, name, operation, AclPermissionType.ALLOW);
    }
  }

  private static void rule(
      ResourceType type, String name, AclOperation operation, AclPermissionType what)
      throws Exception {
    AclBinding rule =
        new AclBinding(
            new ResourcePattern(type, name, PatternType.LITERAL),
            new AccessControlEntry("User:*", "*", operation, what));
    admin.createAcls(List.of(rule)).all().get(30, TimeUnit.SECONDS);
  }

  @Test
  void everyProblemIsNamedWithItsTopicAndWhatToDo() throws Exception {
    String noWrite = topic + "-no-write";
    String noAccess = topic + "-no-access";
    String compacted = topic + "-compacted";
    String small = topic + "-small";
    kafka.cluster.createTopic(noWrite, 1);
    kafka.cluster.createTopic(noAccess, 1);
    kafka.cluster.createTopic(
        compacted, 1, Map.of("cleanup.policy", "compact", "retention.ms", "1000"));
    kafka.cluster.createTopic(
        small, 2, Map.of("max.message.bytes", "1000", "min.insync.replicas", "2"));
    allow(ResourceType.TOPIC, noWrite, AclOperation.READ, AclOperation.DESCRIBE_CONFIGS);
    allow(ResourceType.TOPIC, noAccess);
    try (KafkaTransport transport = kafka.transport().build()) {
      List<Problem> problems =
          transport.prepare(
              List.of(
                  Topic.of(topic),
                  Topic.of(noWrite),
                  Topic.of(noAccess),
                  new Topic(compacted, 0, Duration.ofDays(1)),
                  new Topic(small, 3, Duration.ZERO)),
              false);
      assertThat(of(problems, topic)).singleElement().asString().contains("not exist", "create");
      assertThat(of(problems, noWrite)).singleElement().asString().contains("append", "Write");
      assertThat(of(problems, noAccess)).singleElement().asString().contains("denied", "Describe");
      assertThat(of(problems, compacted).toString()).contains("retention.ms", "cleanup.policy");
      assertThat(of(problems, compacted)).hasSize(2);
      assertThat(of(problems, small).toString())
          .contains("2 partitions, not 3", "max.message.bytes", "min.insync.replicas");
      assertThat(of(problems, small)).hasSize(3);
    }
  }

  @Test
  void whoOnlyPublishesOrOnlySubscribesIsAskedForNoMore() throws Exception {
    String noRead = topic + "-no-read";
    String noWrite = topic + "-no-write";
    kafka.cluster.createTopic(noRead, 1);
    kafka.cluster.createTopic(noWrite, 1);
    allow(ResourceType.TOPIC, noRead, AclOperation.WRITE, AclOperation.DESCRIBE_CONFIGS);
    allow(ResourceType.TOPIC, noWrite, AclOperation.READ, AclOperation.DESCRIBE_CONFIGS);
    List<Topic> both = List.of(Topic.of(noRead), Topic.of(noWrite));
    try (KafkaTransport publisher = kafka.transport().publishOnly().build();
        KafkaTransport subscriber = kafka.transport().subscribeOnly().build()) {
      assertThat(publisher.prepare(both, false))
          .singleElement()
          .asString()
          .contains(noWrite, "Write");
      assertThat(subscriber.prepare(both, false))
          .singleElement()
          .asString()
          .contains(noRead, "Read");
    }
  }

  private static List<Problem> of(List<Problem> problems, String name) {
    return problems.stream().filter(one -> one.where().equals("topic " + name)).toList();
  }

  @Test
  void aTopicThatIsSaidToBeReplicatedIsLookedAt() {
    try (KafkaTransport transport = kafka.transport().replicated().build()) {
      assertThat(transport.prepare(List.of(Topic.of(topic)), true))
          .singleElement()
          .asString()
          .contains(topic)
          .contains("min.insync.replicas");
    }
    try (KafkaTransport transport = kafka.transport().replicas(3).build()) {
      assertThat(transport.prepare(List.of(Topic.of(topic + "-3")), true))
          .singleElement()
          .asString()
          .contains(topic + "-3");
    }
  }

  @Test
  void topicsThatAreCreatedKeepWhatIsAskedFor() {
    try (KafkaTransport transport = kafka.transport().build()) {
      Topic wanted = new Topic(topic, 0, Duration.ofDays(30));
      assertThat(transport.prepare(List.of(wanted), true)).isEmpty();
      assertThat(transport.prepare(List.of(new Topic(topic, 4, Duration.ofDays(30))), false))
          .isEmpty();
      assertThat(transport.prepare(List.of(new Topic(topic, 0, Duration.ofDays(31))), false))
          .singleElement()
          .asString()
          .contains("retention.ms");
    }
  }

  @Test
  void whatIsDeniedLaterIsAnErrorThatSaysWhatToAllow() throws Exception {
    String group = "g-" + topic;
    kafka.cluster.createTopic(topic, 1);
    allow(ResourceType.GROUP, group, AclOperation.DESCRIBE);
    allow(ResourceType.TOPIC, topic, AclOperation.READ);
    try (KafkaTransport transport = kafka.transport().build()) {
      Outgoing event = new Outgoing(topic, Event.of("x", 1));
      assertThatThrownBy(() -> transport.append(List.of(event)))
          .isInstanceOfSatisfying(
              AppendFailedException.class,
              e -> {
                assertThat(e.code()).isEqualTo(ErrorCode.INVALID_INPUT);
                assertThat(e.failed()).containsExactly(event);
              })
          .hasMessageContaining(topic)
          .hasMessageContaining("Write");
      Subscription denied = new Subscription(List.of(topic), group, Mode.ORDERED, Position.END);
      assertThatThrownBy(
              () -> {
                try (Feed feed = transport.open(denied, (s, d) -> {})) {
                  feed.poll(1, Duration.ofSeconds(5));
                }
              })
          .isInstanceOfSatisfying(
              AgentException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_INPUT))
          .hasMessageContaining(group)
          .hasMessageContaining("Read");
    }
  }

  private static KafkaTransport.Builder withPassword(String password) {
    String login =
        "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"app\""
            + " password=\"%s\";";
    return kafka
        .transport()
        .setting("bootstrap.servers", kafka.cluster.guardedServers())
        .setting("security.protocol", "SASL_PLAINTEXT")
        .setting("sasl.mechanism", "PLAIN")
        .setting("sasl.jaas.config", login.formatted(password));
  }

  /** None with an old client, which can't do all that a share group needs. */
  private String[] shareGroups() {
    return ShareGroups.clientHasThem() ? new String[] {"share-" + topic} : new String[0];
  }

  private List<Subscription> oneOfEachKind(Position from) {
    List<Subscription> all = new ArrayList<>();
    all.add(new Subscription(List.of(topic), "ordered-" + topic, Mode.ORDERED, from));
    all.add(new Subscription(List.of(topic), "shared-" + topic, Mode.SHARED, from));
    all.add(new Subscription(List.of(topic), "everyone-" + topic, Mode.EVERYONE, from));
    for (String group : shareGroups()) {
      all.add(new Subscription(List.of(topic), group, Mode.SHARED, from));
    }
    return all;
  }

  @Test
  void theRightPasswordReachesEveryClient() {
    try (KafkaTransport transport =
        withPassword(PASSWORD)
            .shards(1)
            .shareGroups(shareGroups())
            .shareDeliveries(3) // what brokers do by default
            .build()) {
      assertThat(transport.prepare(List.of(Topic.of(topic)), true)).isEmpty();
      Outgoing event = new Outgoing(topic, Event.of("x", 1));
      List<Feed> feeds = new ArrayList<>();
      for (Subscription one : oneOfEachKind(Position.END)) {
        feeds.add(transport.open(one, (shards, atMost) -> {}));
      }
      transport.append(List.of(event));
      for (Feed feed : feeds) {
        List<Delivery> came = KafkaFixture.take(feed, 1);
        assertThat(KafkaFixture.ids(came)).containsExactly(event.event().id());
        KafkaFixture.done(feed, came);
        feed.close();
      }
      assertThat(KafkaFixture.ids(transport.read(topic, Position.START, 10).items()))
          .containsExactly(event.event().id());
    }
  }

  @Test
  void theWrongPasswordIsAnErrorAtOnceThatDoesNotShowIt() {
    kafka.cluster.createTopic(topic, 1);
    ListAppender<ILoggingEvent> log = new ListAppender<>();
    Logger root = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    log.start();
    root.addAppender(log);
    String wrong = "wrong" + PASSWORD;
    long began = System.nanoTime();
    StringWriter said = new StringWriter();
    try (KafkaTransport transport = withPassword(wrong).shareGroups(shareGroups()).build()) {
      assertThat(transport.prepare(List.of(Topic.of(topic)), true))
          .isNotEmpty()
          .allSatisfy(one -> assertThat(one.toString()).contains("sasl.*"));
      List<ThrowingCallable> all = new ArrayList<>();
      all.add(() -> transport.append(List.of(new Outgoing(topic, Event.of("x", 1)))));
      all.add(() -> transport.read(topic, Position.START, 1));
      for (Subscription one : oneOfEachKind(Position.END)) {
        all.add(() -> transport.open(one, (shards, atMost) -> {}));
      }
      for (ThrowingCallable one : all) {
        assertThatThrownBy(one)
            .isInstanceOfSatisfying(
                AgentException.class,
                e -> {
                  assertThat(e.code()).isEqualTo(ErrorCode.INVALID_INPUT);
                  e.printStackTrace(new PrintWriter(said));
                })
            .hasMessageContaining("sasl.*");
      }
    } finally {
      root.detachAppender(log);
    }
    // each alone would be waited for as long as a question to the brokers may take
    assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(30));
    log.list.forEach(line -> said.append(line.getFormattedMessage()).append('\n'));
    assertThat(said.toString()).contains("sasl").doesNotContain(PASSWORD);
  }

  /** Brokers make topics here for whoever asks about one in the wrong way. */
  @Test
  void noTopicIsMadeByUse() throws Exception {
    try (KafkaTransport transport =
        kafka.transport().shareGroups(shareGroups()).shareDeliveries(3).build()) {
      List<ThrowingCallable> all = new ArrayList<>();
      all.add(() -> transport.append(List.of(new Outgoing(topic, Event.of("x", 1)))));
      all.add(() -> transport.read(topic, Position.START, 1));
      for (Position from : List.of(Position.START, Position.END, Position.since(Instant.EPOCH))) {
        for (Subscription one : oneOfEachKind(from)) {
          all.add(() -> transport.open(one, (shards, atMost) -> {}));
        }
      }
      for (ThrowingCallable one : all) {
        assertThatThrownBy(one)
            .isInstanceOfSatisfying(
                AgentException.class,
                e -> assertThat(e.code()).isEqualTo(ErrorCode.TOPIC_NOT_FOUND))
            .hasMessageContaining(topic)
            .hasMessageContaining("create");
      }
      assertThat(transport.prepare(List.of(Topic.of(topic)), false)).hasSize(1);
    }
    assertThat(admin.listTopics().names().get(30, TimeUnit.SECONDS)).doesNotContain(topic);
  }

  @Test
  void brokersThatAreNotThereAreAProblemAndAnErrorInTime() {
    try (KafkaTransport transport =
        KafkaTransport.builder("127.0.0.1:1").setting("default.api.timeout.ms", "1000").build()) {
      assertThat(transport.prepare(List.of(Topic.of(topic)), true))
          .singleElement()
          .asString()
          .contains(topic)
          .contains("bootstrap.servers");
      assertThatThrownBy(() -> transport.append(List.of(new Outgoing(topic, Event.of("x", 1)))))
          .isInstanceOfSatisfying(
              AppendFailedException.class,
              e -> assertThat(e.code()).isEqualTo(ErrorCode.TRANSPORT_UNAVAILABLE));
    }
  }
}
