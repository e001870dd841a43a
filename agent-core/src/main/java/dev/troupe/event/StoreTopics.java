package dev.troupe.event;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.event.Delivery.Shard;
import dev.troupe.event.EventTransport.Topic;
import dev.troupe.state.Edit;
import dev.troupe.state.Find;
import dev.troupe.state.Page;
import dev.troupe.state.RecordId;
import dev.troupe.state.Stored;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The topics in a store: how each was made, its logs, and its groups. For many threads. */
final class StoreTopics {
  private static final Logger LOG = LoggerFactory.getLogger(StoreTopics.class);
  private static final String KEY = "$topic:";
  private static final String GROUP = "group ";
  private static final int PAGE = 500;

  /** So long a topic keeps everything that nobody has joined, for those who look for topics. */
  private static final Duration YOUNG = Duration.ofSeconds(10);

  private final StoreAccess access;
  private final int defaultShards;
  private final Map<String, List<ShardLog>> topics = new ConcurrentHashMap<>();

  /** How a topic was made. Stored as {@code 1 shards keepMillis}. */
  record Made(int shards, long keep) {
    private byte[] encode() {
      return ("1 " + shards + " " + keep).getBytes(StandardCharsets.US_ASCII);
    }

    private static Made decode(Stored found) {
      String[] parts = new String(found.value(), StandardCharsets.US_ASCII).split(" ");
      if (parts.length != 3 || !parts[0].equals("1")) {
        throw new AgentException(
            ErrorCode.STORE_MISMATCH,
            found.id().key() + " was written by another version of the library");
      }
      return new Made(Integer.parseInt(parts[1]), Long.parseLong(parts[2]));
    }
  }

  /** A topic that a group has joined: its logs, and the group's cursors in it. */
  record Joined(GroupCursors cursors, List<ShardLog> logs) {}

  StoreTopics(StoreAccess access, int defaultShards) {
    this.access = access;
    this.defaultShards = defaultShards;
  }

  private RecordId id(String topic) {
    return access.id(KEY + topic);
  }

  /** The names of all that there are. */
  Set<String> names() {
    Set<String> names = new TreeSet<>();
    String cursor = null;
    do {
      Page<Stored> page =
          access.store.find(new Find(Map.of("troupe", "topic"), null, null, cursor, PAGE));
      page.items().forEach(one -> names.add(one.id().key().substring(KEY.length())));
      cursor = page.next();
    } while (cursor != null);
    return names;
  }

  /** The logs of a topic, which is made if it is not there. */
  List<ShardLog> logs(String topic) {
    List<ShardLog> known = topics.get(topic);
    return known == null ? open(Topic.of(topic)) : known;
  }

  private List<ShardLog> open(Topic topic) {
    int shards = made(topic, true).shards();
    return topics.computeIfAbsent(
        topic.name(),
        name -> {
          List<ShardLog> logs = new ArrayList<>(shards);
          for (int i = 0; i < shards; i++) {
            logs.add(new ShardLog(access, new Shard(name, i)));
          }
          return List.copyOf(logs);
        });
  }

  /** How a topic was made; null when it is not there. */
  @Nullable Made find(String topic) {
    Stored found = access.look(id(topic), false);
    return found == null ? null : Made.decode(found);
  }

  Made made(Topic topic, boolean create) {
    Made found = find(topic.name());
    if (found == null && create) {
      RecordId id = id(topic.name());
      int shards = topic.shards() == 0 ? defaultShards : topic.shards();
      Made made = new Made(shards, topic.keep().toMillis());
      access.apply(
          id.partition(),
          List.of(
              new Edit.Absent(id.key()),
              new Edit.Put(id.key(), made.encode(), Map.of("troupe", "topic"), null)));
      found = find(topic.name());
    }
    if (found == null) {
      throw new AgentException(
          ErrorCode.TOPIC_NOT_FOUND, "topic %s does not exist".formatted(topic.name()));
    }
    return found;
  }

  /** Joins a group, which begins at a position if nobody has joined it before. */
  Joined join(String topic, Subscription subscription, Position from) {
    List<ShardLog> logs = logs(topic);
    note(topic, subscription);
    GroupCursors cursors = new GroupCursors(access, topic, subscription.group());
    cursors.create(logs.size(), number -> begin(logs.get(number), from));
    return new Joined(cursors, logs);
  }

  private static long begin(ShardLog log, Position from) {
    if (from instanceof Position.Start) {
      return log.start();
    } else if (from instanceof Position.Since since) {
      return log.before(since.time().toEpochMilli());
    }
    return log.end();
  }

  /** Notes that a group is there, so that nothing is deleted that it has not settled. */
  private void note(String topic, Subscription subscription) {
    RecordId id = id(topic);
    String row = GROUP + subscription.group();
    byte[] mode = subscription.mode().name().getBytes(StandardCharsets.US_ASCII);
    access.apply(
        id.partition(), List.of(new Edit.NoRow(id.key(), row), new Edit.Row(id.key(), row, mode)));
    Stored found = access.look(id, true);
    byte[] before = found == null ? null : found.rows().get(row);
    String other = before == null ? "" : new String(before, StandardCharsets.US_ASCII);
    if (!other.equals(subscription.mode().name())) {
      throw new AgentException(
          ErrorCode.INVALID_INPUT,
          "group %s of topic %s has mode %s and can't be joined in mode %s; take another group"
              .formatted(subscription.group(), topic, other, subscription.mode()));
    }
  }

  void forget(String topic, String group) {
    RecordId id = id(topic);
    int shards = logs(topic).size();
    access.apply(id.partition(), List.of(new Edit.Row(id.key(), GROUP + group, null)));
    new GroupCursors(access, topic, group).delete(shards);
  }

  /** Deletes what everybody is through with, if there may be enough of it. */
  void trim(ShardLog log) {
    if (!log.mayTrim()) {
      return;
    }
    try {
      Stored topic = access.look(id(log.shard.topic()), true);
      if (topic == null) {
        return;
      }
      long needed = Long.MAX_VALUE;
      for (String row : topic.rows().keySet()) {
        if (row.startsWith(GROUP)) {
          GroupCursors group =
              new GroupCursors(access, log.shard.topic(), row.substring(GROUP.length()));
          needed = Math.min(needed, group.settledUpTo(log.shard.number()));
        }
      }
      long now = access.time.millis();
      boolean young = now - topic.created().toEpochMilli() < YOUNG.toMillis();
      if (needed < Long.MAX_VALUE || !young) {
        log.trim(needed, now - Made.decode(topic).keep());
      }
    } catch (AgentException e) {
      LOG.debug("the log of {} was not trimmed now: {}", log.shard, e.toString());
    }
  }
}
