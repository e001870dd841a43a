package dev.troupe.testkit;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.common.Uuid;

/** What the nodes of a {@link KafkaCluster} are started with. */
final class KafkaSettings {
  private KafkaSettings() {}

  static void requireJars() {
    try {
      Class.forName("kafka.server.KafkaRaftServer", false, KafkaSettings.class.getClassLoader());
    } catch (ClassNotFoundException e) {
      throw new IllegalStateException(
          "no Kafka on the class path; add org.apache.kafka:kafka_2.13", e);
    }
  }

  /**
   * Nodes that are ready to be launched.
   *
   * @param passwords by name, for a listener that asks for them; none when empty
   */
  static List<KafkaNode> nodes(
      Path folder,
      int count,
      Map<String, String> wanted,
      Map<String, String> passwords,
      List<Path> jars) {
    List<Integer> ports = LoopbackPorts.free(3 * count);
    String cluster = Uuid.randomUuid().toString();
    String voters =
        IntStream.rangeClosed(1, count)
            .mapToObj(id -> id + "@127.0.0.1:" + ports.get(count + id - 1))
            .collect(Collectors.joining(","));
    List<KafkaNode> nodes = new ArrayList<>();
    for (int id = 1; id <= count; id++) {
      int port = ports.get(id - 1);
      int guarded = passwords.isEmpty() ? 0 : ports.get(2 * count + id - 1);
      Map<String, String> all = common(count);
      all.put("node.id", "" + id);
      all.put("controller.quorum.voters", voters);
      all.put("listeners", listeners(port, ports.get(count + id - 1)));
      all.put("advertised.listeners", "PLAINTEXT://127.0.0.1:" + port);
      if (guarded != 0) {
        guard(all, guarded, passwords);
      }
      all.putAll(wanted);
      KafkaNode node =
          new KafkaNode(id, port, guarded, cluster, folder.resolve("node-" + id), jars);
      node.configure(all);
      nodes.add(node);
    }
    return nodes;
  }

  private static String listeners(int broker, int controller) {
    return "PLAINTEXT://127.0.0.1:%d,CONTROLLER://127.0.0.1:%d".formatted(broker, controller);
  }

  private static void guard(Map<String, String> all, int port, Map<String, String> passwords) {
    String address = ",GUARDED://127.0.0.1:" + port;
    all.merge("listeners", address, String::concat);
    all.merge("advertised.listeners", address, String::concat);
    all.merge("listener.security.protocol.map", ",GUARDED:SASL_PLAINTEXT", String::concat);
    all.put("inter.broker.listener.name", "PLAINTEXT");
    all.put("listener.name.guarded.sasl.enabled.mechanisms", "PLAIN");
    StringBuilder users = new StringBuilder();
    passwords.forEach(
        (name, password) -> users.append(" user_%s=\"%s\"".formatted(name, password)));
    all.put(
        "listener.name.guarded.plain.sasl.jaas.config",
        "org.apache.kafka.common.security.plain.PlainLoginModule required" + users + ";");
  }

  private static Map<String, String> common(int count) {
    Map<String, String> all = new HashMap<>();
    all.put("process.roles", "broker,controller");
    all.put("controller.listener.names", "CONTROLLER");
    all.put("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT");
    all.put("auto.create.topics.enable", "false");
    all.put("group.initial.rebalance.delay.ms", "0");
    // a killed node is soon missed, and soon let in again
    all.put("broker.session.timeout.ms", "4000");
    all.put("broker.heartbeat.interval.ms", "500");
    String inSync = count == 1 ? "1" : "2";
    all.put("default.replication.factor", "" + count);
    all.put("min.insync.replicas", inSync);
    for (String topic : List.of("transaction.state.log", "share.coordinator.state.topic")) {
      all.put(topic + ".replication.factor", "" + count);
      all.put(topic + ".min.isr", inSync);
      all.put(topic + ".num.partitions", "4");
    }
    all.put("offsets.topic.replication.factor", "" + count);
    all.put("offsets.topic.num.partitions", "4");
    // for a small heap
    all.put("log.cleaner.dedupe.buffer.size", "4194304");
    all.put("num.network.threads", "2");
    all.put("num.io.threads", "4");
    return all;
  }
}
