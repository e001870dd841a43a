package dev.troupe.redis;

import java.util.List;
import java.util.stream.Stream;

/**
 * What is to be found at a server: the hash that says what was made there, and of which kind it is.
 *
 * @param key of the hash
 * @param kind for messages: a store, a limiter or a transport
 * @param partitions how many, 0 for what has none
 * @param scripts what it needs
 * @param mayEvict whether a server that may evict keys is only warned of
 */
record RedisMeta(
    byte[] key, String kind, int partitions, List<RedisScript> scripts, boolean mayEvict) {
  private static final List<RedisScript> LIMITS = List.of(RedisScript.RATE, RedisScript.LIMIT);
  private static final List<RedisScript> STREAMS =
      Stream.of(RedisScript.values()).filter(s -> s.name().startsWith("STREAM_")).toList();

  static RedisMeta store(byte[] key, int partitions) {
    List<RedisScript> own =
        Stream.of(RedisScript.values())
            .filter(s -> !LIMITS.contains(s) && !STREAMS.contains(s))
            .toList();
    return new RedisMeta(key, "store", partitions, own, false);
  }

  static RedisMeta limiter(byte[] key) {
    return new RedisMeta(key, "limiter", 0, LIMITS, false);
  }

  /** A transport names a server that may evict when topics are prepared. */
  static RedisMeta streams(byte[] key) {
    return new RedisMeta(key, "transport", 0, STREAMS, true);
  }
}
