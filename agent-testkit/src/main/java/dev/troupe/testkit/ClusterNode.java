package dev.troupe.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A node of a {@link RedisCluster}, and what it says about the cluster. */
final class ClusterNode {
  private final RedisServer server;
  private final String id;

  private ClusterNode(RedisServer server) {
    this.server = server;
    this.id = (String) ask("CLUSTER", "MYID");
  }

  static ClusterNode start(List<String> arguments) {
    RedisServer server =
        RedisServer.builder()
            .clustered()
            .argument("--cluster-node-timeout", "5000", "--repl-diskless-sync-delay", "0")
            .argument(arguments.toArray(new String[0]))
            .start();
    boolean up = false;
    try {
      ClusterNode node = new ClusterNode(server);
      up = true;
      return node;
    } finally {
      if (!up) {
        server.close();
      }
    }
  }

  RedisServer server() {
    return server;
  }

  /** Its name in the cluster, also after a restart. */
  String id() {
    return id;
  }

  @Nullable Object ask(String... words) {
    try {
      return server.ask(words);
    } catch (IOException e) {
      throw new UncheckedIOException("node on port " + server.port(), e);
    }
  }

  void meet(ClusterNode other) {
    ask("CLUSTER", "MEET", "127.0.0.1", "" + other.server.port(), "" + other.server.bus());
  }

  boolean isMaster() {
    return says("role:master", "INFO", "replication");
  }

  /** Whether it is a master, or a replica that copies all that its master has. */
  boolean inStep() {
    return isMaster() || says("master_link_status:up", "INFO", "replication");
  }

  boolean seesWhole(int nodes) {
    return says("cluster_state:ok", "CLUSTER", "INFO")
        && says("cluster_known_nodes:" + nodes, "CLUSTER", "INFO");
  }

  /** Whether it serves a slot as a master, as far as it knows itself. */
  boolean owns(int slot) {
    if (!server.alive()) {
      return false;
    }
    try {
      if (!(server.ask("CLUSTER", "SLOTS") instanceof List<?> ranges)) {
        return false;
      }
      for (Object range : ranges) {
        List<?> parts = (List<?>) range;
        List<?> master = (List<?>) parts.get(2);
        if ((Long) parts.get(0) <= slot && slot <= (Long) parts.get(1)) {
          return id.equals(master.get(2));
        }
      }
      return false;
    } catch (IOException e) {
      return false;
    }
  }

  private boolean says(String line, String... words) {
    try {
      return server.ask(words) instanceof String text && text.lines().anyMatch(line::equals);
    } catch (IOException e) {
      return false;
    }
  }
}
