package dev.troupe.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.NewTopic;

/**
 * A real Kafka for tests: one node or three, each a JVM of its own that is broker and controller,
 * on free ports of the loopback address. Nodes are killed, stopped, paused and started again at
 * will; ports and records stay.
 *
 * <pre>{@code
 * try (KafkaCluster kafka = KafkaCluster.builder().nodes(3).start()) {
 *   kafka.createTopic("orders", 6);
 *   kafka.kill(kafka.leader("orders", 0));
 * }
 * }</pre>
 *
 * <p>The programs are the jars of {@code org.apache.kafka:kafka_2.13} on the class path of this JVM
 * (leave {@code kafka-tools-api} out; it is not needed). The nodes get all jars of that class path
 * and none of its folders. A node takes about 300 MB. What is written lies in a temporary folder
 * that {@link #close()} removes; nodes and folder go with this JVM however that ends. A node that
 * can't start fails the test with the last lines of its log.
 *
 * <p>Topics are made by {@link #createTopic} or an admin client, never by use. Internal topics and
 * new ones have a replica on every node; with three nodes two have to take a write. A node that was
 * killed is missed after four seconds, and one that starts again before that has to wait for it.
 *
 * <p>Safe for use by many threads. For Linux and macOS.
 */
public final class KafkaCluster implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final int MOST_ATTEMPTS = 5;

  private final Path folder;
  private final List<KafkaNode> nodes;
  private final Thread hook = new Thread(this::destroy, "kafka-end");

  private KafkaCluster(Path folder, List<KafkaNode> nodes) {
    this.folder = folder;
    this.nodes = nodes;
    Runtime.getRuntime().addShutdownHook(hook);
  }

  /**
   * Starts one node with the defaults.
   *
   * @return the cluster; close it
   */
  public static KafkaCluster start() {
    return builder().start();
  }

  /**
   * Begins to describe a cluster.
   *
   * @return a builder
   */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Where clients begin, as in their setting {@code bootstrap.servers}.
   *
   * @return the addresses of all nodes, also of those that do not run; always the same
   */
  public String bootstrapServers() {
    return nodes.stream().map(KafkaCluster::address).collect(Collectors.joining(","));
  }

  /**
   * Where clients begin that have a name and a password, over SASL/PLAIN without TLS.
   *
   * @return the addresses of all nodes; always the same
   * @throws IllegalStateException when there are no {@link Builder#passwords}
   */
  public String guardedServers() {
    if (nodes.get(0).guardedPort() == 0) {
      throw new IllegalStateException("these nodes ask for no password; give the builder some");
    }
    return nodes.stream()
        .map(node -> "127.0.0.1:" + node.guardedPort())
        .collect(Collectors.joining(","));
  }

  private static String address(KafkaNode node) {
    return "127.0.0.1:" + node.port();
  }

  /**
   * The ids of all nodes.
   *
   * @return 1, or 1 to 3, also those that do not run
   */
  public List<Integer> nodes() {
    return nodes.stream().map(KafkaNode::id).toList();
  }

  /**
   * The process id of a node.
   *
   * @param node its id
   * @return that of its last start
   */
  public long pid(int node) {
    return node(node).pid();
  }

  /**
   * Ends a node at once, as {@code kill -9} does. Does nothing when it does not run.
   *
   * @param node its id
   */
  public void kill(int node) {
    node(node).kill();
  }

  /**
   * Ends a node in order, with SIGTERM: what it leads goes to others. Does nothing when it does not
   * run.
   *
   * @param node its id
   * @throws IllegalStateException when it lives on for a minute
   */
  public void stop(int node) {
    node(node).stop();
  }

  /**
   * Stops a node without ending it, until {@link #resume}: connections stay open and nobody
   * answers.
   *
   * @param node its id
   */
  public void pause(int node) {
    node(node).pause();
  }

  /**
   * Lets a paused node go on.
   *
   * @param node its id
   */
  public void resume(int node) {
    node(node).resume();
  }

  /**
   * Starts nodes again with the ports and records that they had, after stopping those that run, and
   * waits until they take part.
   *
   * @param some their ids; most of the cluster's nodes have to run then, or none gets ready
   * @throws IllegalStateException with the end of a log, when one does not get ready in a minute
   */
  public void restart(int... some) {
    launch(Arrays.stream(some).mapToObj(this::node).toList(), true);
  }

  private static void launch(List<KafkaNode> named, boolean again) {
    named.forEach(KafkaNode::launch);
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    for (KafkaNode node : named) {
      awaitReady(node, deadline, again);
    }
  }

  /**
   * Creates a topic with a replica on every node, and waits for its leaders.
   *
   * @param name its name
   * @param partitions how many it has
   */
  public void createTopic(String name, int partitions) {
    createTopic(name, partitions, Map.of());
  }

  /**
   * Creates a topic with a replica on every node, and waits for its leaders.
   *
   * @param name its name
   * @param partitions how many it has
   * @param settings such as {@code cleanup.policy}
   * @throws IllegalStateException when it can't be created
   */
  public void createTopic(String name, int partitions, Map<String, String> settings) {
    NewTopic topic =
        new NewTopic(name, Optional.of(partitions), Optional.empty()).configs(settings);
    try (KafkaRequests requests = new KafkaRequests(bootstrapServers(), PATIENCE)) {
      requests.create(topic);
    } catch (ExecutionException | TimeoutException e) {
      throw new IllegalStateException("topic " + name + " could not be created", e);
    }
    awaitLeaders(name);
  }

  /**
   * Waits until every partition of a topic has a leader that answers. An idempotent producer that
   * writes into a topic before that may lose its first batch.
   *
   * @param topic its name
   * @throws IllegalStateException when that takes more than a minute
   */
  public void awaitLeaders(String topic) {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    try (KafkaRequests requests = new KafkaRequests(bootstrapServers(), PATIENCE)) {
      while (true) {
        try {
          requests.askLeaders(topic);
          return;
        } catch (ExecutionException | TimeoutException e) {
          if (System.nanoTime() - deadline > 0) {
            throw new IllegalStateException("topic " + topic + " has no leaders", e);
          }
          LockSupport.parkNanos(20_000_000);
        }
      }
    }
  }

  /**
   * The node that leads a partition now.
   *
   * @param topic the partition's topic
   * @param partition its number
   * @return the id of the node, which may have ended a moment ago
   * @throws IllegalStateException when there is none
   */
  public int leader(String topic, int partition) {
    try (KafkaRequests requests = new KafkaRequests(bootstrapServers(), PATIENCE)) {
      Integer leader = requests.leaders(topic).get(partition);
      if (leader == null) {
        throw new IllegalStateException("nobody leads partition " + partition + " of " + topic);
      }
      return leader;
    } catch (ExecutionException | TimeoutException e) {
      throw new IllegalStateException("can't see who leads " + topic, e);
    }
  }

  private KafkaNode node(int id) {
    return nodes.stream()
        .filter(node -> node.id() == id)
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("no node " + id + " among " + nodes()));
  }

  /** Asks the node itself: it answers, and counts itself among the nodes. */
  private static void awaitReady(KafkaNode node, long deadline, boolean again) {
    while (true) {
      if (!node.alive() && again && node.foundNoPort() && System.nanoTime() - deadline < 0) {
        LockSupport.parkNanos(100_000_000);
        node.launch(); // a connection of somebody else may have the port for a while
      }
      if (!node.alive()) {
        throw new IllegalStateException("Kafka ended at its start; " + node.lastLines());
      }
      if (System.nanoTime() - deadline > 0) {
        throw new IllegalStateException(
            "Kafka did not get ready in %d s; %s"
                .formatted(PATIENCE.toSeconds(), node.lastLines()));
      }
      if (node.listens() && takesPart(node)) {
        return;
      }
      LockSupport.parkNanos(20_000_000);
    }
  }

  private static boolean takesPart(KafkaNode node) {
    try (KafkaRequests requests = new KafkaRequests(address(node), Duration.ofSeconds(5))) {
      return requests.members().contains(node.id());
    } catch (ExecutionException | TimeoutException e) {
      return false;
    }
  }

  /** Ends all nodes and removes what they wrote. May be called more than once. */
  @Override
  public void close() {
    destroy();
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      return; // the JVM ends, and the hook does the rest
    }
  }

  private void destroy() {
    nodes.forEach(KafkaNode::kill);
    RedisProgram.delete(folder);
  }

  /** How to start a cluster. Not safe for several threads. */
  public static final class Builder {
    private final Map<String, String> settings = new LinkedHashMap<>();
    private final List<Path> jars = new ArrayList<>();
    private Map<String, String> passwords = Map.of();
    private int count = 1;

    private Builder() {}

    /**
     * Sets how many nodes there are.
     *
     * @param count 1, the default, or 3
     * @return this
     */
    public Builder nodes(int count) {
      if (count != 1 && count != 3) {
        throw new IllegalArgumentException("a cluster has 1 or 3 nodes, not " + count);
      }
      this.count = count;
      return this;
    }

    /**
     * Sets a parameter of every node, as in {@code server.properties}.
     *
     * @param name its name, such as {@code group.share.record.lock.duration.ms}
     * @param value its value, instead of the kit's
     * @return this
     */
    public Builder setting(String name, String value) {
      settings.put(name, value);
      return this;
    }

    /**
     * Puts a jar before those of the class path, for the nodes alone: the {@code kafka-clients} of
     * their own version, when this JVM has an older one.
     *
     * @param file a jar
     * @return this
     */
    public Builder nodeJar(Path file) {
      jars.add(file);
      return this;
    }

    /**
     * Makes Kafka obey access rules, for a cluster of one node. Everything is allowed for which
     * there is no rule; every client is {@code User:ANONYMOUS}.
     *
     * @return this
     */
    public Builder accessRules() {
      return setting(
              "authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer")
          .setting("allow.everyone.if.no.acl.found", "true");
    }

    /**
     * Gives each node a second address, {@link KafkaCluster#guardedServers}, at which it asks for
     * names and passwords by SASL/PLAIN.
     *
     * @param passwords by name, both of letters and digits
     * @return this
     */
    public Builder passwords(Map<String, String> passwords) {
      passwords.forEach(
          (name, password) -> {
            if (!(name + password).matches("[A-Za-z0-9]+")) {
              throw new IllegalArgumentException(
                  "names and passwords are of letters and digits, unlike that of " + name);
            }
          });
      this.passwords = Map.copyOf(passwords);
      return this;
    }

    /**
     * Starts the nodes and waits until each takes part.
     *
     * @return the cluster
     * @throws IllegalStateException when jars are missing; or with the end of a log, when a node
     *     does not get ready in a minute
     */
    public KafkaCluster start() {
      KafkaSettings.requireJars();
      for (int attempt = 1; ; attempt++) {
        KafkaCluster cluster = create();
        boolean up = false;
        try {
          launch(cluster.nodes, false);
          up = true;
          return cluster;
        } catch (IllegalStateException e) {
          // another process may have taken a port in the meantime
          if (attempt == MOST_ATTEMPTS
              || cluster.nodes.stream().noneMatch(KafkaNode::foundNoPort)) {
            throw e;
          }
        } finally {
          if (!up) {
            cluster.close();
          }
        }
      }
    }

    private KafkaCluster create() {
      Path folder;
      try {
        folder = Files.createTempDirectory("troupe-kafka-");
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      return new KafkaCluster(
          folder, KafkaSettings.nodes(folder, count, settings, passwords, jars));
    }
  }
}
