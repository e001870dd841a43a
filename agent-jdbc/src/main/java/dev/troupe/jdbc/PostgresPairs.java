package dev.troupe.jdbc;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;

/** Tags and counters as bytes: name, NUL, value, NUL, in the order of names. */
final class PostgresPairs {
  private PostgresPairs() {}

  static byte[] encode(Map<String, ?> pairs) {
    StringBuilder text = new StringBuilder();
    new TreeMap<>(pairs)
        .forEach((name, value) -> text.append(name).append('\0').append(value).append('\0'));
    return SqliteNames.encode(text.toString());
  }

  static Map<String, String> decode(byte[] bytes) {
    if (bytes.length == 0) {
      return Map.of();
    }
    Map<String, String> pairs = new HashMap<>();
    String[] parts = SqliteNames.decode(bytes).split("\0", -1);
    for (int i = 0; i + 1 < parts.length; i += 2) {
      pairs.put(parts[i], parts[i + 1]);
    }
    return pairs;
  }

  static Map<String, Long> decodeCounters(byte[] bytes) {
    Map<String, Long> counters = new HashMap<>();
    decode(bytes).forEach((name, value) -> counters.put(name, Long.parseLong(value)));
    return counters;
  }

  /** What stands for a tag in the index. */
  static byte[] tag(String name, String value) {
    try {
      byte[] text = (name + '\0' + value).getBytes(StandardCharsets.UTF_8);
      return Arrays.copyOf(MessageDigest.getInstance("SHA-256").digest(text), 16);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
