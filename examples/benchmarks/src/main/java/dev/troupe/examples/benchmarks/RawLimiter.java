package dev.troupe.examples.benchmarks;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;
import redis.clients.jedis.ConnectionPoolConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.RedisClient;

/** The floor: pooled Jedis that sends a script of a few lines, one call a decision. */
final class RawLimiter implements Floor {
  private static final List<byte[]> KEYS = List.of(bytes("floor"));

  /** A permit each 10 µs, ten seconds of them saved up: always granted. */
  private static final List<byte[]> WORDS = List.of(bytes("10"), bytes("10000000"));

  private final RedisClient client;
  private final byte[] sha;

  RawLimiter(int port) throws IOException {
    ConnectionPoolConfig pool = new ConnectionPoolConfig();
    pool.setMaxTotal(80);
    pool.setMaxIdle(80);
    pool.setJmxEnabled(false);
    client =
        RedisClient.builder()
            .hostAndPort(new HostAndPort("127.0.0.1", port))
            .poolConfig(pool)
            .build();
    try (InputStream script = RawLimiter.class.getResourceAsStream("gcra.lua")) {
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
    return step -> {
      if (!(client.evalsha(sha, KEYS, WORDS) instanceof List<?> answer)
          || !answer.get(0).equals(1L)) {
        throw new IllegalStateException("the script refused");
      }
    };
  }

  @Override
  public void close() {
    client.close();
  }
}
