package dev.troupe.redis;

import dev.troupe.state.StoreInfo;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.Protocol;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.UnifiedJedis;

/**
 * How to reach a server: what the builders of all that lies in Redis have in common. Not safe for
 * several threads.
 *
 * @param <B> the builder
 */
abstract class RedisBuilder<B extends RedisBuilder<B>> {
  private static final Pattern PREFIX = Pattern.compile("[^{}\\p{Cntrl}]{1,100}");

  private static final Duration LONGEST_ASK = Duration.ofMillis(500);

  private final RedisAddress address = new RedisAddress();
  private final List<RedisAddress> sentinels = new ArrayList<>();
  private String primary = "";
  private @Nullable UnifiedJedis client;
  String prefix = "troupe";
  private int connections = 16;
  Duration timeout = Duration.ofSeconds(2);
  boolean lazy;
  boolean allowEviction;

  RedisBuilder() {}

  abstract B self();

  /**
   * Sets where the server is, and what else the address says: user, password, database, TLS.
   *
   * @param uri such as {@code redis://host:6379} or {@code rediss://user:password@host:6379/1}
   * @return this
   */
  public B uri(String uri) {
    address.read(RedisAddress.parse(uri));
    return self();
  }

  /**
   * As {@link #uri(String)}.
   *
   * @param uri the address
   * @return this
   */
  public B uri(URI uri) {
    address.read(uri);
    return self();
  }

  /**
   * Sets the server's name.
   *
   * @param host name or address, {@code localhost} by default
   * @return this
   */
  public B host(String host) {
    address.host = Objects.requireNonNull(host, "host");
    return self();
  }

  /**
   * Sets the server's port.
   *
   * @param port 6379 by default
   * @return this
   */
  public B port(int port) {
    if (port < 1 || port > 65_535) {
      throw new IllegalArgumentException("port must be between 1 and 65535: " + port);
    }
    address.port = port;
    return self();
  }

  /**
   * Finds the server by sentinels, which name another one when it fails. They are asked all, and
   * again every second and after an error; a daemon thread does that. Login, TLS and database are
   * those set here for the server, and its host and port are not used.
   *
   * <p>A fail-over loses what the former server had acknowledged and not yet copied. How much that
   * can be is up to the server: set {@code min-replicas-to-write} to 1 or more and {@code
   * min-replicas-max-lag} to few seconds. Without them a server that was cut off from its sentinels
   * goes on to take writes, all of which are lost.
   *
   * @param name under which the sentinels know the server
   * @param addresses where sentinels are, such as {@code redis://host:26379}, or {@code rediss://}
   *     and {@code user:password@} when they want it, the same for all; it is well to give all
   *     sentinels, and enough that one of them answers
   * @return this
   */
  public B sentinels(String name, String... addresses) {
    if (name.isBlank() || addresses.length == 0) {
      throw new IllegalArgumentException("sentinels need the server's name and their addresses");
    }
    List<RedisAddress> all = new ArrayList<>();
    for (String one : addresses) {
      RedisAddress sentinel = new RedisAddress();
      sentinel.read(RedisAddress.parse(one), Protocol.DEFAULT_SENTINEL_PORT);
      all.add(sentinel);
    }
    if (!all.stream().allMatch(all.get(0)::sameLogin)) {
      throw new IllegalArgumentException("all sentinels have the same user, password and TLS");
    }
    primary = name;
    sentinels.clear();
    sentinels.addAll(all);
    return self();
  }

  /**
   * Sets the user to log in as.
   *
   * @param user the user; by default the server's default user
   * @return this
   */
  public B user(String user) {
    address.user = Objects.requireNonNull(user, "user");
    return self();
  }

  /**
   * Sets the password to log in with.
   *
   * @param password the password, none by default
   * @return this
   */
  public B password(String password) {
    address.password = Objects.requireNonNull(password, "password");
    return self();
  }

  /**
   * Sets whether to use TLS, with the certificates that this JVM trusts.
   *
   * @param tls false by default
   * @return this
   */
  public B tls(boolean tls) {
    address.tls = tls;
    return self();
  }

  /**
   * Uses a client that the host program has. It is not closed with what is opened, and address,
   * login, TLS, timeout and connections are its own; several may share it. It should not send
   * commands again by itself: a change survives that, but a claim whose answer was lost would then
   * seem to have found nothing, and permits would be taken twice.
   *
   * @param client of version 7.4 or later
   * @return this
   */
  public B client(UnifiedJedis client) {
    this.client = Objects.requireNonNull(client, "client");
    return self();
  }

  /**
   * Sets what all keys begin with, so that several stores share a server. A store, a limiter and a
   * transport may have the same.
   *
   * @param prefix 1 to 100 characters without braces and control characters; {@code troupe} by
   *     default
   * @return this
   */
  public B prefix(String prefix) {
    if (!PREFIX.matcher(prefix).matches()) {
      throw new IllegalArgumentException(
          "a prefix has 1 to 100 characters without braces and control characters: " + prefix);
    }
    this.prefix = prefix;
    return self();
  }

  /**
   * Sets how many connections there may be; who finds none free waits for at most the timeout.
   *
   * @param connections 16 by default
   * @return this
   */
  public B connections(int connections) {
    if (connections < 1) {
      throw new IllegalArgumentException("connections must be at least 1: " + connections);
    }
    this.connections = connections;
    return self();
  }

  /**
   * Sets how long to wait for a connection, and for each answer.
   *
   * @param timeout from a millisecond to an hour; 2 seconds by default
   * @return this
   */
  public B timeout(Duration timeout) {
    if (timeout.compareTo(Duration.ofMillis(1)) < 0 || timeout.compareTo(Duration.ofHours(1)) > 0) {
      throw new IllegalArgumentException("timeout must be 1 ms to 1 h: " + timeout);
    }
    this.timeout = timeout;
    return self();
  }

  /**
   * Sets whether to open without asking the server, which may come later. What is wrong is then
   * thrown by the first call, and every call until it is right; what changes and events survive
   * counts as {@link StoreInfo.Durability#PROCESS}.
   *
   * @param lazy false by default
   * @return this
   */
  public B lazy(boolean lazy) {
    this.lazy = lazy;
    return self();
  }

  /**
   * Sets whether a server is accepted whose {@code maxmemory-policy} is not {@code noeviction}:
   * when its memory runs out it may throw keys away, and runs with them, or what was granted.
   *
   * @param allowEviction false by default; a warning is logged when it matters
   * @return this
   */
  public B allowEviction(boolean allowEviction) {
    this.allowEviction = allowEviction;
    return self();
  }

  /** Opens with the client that was given, or with one that is closed again when that fails. */
  <T> T open(Function<RedisLink, T> opening) {
    RedisLink link = link(connections);
    try {
      return opening.apply(link);
    } catch (RuntimeException | Error e) {
      link.close();
      throw e;
    }
  }

  /** By the client that was given, or by so many connections of its own. */
  RedisLink link(int most) {
    UnifiedJedis given = client;
    if (given != null) {
      return RedisLink.over(given);
    }
    if (sentinels.isEmpty()) {
      RedisClient own = address.client(most, timeout);
      return RedisLink.owning(own, own.getPool()::clear);
    }
    SentinelConnections connections = address.connections(asked(), most, timeout);
    return RedisLink.owning(address.client(connections, timeout), connections::doubt);
  }

  private Sentinels asked() {
    Duration atMost = timeout.compareTo(LONGEST_ASK) < 0 ? timeout : LONGEST_ASK;
    return new Sentinels(
        primary,
        sentinels.stream().map(RedisAddress::place).toList(),
        sentinels.get(0).config(atMost));
  }

  /** For messages. */
  String place() {
    if (client != null) {
      return "the client's address";
    }
    return sentinels.isEmpty() ? address.toString() : asked().toString();
  }
}
