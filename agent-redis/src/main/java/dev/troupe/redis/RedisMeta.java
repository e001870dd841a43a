package dev.troupe.redis;

import java.util.ArrayList;
import java.util.List;

/**
 * What is to be found at a server: the hash that says what was made there, and of which kind it is.
 *
 * @param key of the hash
 * @param kind for messages: a store or a limiter
 * @param partitions how many, 0 for what has none
 * @param scripts what it needs
 */
record RedisMeta(byte[] key, String kind, int partitions, List<RedisScript> scripts) {
  private static final List<RedisScript> LIMITS = List.of(RedisScript.RATE, RedisScript.LIMIT);

  static RedisMeta store(byte[] key, int partitions) {
    List<RedisScript> all = new ArrayList<>(List.of(RedisScript.values()));
    all.removeAll(LIMITS);
    return new RedisMeta(key, "store", partitions, all);
  }

  static RedisMeta limiter(byte[] key) {
    return new RedisMeta(key, "limiter", 0, LIMITS);
  }
}
