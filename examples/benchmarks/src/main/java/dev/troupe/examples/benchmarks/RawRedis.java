package dev.troupe.examples.benchmarks;

import dev.troupe.redis.RedisStateStore;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import redis.clients.jedis.ConnectionPoolConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.RedisClient;

/** The floor: pooled Jedis that sends the store's own script for a step, one call a step. */
final class RawRedis implements Floor {
  private static final byte[] GRANT = bytes("1 2k9q1h0v6t5w1c8x7z3m4n0p2r");
  private static final byte[] HEAD = bytes("{floor:0}:h");

  private final RedisClient client;
  private final byte[] sha;
  private final byte[] row;

  RawRedis(int port, byte[] row) throws IOException {
    this.row = row;
    ConnectionPoolConfig pool = new ConnectionPoolConfig();
    pool.setMaxTotal(80);
    pool.setMaxIdle(80);
    pool.setJmxEnabled(false);
    client =
        RedisClient.builder()
            .hostAndPort(new HostAndPort("127.0.0.1", port))
            .poolConfig(pool)
            .build();
    try (InputStream script = RedisStateStore.class.getResourceAsStream("step.lua")) {
      String text =
          new String(Objects.requireNonNull(script).readAllBytes(), StandardCharsets.UTF_8);
      sha = bytes(client.scriptLoad(text));
    }
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  @Override
  public Writer writer(long run) {
    byte[] record = bytes("{floor:0}:r" + run);
    client.hset(record, bytes("g"), GRANT);
    client.hset(record, bytes("n"), bytes("2"));
    List<byte[]> keys = List.of(HEAD, record);
    return step -> {
      List<byte[]> words =
          List.of(bytes("0"), bytes("0"), bytes("2"), GRANT, bytes("r:step#" + step), row);
      if (!(client.evalsha(sha, keys, words) instanceof byte[])) {
        throw new IllegalStateException("the script refused");
      }
    };
  }

  @Override
  public void close() {
    client.close();
  }
}
