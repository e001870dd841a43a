package dev.troupe.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.File;
import java.lang.reflect.InvocationTargetException;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Nodes start, die and come back with their records, and nothing stays behind. */
class KafkaClusterTest {
  @Test
  void acknowledgedRecordsOutliveAKilledNode() throws Exception {
    try (KafkaCluster kafka = KafkaCluster.start()) {
      String servers = kafka.bootstrapServers();
      kafka.createTopic("letters", 3);
      List<String> before = write(kafka, "letters", 0, 300);
      assertThat(read(kafka, "letters", 300)).containsExactlyInAnyOrderElementsOf(before);

      long pid = kafka.pid(1);
      kafka.kill(1);
      assertThat(lives(pid)).isFalse();
      kafka.restart(1);

      assertThat(kafka.bootstrapServers()).isEqualTo(servers);
      kafka.awaitLeaders("letters");
      assertThat(read(kafka, "letters", 300)).containsExactlyInAnyOrderElementsOf(before);
      List<String> after = write(kafka, "letters", 300, 310);
      kafka.stop(1);
      kafka.restart(1);
      kafka.awaitLeaders("letters");
      assertThat(read(kafka, "letters", 310)).containsAll(before).containsAll(after);
    }
  }

  @Tag("matrix")
  @Test
  void ofThreeNodesTheLeaderMayDieAndWritesGoOn() throws Exception {
    try (KafkaCluster kafka = KafkaCluster.builder().nodes(3).start()) {
      kafka.createTopic("letters", 1);
      List<String> all = new ArrayList<>(write(kafka, "letters", 0, 50));
      int leader = kafka.leader("letters", 0);

      kafka.kill(leader);
      all.addAll(write(kafka, "letters", 50, 100));

      assertThat(kafka.leader("letters", 0)).isNotEqualTo(leader);
      assertThat(read(kafka, "letters", 100)).containsExactlyElementsOf(all);

      List<Integer> others = kafka.nodes().stream().filter(node -> node != leader).toList();
      kafka.restart(leader);
      others.forEach(kafka::kill);
      kafka.restart(others.get(0), others.get(1));
      kafka.awaitLeaders("letters");
      assertThat(read(kafka, "letters", 100)).containsExactlyElementsOf(all);
      assertThat(setting(kafka, "letters", "min.insync.replicas")).isEqualTo("2");
    }
  }

  @Test
  void aPausedNodeAnswersWhenItGoesOn() throws Exception {
    try (KafkaCluster kafka = KafkaCluster.start()) {
      kafka.createTopic("letters", 1);
      try (KafkaProducer<String, String> producer = producer(kafka)) {
        producer.send(new ProducerRecord<>("letters", "first")).get(30, TimeUnit.SECONDS);
        kafka.pause(1);
        var second = producer.send(new ProducerRecord<>("letters", "second"));
        assertThatThrownBy(() -> second.get(500, TimeUnit.MILLISECONDS))
            .isInstanceOf(TimeoutException.class);
        kafka.resume(1);
        second.get(30, TimeUnit.SECONDS);
      }
      assertThat(read(kafka, "letters", 2)).containsExactly("first", "second");
    }
  }

  @Test
  void topicsAreNotMadeByUseAndAccessRulesAreObeyed() throws Exception {
    try (KafkaCluster kafka = KafkaCluster.builder().accessRules().start();
        Admin admin = Admin.create(Map.of("bootstrap.servers", kafka.bootstrapServers()))) {
      assertThatThrownBy(() -> write(kafka, "letters", 0, 1))
          .hasRootCauseInstanceOf(UnknownTopicOrPartitionException.class);

      kafka.createTopic("letters", 1);
      write(kafka, "letters", 0, 1);
      AclBinding nobodyWrites =
          new AclBinding(
              new ResourcePattern(ResourceType.TOPIC, "letters", PatternType.LITERAL),
              new AccessControlEntry("User:*", "*", AclOperation.WRITE, AclPermissionType.DENY));
      admin.createAcls(List.of(nobodyWrites)).all().get(30, TimeUnit.SECONDS);
      assertThatThrownBy(() -> write(kafka, "letters", 1, 2))
          .hasRootCauseInstanceOf(TopicAuthorizationException.class);
    }
  }

  @Test
  void nothingOfAClusterStays() throws Exception {
    KafkaCluster kafka = KafkaCluster.start();
    long pid = kafka.pid(1);
    Path folder = folder(pid);
    assertThat(folder).exists();
    kafka.pause(1);
    kafka.close();
    kafka.close();
    assertThat(lives(pid)).isFalse();
    assertThat(folder).doesNotExist();
  }

  @Test
  void nothingOfAClusterStaysWhenItsJvmIsKilled() throws Exception {
    try (ChildProcess child = ChildProcess.of(KafkaOwner.class).start()) {
      String line = child.awaitLine("^node [0-9]+$", Duration.ofSeconds(90));
      long pid = Long.parseLong(line.substring("node ".length()));
      Path folder = folder(pid);
      child.kill();
      await()
          .atMost(Duration.ofSeconds(20))
          .untilAsserted(
              () -> {
                assertThat(lives(pid)).isFalse();
                assertThat(folder).doesNotExist();
              });
    }
  }

  @Test
  void aNodeThatCantStartIsAnErrorWithTheEndOfItsLog() throws Exception {
    assertThatThrownBy(() -> KafkaCluster.builder().setting("num.io.threads", "many").start())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("ended at its start")
        .hasMessageContaining("num.io.threads");
  }

  @Test
  void withoutJarsTheErrorNamesTheArtifact() throws Exception {
    URL[] some =
        Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
            .filter(entry -> !entry.contains("kafka_2.13"))
            .map(KafkaClusterTest::url)
            .toArray(URL[]::new);
    try (URLClassLoader loader = new URLClassLoader(some, ClassLoader.getPlatformClassLoader())) {
      var start = loader.loadClass(KafkaCluster.class.getName()).getMethod("start");
      assertThatThrownBy(() -> start.invoke(null))
          .isInstanceOf(InvocationTargetException.class)
          .cause()
          .hasMessageContaining("org.apache.kafka:kafka_2.13");
    }
  }

  private static URL url(String entry) {
    try {
      return Path.of(entry).toUri().toURL();
    } catch (MalformedURLException e) {
      throw new IllegalArgumentException(e);
    }
  }

  private static String setting(KafkaCluster kafka, String topic, String name) throws Exception {
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", kafka.bootstrapServers()))) {
      ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
      var all = admin.describeConfigs(List.of(resource)).all().get(30, TimeUnit.SECONDS);
      return all.get(resource).get(name).value();
    }
  }

  private static boolean lives(long pid) {
    return ProcessHandle.of(pid).filter(ProcessHandle::isAlive).isPresent();
  }

  /** The folder that a node's command names. */
  private static Path folder(long pid) {
    String command = ProcessHandle.of(pid).orElseThrow().info().commandLine().orElseThrow();
    Matcher path = Pattern.compile("[^= ]*troupe-kafka-[^/]*").matcher(command);
    assertThat(path.find()).isTrue();
    return Path.of(path.group());
  }

  private static KafkaProducer<String, String> producer(KafkaCluster kafka) {
    Map<String, Object> settings =
        Map.of(
            "bootstrap.servers", kafka.bootstrapServers(),
            "acks", "all",
            "max.block.ms", "3000");
    return new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer());
  }

  /** Writes numbers and waits until every one is acknowledged. */
  private static List<String> write(KafkaCluster kafka, String topic, int from, int to)
      throws Exception {
    List<String> values = IntStream.range(from, to).mapToObj(Integer::toString).toList();
    try (KafkaProducer<String, String> producer = producer(kafka)) {
      var sent =
          values.stream()
              .map(value -> producer.send(new ProducerRecord<>(topic, value, value)))
              .toList();
      for (var record : sent) {
        record.get(60, TimeUnit.SECONDS);
      }
    }
    return values;
  }

  /** Reads as a new group until there are so many records. */
  private static List<String> read(KafkaCluster kafka, String topic, int count) {
    Map<String, Object> settings =
        Map.of(
            "bootstrap.servers",
            kafka.bootstrapServers(),
            "group.id",
            "reader-" + System.nanoTime(),
            "auto.offset.reset",
            "earliest");
    List<String> values = new ArrayList<>();
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    try (KafkaConsumer<String, String> consumer =
        new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
      consumer.subscribe(List.of(topic));
      while (values.size() < count && System.nanoTime() - deadline < 0) {
        consumer.poll(Duration.ofMillis(200)).forEach(record -> values.add(record.value()));
      }
    }
    return values;
  }
}
