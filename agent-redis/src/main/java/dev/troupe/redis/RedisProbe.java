package dev.troupe.redis;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.state.StoreInfo;
import java.security.cert.CertificateException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.Protocol;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.exceptions.JedisAccessControlException;
import redis.clients.jedis.exceptions.JedisConnectionException;
import redis.clients.jedis.exceptions.JedisDataException;
import redis.clients.jedis.exceptions.JedisException;
import redis.clients.jedis.util.KeyValue;

/** Looks at the server and at what lies there before it is used. */
final class RedisProbe {
  private static final Logger LOG = LoggerFactory.getLogger(RedisProbe.class);
  private static final byte[] FORMAT = RedisNames.ascii("1");

  private final UnifiedJedis client;
  private final RedisMeta meta;
  private final String place;
  private final boolean allowEviction;

  /**
   * A look from outside.
   *
   * @param place for messages: host and port, no secret
   */
  RedisProbe(UnifiedJedis client, RedisMeta meta, String place, boolean allowEviction) {
    this.client = client;
    this.meta = meta;
    this.place = place;
    this.allowEviction = allowEviction;
  }

  /** Checks everything, creates what is not there, and says what changes survive. */
  StoreInfo.Durability look() {
    try {
      Map<String, String> about = about();
      if ("1".equals(about.get("loading"))) {
        throw new JedisDataException("LOADING"); // until then it tells of no append-only file
      }
      checkVersion(about.get("redis_version"));
      checkEviction(about.get("maxmemory_policy"));
      loadScripts();
      checkMeta();
      return durability(about);
    } catch (JedisAccessControlException e) {
      throw denied(e);
    } catch (JedisDataException e) {
      String kind = RedisErrors.kind(e);
      if (kind.equals("NOAUTH") || kind.equals("WRONGPASS")) {
        throw denied(e);
      }
      if (kind.equals("WRONGTYPE")) {
        throw mismatch(
            "has something else under the keys of the %s; choose another prefix"
                .formatted(meta.kind()),
            e);
      }
      throw RedisErrors.of(e);
    } catch (JedisConnectionException e) {
      throw absent(e);
    } catch (JedisException e) {
      throw RedisErrors.isExhausted(e) ? RedisLink.unanswered(e) : absent(e);
    }
  }

  private AgentException denied(JedisDataException e) {
    if (RedisErrors.kind(e).equals("NOPERM")) {
      return mismatch(
          ("does not allow this user what the %s needs;"
                  + " grant +@read +@write +@scripting +time +ping for its keys")
              .formatted(meta.kind()),
          e);
    }
    return new AgentException(
        ErrorCode.INVALID_INPUT,
        "Redis at %s refused user or password; set user and password, or the uri, to what it expects"
            .formatted(place),
        e);
  }

  private AgentException absent(JedisException e) {
    CertificateException untrusted = RedisErrors.untrusted(e);
    if (untrusted != null) {
      return new AgentException(
          ErrorCode.INVALID_INPUT,
          ("the certificate of Redis at %s is not taken (%s); set host, or the uri, to a name that"
                  + " it has, or let the JVM trust who signed it (javax.net.ssl.trustStore)")
              .formatted(place, untrusted.getMessage()),
          e);
    }
    return new AgentException(
        ErrorCode.STORE_UNAVAILABLE,
        ("no Redis answers at %s; start it or correct uri, or host, port and tls;"
                + " lazy(true) opens a %s whose Redis comes later")
            .formatted(place, meta.kind()),
        e);
  }

  private AgentException mismatch(String why, @Nullable Throwable cause) {
    return new AgentException(ErrorCode.STORE_MISMATCH, "Redis at " + place + " " + why, cause);
  }

  /** What INFO of the node with the key of the hash says; nothing where a service forbids it. */
  private Map<String, String> about() {
    Map<String, String> about = new HashMap<>();
    String text = "";
    try {
      text = text(ask(Protocol.Command.INFO));
    } catch (JedisDataException e) {
      if (!RedisErrors.kind(e).equals("NOPERM")) {
        throw e;
      }
      LOG.warn(
          "Redis at {} does not allow INFO: whether it is 6.2 or later, and whether it evicts keys,"
              + " is not known",
          place);
    }
    for (String line : text.split("\r\n")) {
      int colon = line.indexOf(':');
      if (colon > 0) {
        about.put(line.substring(0, colon), line.substring(colon + 1).trim());
      }
    }
    return about;
  }

  /** Asks the node that has the key of the hash. */
  @SuppressWarnings("deprecation") // what Jedis 8 has instead fails over a cluster with Jedis 7.4
  private Object ask(Protocol.Command command, byte[]... words) {
    return client.sendCommand(meta.key(), command, words);
  }

  private static String text(Object answer) {
    return answer instanceof byte[] bytes ? RedisNames.decode(bytes) : String.valueOf(answer);
  }

  private void checkVersion(@Nullable String version) {
    if (version != null && !isEnough(version)) {
      throw mismatch(
          "is version %s; the %s needs 6.2 or later".formatted(version, meta.kind()), null);
    }
  }

  static boolean isEnough(String version) {
    String[] numbers = version.split("[^0-9]+");
    int major = numbers.length > 0 && !numbers[0].isEmpty() ? Integer.parseInt(numbers[0]) : 0;
    int minor = numbers.length > 1 ? Integer.parseInt(numbers[1]) : 0;
    return major > 6 || (major == 6 && minor >= 2);
  }

  private void checkEviction(@Nullable String policy) {
    if (policy == null || policy.equals("noeviction")) {
      return;
    }
    if (!allowEviction && !meta.mayEvict()) {
      throw mismatch(
          "may throw the %s's keys away (maxmemory-policy %s); set it to noeviction, or allow it with allowEviction(true)"
              .formatted(meta.kind(), policy),
          null);
    }
    LOG.warn(
        "Redis at {} may throw the {}'s keys away when memory runs out (maxmemory-policy {}):"
            + " what is in them would be lost without notice",
        place,
        meta.kind(),
        policy);
  }

  /** What the server does when its memory is full; {@code noeviction} where it does not say. */
  String eviction() {
    return about().getOrDefault("maxmemory_policy", "noeviction");
  }

  private void loadScripts() {
    try {
      for (RedisScript script : meta.scripts()) {
        byte[] sha = client.scriptLoad(script.body, meta.key());
        if (!Arrays.equals(sha, script.sha)) {
          throw mismatch("names scripts otherwise than by SHA-1", null);
        }
      }
    } catch (JedisAccessControlException e) {
      if (!RedisErrors.kind(e).equals("NOPERM")) {
        throw e;
      }
      throw mismatch("does not allow this user to load scripts; grant SCRIPT, EVAL and EVALSHA", e);
    }
  }

  private void checkMeta() {
    List<byte[]> fields = new ArrayList<>(List.of(RedisNames.ascii("format")));
    List<byte[]> wanted = new ArrayList<>(List.of(FORMAT));
    if (meta.partitions() > 0) {
      fields.add(RedisNames.ascii("partitions"));
      wanted.add(RedisNames.ascii(Integer.toString(meta.partitions())));
    }
    byte[][] names = fields.toArray(byte[][]::new);
    List<byte[]> found = client.hmget(meta.key(), names);
    if (found.contains(null)) {
      // whoever comes first decides, also when two create it at once
      for (int i = 0; i < names.length; i++) {
        client.hsetnx(meta.key(), names[i], wanted.get(i));
      }
      found = client.hmget(meta.key(), names);
    }
    if (!Arrays.equals(found.get(0), FORMAT)) {
      throw mismatch(
          "has a %s of format %s; this library knows format 1"
              .formatted(meta.kind(), text(found.get(0))),
          null);
    }
    if (meta.partitions() > 0 && !Arrays.equals(found.get(1), wanted.get(1))) {
      throw mismatch(
          "has a store with %s partitions, to be opened with %d; open it with %s, or choose another prefix"
              .formatted(text(found.get(1)), meta.partitions(), text(found.get(1))),
          null);
    }
  }

  /**
   * Only an append-only file that is forced to disk before each answer outlives a loss of power.
   */
  private StoreInfo.Durability durability(Map<String, String> about) {
    boolean forced =
        "1".equals(about.get("aof_enabled"))
            && setting("appendfsync").contains("always")
            && setting("no-appendfsync-on-rewrite").endsWith("no ");
    return forced ? StoreInfo.Durability.MACHINE : StoreInfo.Durability.PROCESS;
  }

  /** Name and value of a setting; nothing where a service forbids to ask. */
  private String setting(String name) {
    try {
      return words(ask(Protocol.Command.CONFIG, RedisNames.ascii("GET"), RedisNames.ascii(name)));
    } catch (JedisDataException e) {
      LOG.debug("Redis at {} does not tell {}: {}", place, name, RedisErrors.kind(e));
      return "";
    }
  }

  /** All words of an answer, whatever its shape: lists in one protocol, maps in the other. */
  private static String words(Object answer) {
    if (answer instanceof List<?> list) {
      StringBuilder all = new StringBuilder();
      list.forEach(part -> all.append(words(part)).append(' '));
      return all.toString();
    }
    if (answer instanceof KeyValue<?, ?> pair) {
      return words(pair.getKey()) + " " + words(pair.getValue()) + " ";
    }
    return text(answer);
  }
}
