package dev.troupe.redis;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.event.Delivery.Shard;
import dev.troupe.event.EventTransport.Topic;
import dev.troupe.event.Position;
import dev.troupe.event.Subscription;
import dev.troupe.event.Subscription.Mode;
import dev.troupe.redis.RedisLink.Ask;
import dev.troupe.redis.RedisLink.Call;
import dev.troupe.redis.RedisLink.Command;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.CommandArguments;
import redis.clients.jedis.Protocol;
import redis.clients.jedis.exceptions.JedisDataException;

/** How topics were made, and their groups. Safe for use by many threads. */
final class StreamTopics {
  private static final String FORMAT = "1";

  private final RedisLink link;
  private final StreamKeys keys;
  private final int defaultShards;
  private final Map<String, Made> known = new ConcurrentHashMap<>();

  /** A topic as it is. */
  record Made(List<Shard> shards, long keep) {}

  StreamTopics(RedisLink link, StreamKeys keys, int defaultShards) {
    this.link = link;
    this.keys = keys;
    this.defaultShards = defaultShards;
  }

  /** The topic, made with the defaults if it is not there. */
  Made get(String name) {
    Made made = known.get(name);
    return made == null ? create(Topic.of(name)) : made;
  }

  Made create(Topic topic) {
    int shards = topic.shards() == 0 ? defaultShards : topic.shards();
    Made made = ask(topic.name(), shards, topic.keep().toMillis());
    if (made == null) {
      throw new AgentException(
          ErrorCode.TRANSPORT_UNAVAILABLE, "topic %s could not be made".formatted(topic.name()));
    }
    // on another node of a cluster; nothing is appended before it was noted
    link.with(c -> c.sadd(keys.names(), RedisNames.ascii(topic.name())));
    known.put(topic.name(), made);
    return made;
  }

  /** The names of all topics. */
  Set<String> names() {
    Set<String> names = new TreeSet<>();
    link.with(c -> c.smembers(keys.names())).forEach(name -> names.add(RedisNames.decode(name)));
    return names;
  }

  /** The topic, null when it is not there. */
  @Nullable Made find(String name) {
    return ask(name, 0, 0);
  }

  private @Nullable Made ask(String name, int shards, long keep) {
    List<byte[]> words =
        shards == 0
            ? List.of()
            : List.of(
                RedisNames.ascii(Integer.toString(shards)), RedisNames.ascii(Long.toString(keep)));
    List<?> found =
        (List<?>) link.run(new Call(RedisScript.STREAM_TOPIC, List.of(keys.topic(name)), words));
    if (found.get(1) == null) {
      return null;
    }
    if (!FORMAT.equals(text(found.get(0)))) {
      throw new AgentException(
          ErrorCode.STORE_MISMATCH,
          "topic %s was made by another version of the library".formatted(name));
    }
    int number = Integer.parseInt(text(found.get(1)));
    List<Shard> all = new ArrayList<>(number);
    for (int i = 0; i < number; i++) {
      all.add(new Shard(name, i));
    }
    return new Made(List.copyOf(all), Long.parseLong(text(found.get(2))));
  }

  private static String text(Object word) {
    return RedisNames.decode((byte[]) word);
  }

  /** Joins a group, which begins at a position if nobody has joined it before. */
  void join(String topic, Subscription subscription, Position from) {
    Made made = get(topic);
    byte[] field = RedisNames.ascii("group " + subscription.group());
    byte[] mode = RedisNames.ascii(subscription.mode().name());
    byte[] key = keys.topic(topic);
    byte @Nullable [] before =
        link.with(c -> c.hsetnx(key, field, mode) == 1 ? mode : c.hget(key, field));
    String other = before == null ? "" : text(before);
    if (!other.equals(subscription.mode().name())) {
      throw new AgentException(
          ErrorCode.INVALID_INPUT,
          "group %s of topic %s has mode %s and can't be joined in mode %s; take another group"
              .formatted(subscription.group(), topic, other, subscription.mode()));
    }
    begin(made.shards(), subscription.group(), begin(from));
  }

  /** What was lost with a server that forgets: topic and groups are made anew, from the start. */
  void restore(Shard shard, String group, Mode mode) {
    Made made = get(shard.topic());
    create(new Topic(shard.topic(), made.shards().size(), Duration.ofMillis(made.keep())));
    byte[] key = keys.topic(shard.topic());
    link.with(
        c -> c.hsetnx(key, RedisNames.ascii("group " + group), RedisNames.ascii(mode.name())));
    begin(List.of(shard), group, "0");
  }

  private void begin(List<Shard> shards, String group, String from) {
    List<Ask> asks = new ArrayList<>(shards.size());
    for (Shard shard : shards) {
      asks.add(
          new Command(
              new CommandArguments(Protocol.Command.XGROUP)
                  .add("CREATE")
                  .key(keys.log(shard))
                  .add(group)
                  .add(from)
                  .add("MKSTREAM")));
    }
    for (Object answer : link.each(asks)) {
      if (answer instanceof JedisDataException e && !RedisErrors.kind(e).equals("BUSYGROUP")) {
        throw RedisErrors.of(e);
      }
    }
  }

  /** Behind which entry a group begins. */
  private static String begin(Position from) {
    if (from instanceof Position.Since since) {
      return before(since.time().toEpochMilli());
    }
    return from instanceof Position.Start ? "0" : "$";
  }

  /** The last id before a time. */
  static String before(long millis) {
    return millis <= 0 ? "0-0" : (millis - 1) + "-18446744073709551615";
  }

  void forget(String topic, String group) {
    Made made = get(topic);
    List<Ask> asks = new ArrayList<>();
    for (Shard shard : made.shards()) {
      asks.add(
          new Command(
              new CommandArguments(Protocol.Command.XGROUP)
                  .add("DESTROY")
                  .key(keys.log(shard))
                  .add(group)));
      asks.add(delete(keys.lease(shard, group)));
      asks.add(delete(keys.feeds(shard, group)));
    }
    asks.add(delete(keys.members(topic, group)));
    asks.add(
        new Command(
            new CommandArguments(Protocol.Command.HDEL)
                .key(keys.topic(topic))
                .add("group " + group)));
    for (Object answer : link.each(asks)) {
      if (answer instanceof JedisDataException e && !RedisErrors.kind(e).equals("ERR")) {
        throw RedisErrors.of(e);
      }
    }
  }

  private static Ask delete(byte[] key) {
    return new Command(new CommandArguments(Protocol.Command.DEL).key(key));
  }
}
