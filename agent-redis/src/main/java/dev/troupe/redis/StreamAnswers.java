package dev.troupe.redis;

import java.util.List;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.exceptions.JedisDataException;
import redis.clients.jedis.util.KeyValue;

/**
 * Reads what Redis answers about streams, in either protocol: what is a list in RESP2 is a map in
 * RESP3, which a client of the host may speak.
 */
final class StreamAnswers {
  private StreamAnswers() {}

  /** A list, empty for nothing; throws the error that stands in its place. */
  static List<?> list(@Nullable Object answer) {
    if (answer instanceof JedisDataException e) {
      throw RedisErrors.of(e);
    }
    return answer instanceof List<?> list ? list : List.of();
  }

  /** Of which stream a part of an answer is. */
  static byte[] stream(Object part) {
    return (byte[]) (part instanceof KeyValue<?, ?> pair ? pair.getKey() : ((List<?>) part).get(0));
  }

  /** The entries in a part of an answer. */
  static List<?> entries(Object part) {
    return (List<?>)
        (part instanceof KeyValue<?, ?> pair ? pair.getValue() : ((List<?>) part).get(1));
  }

  /**
   * Entries that the group was not given yet, from what {@code XINFO GROUPS} says; 0 where that is
   * not known, as before Redis 7.
   */
  static long lag(@Nullable Object groups, String group) {
    return value(about(groups, group), "lag") instanceof Long entries ? entries : 0;
  }

  /** The last entry that the group was given, from what {@code XINFO GROUPS} says. */
  static @Nullable String lastDelivered(@Nullable Object groups, String group) {
    Object id = value(about(groups, group), "last-delivered-id");
    return id instanceof byte[] text ? RedisNames.decode(text) : null;
  }

  private static List<?> about(@Nullable Object groups, String group) {
    if (groups instanceof List<?> all) {
      for (Object one : all) {
        List<?> about = (List<?>) one;
        if (is(value(about, "name"), group)) {
          return about;
        }
      }
    }
    return List.of();
  }

  private static @Nullable Object value(List<?> about, String name) {
    for (int i = 0; i < about.size(); i++) {
      if (about.get(i) instanceof KeyValue<?, ?> pair) {
        if (is(pair.getKey(), name)) {
          return pair.getValue();
        }
      } else if (i % 2 == 0 && i + 1 < about.size() && is(about.get(i), name)) {
        return about.get(i + 1);
      }
    }
    return null;
  }

  private static boolean is(@Nullable Object word, String text) {
    return word instanceof byte[] bytes && RedisNames.decode(bytes).equals(text);
  }
}
