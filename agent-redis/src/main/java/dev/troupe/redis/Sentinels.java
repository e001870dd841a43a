package dev.troupe.redis;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.JedisClientConfig;
import redis.clients.jedis.exceptions.JedisAccessControlException;
import redis.clients.jedis.exceptions.JedisDataException;
import redis.clients.jedis.exceptions.JedisException;

/**
 * Asks the sentinels which server is the primary. All are asked and the one that knows of the
 * latest fail-over is right, because one that was cut off may still name the former primary. Keeps
 * a connection to each. Not safe for several threads.
 */
final class Sentinels implements AutoCloseable {
  private final String name;
  private final List<HostAndPort> places;
  private final JedisClientConfig config;
  private final Map<HostAndPort, Jedis> connections = new LinkedHashMap<>();

  Sentinels(String name, List<HostAndPort> places, JedisClientConfig config) {
    this.name = name;
    this.places = places;
    this.config = config;
  }

  /** What one sentinel says. */
  private record Answer(HostAndPort primary, long failOvers) {}

  /**
   * The primary.
   *
   * @throws AgentException when no sentinel answers, or none of those that answer knows it
   */
  HostAndPort primary() {
    @Nullable Answer best = null;
    List<JedisException> refused = new ArrayList<>();
    List<JedisException> unknown = new ArrayList<>();
    @Nullable JedisException absent = null;
    for (HostAndPort place : places) {
      try {
        Answer answer = ask(place, jedis -> jedis.sentinelMaster(name));
        if (best == null || answer.failOvers > best.failOvers) {
          best = answer;
        }
      } catch (JedisAccessControlException e) {
        refused.add(e);
      } catch (JedisDataException e) {
        String kind = RedisErrors.kind(e);
        (kind.equals("NOAUTH") || kind.equals("WRONGPASS") ? refused : unknown).add(e);
      } catch (JedisException e) {
        absent = e;
      }
    }
    if (best != null) {
      return best.primary;
    }
    if (!unknown.isEmpty()) {
      throw new AgentException(
          ErrorCode.INVALID_INPUT,
          "the sentinels at %s do not know a primary named '%s', but %s; give its name as they have it"
              .formatted(shown(), name, known()),
          unknown.get(0));
    }
    if (!refused.isEmpty()) {
      throw new AgentException(
          ErrorCode.INVALID_INPUT,
          "the sentinels at %s refused user or password; write what they expect into their addresses"
              .formatted(shown()),
          refused.get(0));
    }
    throw new AgentException(
        ErrorCode.STORE_UNAVAILABLE,
        "none of the sentinels at %s answers; start them or correct their addresses"
            .formatted(shown()),
        absent);
  }

  private Answer ask(HostAndPort place, Function<Jedis, Map<String, String>> question) {
    Map<String, String> facts = on(place, question);
    try {
      HostAndPort primary =
          new HostAndPort(fact(facts, "ip"), Integer.parseInt(fact(facts, "port")));
      return new Answer(primary, Long.parseLong(fact(facts, "config-epoch")));
    } catch (NumberFormatException e) {
      throw new JedisException("a sentinel gave no address", e);
    }
  }

  private static String fact(Map<String, String> facts, String fact) {
    return facts.getOrDefault(fact, "");
  }

  private <T> T on(HostAndPort place, Function<Jedis, T> question) {
    boolean fresh = !connections.containsKey(place);
    try {
      return question.apply(connections.computeIfAbsent(place, at -> new Jedis(at, config)));
    } catch (JedisDataException e) {
      throw e;
    } catch (JedisException e) {
      drop(place);
      if (fresh) {
        throw e;
      }
      return on(place, question); // it may have been restarted since it was last asked
    }
  }

  private void drop(HostAndPort place) {
    Jedis broken = connections.remove(place);
    if (broken != null) {
      broken.close();
    }
  }

  /** The names that they know, for whoever gave another one. */
  private String known() {
    Set<String> names = new TreeSet<>();
    for (HostAndPort place : places) {
      try {
        on(place, Jedis::sentinelMasters).forEach(facts -> names.add(fact(facts, "name")));
      } catch (JedisException e) {
        // the others say it
      }
    }
    return names.isEmpty() ? "none at all" : "'" + String.join("', '", names) + "'";
  }

  /** Where they are, without anything secret. */
  String shown() {
    return places.stream().map(HostAndPort::toString).collect(Collectors.joining(", "));
  }

  /** The primary's name and where the sentinels are, for messages. */
  @Override
  public String toString() {
    return "primary '%s' of the sentinels at %s".formatted(name, shown());
  }

  @Override
  public void close() {
    List.copyOf(connections.keySet()).forEach(this::drop);
  }
}
