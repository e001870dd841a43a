package dev.troupe.testkit;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A real Redis that fails over, for tests: a primary, one replica or two, and three sentinels of
 * which two have to agree. All are child processes of this JVM; kill, pause and restart them one by
 * one as the {@link RedisServer}s that they are.
 *
 * <p>A primary is missed after a second; a replica takes its place some seconds later. A former
 * primary that starts again becomes a replica. What it had acknowledged and not yet copied is lost,
 * as it is with any Redis.
 *
 * <p>Version 7.0, from {@code org.signal:embedded-redis} on the class path. Not safe for several
 * threads, except {@link #close()}.
 */
public final class RedisSentinel implements AutoCloseable {
  /** The name under which the sentinels know the primary. */
  public static final String NAME = "troupe";

  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final int QUORUM = 2;

  /** Else a primary waits for seconds whether more replicas come. */
  private static final String NO_DELAY = "repl-diskless-sync-delay 0";

  private final List<RedisServer> servers = new ArrayList<>();
  private final List<RedisServer> sentinels = new ArrayList<>();

  private RedisSentinel(Builder settings) {
    boolean up = false;
    try {
      RedisServer primary = data(settings, NO_DELAY);
      for (int i = 0; i < settings.replicas; i++) {
        data(settings, NO_DELAY, "replicaof 127.0.0.1 " + primary.port());
      }
      awaitReplica(PATIENCE); // a sentinel that finds it later looks for it every ten seconds
      for (int i = 0; i < 3; i++) {
        sentinels.add(sentinel(primary.port()));
      }
      await(PATIENCE, "the sentinels do not see one another", this::complete);
      up = true;
    } finally {
      if (!up) {
        close();
      }
    }
  }

  private RedisServer data(Builder settings, String... file) {
    // with a file, in which a sentinel keeps whom a server has to follow when it starts again
    RedisServer.Builder builder = RedisServer.builder().file(List.of(file));
    RedisServer server = builder.argument(settings.arguments.toArray(new String[0])).start();
    servers.add(server);
    return server;
  }

  private static RedisServer sentinel(int primary) {
    return RedisServer.builder()
        .file(
            List.of(
                "sentinel monitor " + NAME + " 127.0.0.1 " + primary + " " + QUORUM,
                "sentinel down-after-milliseconds " + NAME + " 1000",
                "sentinel failover-timeout " + NAME + " 3000"))
        .argument("--sentinel")
        .start();
  }

  /**
   * Starts a set with the defaults.
   *
   * @return the set, with its replica in step; close it
   */
  public static RedisSentinel start() {
    return builder().start();
  }

  /**
   * Begins to describe a set.
   *
   * @return a builder
   */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * The servers that hold data.
   *
   * @return the first one began as the primary
   */
  public List<RedisServer> servers() {
    return List.copyOf(servers);
  }

  /**
   * The sentinels, whom clients ask for the primary.
   *
   * @return three
   */
  public List<RedisServer> sentinels() {
    return List.copyOf(sentinels);
  }

  /**
   * The server that is the primary now.
   *
   * @return the one that two sentinels name, and that knows it
   * @throws IllegalStateException when there is none, as amid a fail-over
   */
  public RedisServer primary() {
    return agreed().orElseThrow(() -> new IllegalStateException("there is no primary now"));
  }

  /**
   * Waits until another server is the primary.
   *
   * @param former the one that was
   * @param atMost how long to wait
   * @return the new primary
   * @throws IllegalStateException when the time is over
   */
  public RedisServer awaitPrimaryOtherThan(RedisServer former, Duration atMost) {
    await(atMost, "no other primary", () -> agreed().filter(one -> one != former).isPresent());
    return primary();
  }

  /**
   * Waits until the servers that are not the primary copy from it without a gap, as far as they
   * run.
   *
   * @param atMost how long to wait
   * @throws IllegalStateException when the time is over
   */
  public void awaitReplica(Duration atMost) {
    await(
        atMost,
        "no replica is in step",
        () -> {
          long alive = servers.stream().filter(RedisServer::alive).count();
          return servers.stream().filter(one -> says(one, "master_link_status:up")).count()
              >= Math.max(1, alive - 1);
        });
  }

  private Optional<RedisServer> agreed() {
    return servers.stream()
        .filter(RedisServer::alive)
        .filter(server -> votes(server.port()) >= QUORUM)
        .filter(server -> says(server, "role:master"))
        .findFirst();
  }

  private long votes(int port) {
    return sentinels.stream()
        .map(sentinel -> ask(sentinel, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME))
        .filter(List.of("127.0.0.1", "" + port)::equals)
        .count();
  }

  private boolean complete() {
    for (RedisServer sentinel : sentinels) {
      if (!(ask(sentinel, "SENTINEL", "MASTER", NAME) instanceof List<?> facts)
          || !"2".equals(fact(facts, "num-other-sentinels"))
          || !("" + (servers.size() - 1)).equals(fact(facts, "num-slaves"))) {
        return false;
      }
    }
    return true;
  }

  private static @Nullable Object fact(List<?> facts, String name) {
    int at = facts.indexOf(name);
    return at < 0 ? null : facts.get(at + 1);
  }

  private static boolean says(RedisServer server, String line) {
    return ask(server, "INFO", "replication") instanceof String text
        && text.lines().anyMatch(line::equals);
  }

  /** Null when it does not answer. */
  private static @Nullable Object ask(RedisServer server, String... words) {
    try {
      return server.alive() ? server.ask(words) : null;
    } catch (IOException e) {
      return null;
    }
  }

  static void await(Duration atMost, String otherwise, Supplier<Boolean> condition) {
    long deadline = System.nanoTime() + atMost.toNanos();
    while (!condition.get()) {
      if (System.nanoTime() - deadline > 0) {
        throw new IllegalStateException(otherwise + " within " + atMost.toMillis() + " ms");
      }
      LockSupport.parkNanos(20_000_000);
    }
  }

  /** Ends all servers and deletes their files. May be called more than once. */
  @Override
  public void close() {
    sentinels.forEach(RedisServer::close);
    servers.forEach(RedisServer::close);
  }

  /** How to start a set. Not safe for several threads. */
  public static final class Builder {
    private final List<String> arguments = new ArrayList<>();
    private int replicas = 1;

    private Builder() {}

    /**
     * Sets how many replicas there are. With two, one is left to copy from the one that takes the
     * primary's place, as {@code min-replicas-to-write} needs.
     *
     * @param number 1 or 2; 1 unless set
     * @return this
     */
    public Builder replicas(int number) {
      if (number < 1 || number > 2) {
        throw new IllegalArgumentException("there are 1 or 2 replicas, not " + number);
      }
      replicas = number;
      return this;
    }

    /**
     * Adds arguments of the command line of the servers that hold data.
     *
     * @param words such as {@code --min-replicas-to-write} and {@code 1}
     * @return this
     */
    public Builder argument(String... words) {
      arguments.addAll(List.of(words));
      return this;
    }

    /**
     * Starts the set and waits until its replicas are in step and all sentinels know each other.
     *
     * @return the set
     * @throws IllegalStateException when it does not start
     */
    public RedisSentinel start() {
      return new RedisSentinel(this);
    }
  }
}
