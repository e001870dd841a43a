package dev.troupe.testkit;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A real Redis Cluster for tests: three masters with a third of the slots each, and replicas if
 * wanted. All are child processes of this JVM; kill, pause and restart them one by one as the
 * {@link RedisServer}s that they are.
 *
 * <p>A node is missed after five seconds. A master without replicas that was killed takes the whole
 * cluster down until it starts again; one with replicas is replaced by one of them. A killed node
 * keeps its data only if told to, as by {@code argument("--appendonly", "yes")}.
 *
 * <p>Version 7.0, from {@code org.signal:embedded-redis} on the class path. Not safe for several
 * threads, except {@link #close()}.
 */
public final class RedisCluster implements AutoCloseable {
  private static final int SLOTS = 16_384;
  private static final int MASTERS = 3;
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final List<ClusterNode> nodes = new ArrayList<>();

  private RedisCluster(Builder settings) {
    boolean up = false;
    try {
      for (int i = 0; i < MASTERS * (1 + settings.replicas); i++) {
        nodes.add(ClusterNode.start(settings.arguments));
      }
      meet();
      up = true;
    } finally {
      if (!up) {
        close();
      }
    }
  }

  private void meet() {
    for (int i = 0; i < nodes.size(); i++) {
      ClusterNode node = nodes.get(i);
      node.ask("CLUSTER", "SET-CONFIG-EPOCH", "" + (i + 1)); // else they quarrel about them
      if (i < MASTERS) {
        int from = i * SLOTS / MASTERS;
        int to = (i + 1) * SLOTS / MASTERS - 1;
        node.ask("CLUSTER", "ADDSLOTSRANGE", "" + from, "" + to);
      }
      if (i > 0) {
        nodes.get(0).meet(node);
      }
    }
    awaitOk(PATIENCE);
    for (int i = MASTERS; i < nodes.size(); i++) {
      nodes.get(i).ask("CLUSTER", "REPLICATE", nodes.get(i % MASTERS).id());
    }
    for (ClusterNode replica : nodes.subList(MASTERS, nodes.size())) {
      RedisSentinel.await(PATIENCE, "it is no replica", () -> !replica.isMaster());
    }
    awaitReplicas(PATIENCE);
    awaitOk(PATIENCE);
  }

  /**
   * Starts three masters without replicas.
   *
   * @return the cluster; close it
   */
  public static RedisCluster start() {
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
   * All nodes.
   *
   * @return those that began as masters first
   */
  public List<RedisServer> nodes() {
    return nodes.stream().map(ClusterNode::server).toList();
  }

  /**
   * The slot of a key.
   *
   * @param key in which braces may name the part that counts
   * @return from 0 to 16,383
   */
  public static int slot(String key) {
    int open = key.indexOf('{');
    int close = open < 0 ? -1 : key.indexOf('}', open + 1);
    String counts = close > open + 1 ? key.substring(open + 1, close) : key;
    int sum = 0; // CRC-16 as XMODEM has it
    for (byte one : counts.getBytes(UTF_8)) {
      sum ^= (one & 0xff) << 8;
      for (int bit = 0; bit < 8; bit++) {
        sum = (sum & 0x8000) != 0 ? sum << 1 ^ 0x1021 : sum << 1;
      }
      sum &= 0xffff;
    }
    return sum % SLOTS;
  }

  /**
   * The master that serves a slot now.
   *
   * @param slot from 0 to 16,383
   * @return the running one that says so itself
   * @throws IllegalStateException when there is none
   */
  public RedisServer owner(int slot) {
    return owning(slot).server();
  }

  private ClusterNode owning(int slot) {
    Optional<ClusterNode> owner = nodes.stream().filter(node -> node.owns(slot)).findFirst();
    return owner.orElseThrow(() -> new IllegalStateException("nobody serves slot " + slot));
  }

  /**
   * Moves a slot with its keys to another master. Clients that ask the former one are answered with
   * MOVED from then on.
   *
   * @param slot from 0 to 16,383
   * @param to a master
   */
  public void moveSlot(int slot, RedisServer to) {
    SlotMove move = beginMove(slot, to);
    move.moveKeys();
    move.finish();
  }

  /**
   * Begins to move a slot to another master. Until it is finished the former one answers with ASK
   * for keys that it has not.
   *
   * @param slot from 0 to 16,383
   * @param to a master
   * @return the move, of which no key was moved yet
   */
  public SlotMove beginMove(int slot, RedisServer to) {
    Optional<ClusterNode> target = nodes.stream().filter(n -> n.server() == to).findFirst();
    return new SlotMove(
        slot,
        owning(slot),
        target.orElseThrow(() -> new IllegalArgumentException("not a node of this cluster")),
        nodes);
  }

  /**
   * Waits until every running node sees all slots served.
   *
   * @param atMost how long to wait
   * @throws IllegalStateException when the time is over
   */
  public void awaitOk(Duration atMost) {
    RedisSentinel.await(
        atMost,
        "the cluster is not whole",
        () ->
            nodes.stream()
                .filter(node -> node.server().alive())
                .allMatch(node -> node.seesWhole(nodes.size())));
  }

  /**
   * Waits until every running replica copies all that its master has.
   *
   * @param atMost how long to wait
   * @throws IllegalStateException when the time is over
   */
  public void awaitReplicas(Duration atMost) {
    RedisSentinel.await(
        atMost,
        "a replica is not in step",
        () -> nodes.stream().filter(n -> n.server().alive()).allMatch(ClusterNode::inStep));
  }

  /** Ends all nodes and deletes their files. May be called more than once. */
  @Override
  public void close() {
    nodes.forEach(node -> node.server().close());
  }

  /** How to start a cluster. Not safe for several threads. */
  public static final class Builder {
    private final List<String> arguments = new ArrayList<>();
    private int replicas;

    private Builder() {}

    /**
     * Sets how many replicas each master has.
     *
     * @param perMaster 0 unless set, at most 2
     * @return this
     */
    public Builder replicas(int perMaster) {
      if (perMaster < 0 || perMaster > 2) {
        throw new IllegalArgumentException("a master has 0 to 2 replicas, not " + perMaster);
      }
      replicas = perMaster;
      return this;
    }

    /**
     * Adds arguments of the command line of all nodes.
     *
     * @param words such as {@code --cluster-node-timeout} and {@code 2000}
     * @return this
     */
    public Builder argument(String... words) {
      arguments.addAll(List.of(words));
      return this;
    }

    /**
     * Starts the nodes and waits until all slots are served and all replicas in step.
     *
     * @return the cluster
     * @throws IllegalStateException when it does not start
     */
    public RedisCluster start() {
      return new RedisCluster(this);
    }
  }
}
