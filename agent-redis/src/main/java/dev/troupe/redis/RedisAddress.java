package dev.troupe.redis;

import java.net.URI;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.ConnectionPoolConfig;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Protocol;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.RedisProtocol;
import redis.clients.jedis.SslOptions;
import redis.clients.jedis.providers.PooledConnectionProvider;
import redis.clients.jedis.util.JedisURIHelper;

/** Where a server is and how to log in there. Not safe for several threads. */
final class RedisAddress {
  String host = Protocol.DEFAULT_HOST;
  int port = Protocol.DEFAULT_PORT;
  boolean tls;
  @Nullable String user;
  @Nullable String password;
  private int database;

  static URI parse(String uri) {
    try {
      return URI.create(uri);
    } catch (IllegalArgumentException e) {
      // the reason would quote the address, and with it a password
      throw new IllegalArgumentException("the uri of Redis is no uri");
    }
  }

  /** Takes over what a URI says; user and password only when it has them. */
  void read(URI uri) {
    read(uri, Protocol.DEFAULT_PORT);
  }

  /** The same, with a port for a URI that has none. */
  void read(URI uri, int usual) {
    boolean secure = JedisURIHelper.isRedisSSLScheme(uri);
    if ((!secure && !JedisURIHelper.isRedisScheme(uri)) || uri.getHost() == null) {
      throw new IllegalArgumentException(
          "the uri of Redis reads redis://host:port or rediss://host:port");
    }
    host = uri.getHost();
    port = uri.getPort() < 0 ? usual : uri.getPort();
    tls = secure;
    if (uri.getUserInfo() != null) {
      user = JedisURIHelper.getUser(uri);
      password = JedisURIHelper.getPassword(uri);
    }
    database = JedisURIHelper.getDBIndex(uri);
  }

  /** A pool of connections that sends nothing twice. Connects when it is first used. */
  RedisClient client(int connections, Duration timeout) {
    return RedisClient.builder()
        .hostAndPort(place())
        .clientConfig(config(timeout))
        .poolConfig(pool(connections, timeout))
        .build();
  }

  /** Connections to whatever server sentinels name, with this login. */
  SentinelConnections connections(Sentinels sentinels, int connections, Duration timeout) {
    DefaultJedisClientConfig config = config(timeout);
    ConnectionPoolConfig pool = pool(connections, timeout);
    return new SentinelConnections(
        sentinels, place -> new PooledConnectionProvider(place, config, pool));
  }

  /** A client over such connections. */
  RedisClient client(SentinelConnections connections, Duration timeout) {
    return RedisClient.builder()
        .clientConfig(config(timeout))
        .connectionProvider(connections)
        .build();
  }

  HostAndPort place() {
    return new HostAndPort(host, port);
  }

  DefaultJedisClientConfig config(Duration timeout) {
    int millis = (int) timeout.toMillis();
    DefaultJedisClientConfig.Builder config =
        DefaultJedisClientConfig.builder()
            .protocol(RedisProtocol.RESP2)
            .connectionTimeoutMillis(millis)
            .socketTimeoutMillis(millis)
            .database(database);
    if (tls) {
      config.sslOptions(SslOptions.builder().build());
    }
    if (user != null) {
      config.user(user);
    }
    if (password != null) {
      config.password(password);
    }
    return config.build();
  }

  private static ConnectionPoolConfig pool(int connections, Duration timeout) {
    ConnectionPoolConfig pool = new ConnectionPoolConfig();
    pool.setMaxTotal(connections);
    pool.setMaxIdle(connections);
    pool.setMaxWait(timeout);
    pool.setJmxEnabled(false);
    return pool;
  }

  boolean sameLogin(RedisAddress other) {
    return tls == other.tls
        && Objects.equals(user, other.user)
        && Objects.equals(password, other.password);
  }

  /** Without anything secret. */
  @Override
  public String toString() {
    return host + ":" + port;
  }
}
