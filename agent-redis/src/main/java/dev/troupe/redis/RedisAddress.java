package dev.troupe.redis;

import java.net.URI;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.ConnectionPoolConfig;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Protocol;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.RedisProtocol;
import redis.clients.jedis.SslOptions;
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
    boolean secure = JedisURIHelper.isRedisSSLScheme(uri);
    if ((!secure && !JedisURIHelper.isRedisScheme(uri)) || uri.getHost() == null) {
      throw new IllegalArgumentException(
          "the uri of Redis reads redis://host:port or rediss://host:port");
    }
    host = uri.getHost();
    port = uri.getPort() < 0 ? Protocol.DEFAULT_PORT : uri.getPort();
    tls = secure;
    if (uri.getUserInfo() != null) {
      user = JedisURIHelper.getUser(uri);
      password = JedisURIHelper.getPassword(uri);
    }
    database = JedisURIHelper.getDBIndex(uri);
  }

  /** A pool of connections that sends nothing twice. Connects when it is first used. */
  RedisClient client(int connections, Duration timeout) {
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
    ConnectionPoolConfig pool = new ConnectionPoolConfig();
    pool.setMaxTotal(connections);
    pool.setMaxIdle(connections);
    pool.setMaxWait(timeout);
    pool.setJmxEnabled(false);
    return RedisClient.builder()
        .hostAndPort(new HostAndPort(host, port))
        .clientConfig(config.build())
        .poolConfig(pool)
        .build();
  }

  /** Without anything secret. */
  @Override
  public String toString() {
    return host + ":" + port;
  }
}
