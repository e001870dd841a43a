package dev.troupe.redis;

import dev.troupe.AgentException;
import dev.troupe.event.Delivery.Shard;
import dev.troupe.redis.RedisLink.Call;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Deletes now and then what nobody needs any more: after every thousand entries of a shard that
 * were appended or settled here. Safe for use by many threads.
 */
final class StreamTrimmer {
  private static final Logger LOG = LoggerFactory.getLogger(StreamTrimmer.class);
  private static final int EVERY = 1_000;

  /** So long entries are kept at the least, for feeds that remember nothing. */
  private static final long SHORTEST_KEEP = 1_000;

  private static final byte[] WITHOUT_GROUP = RedisNames.ascii("1000");

  /** So many milliseconds a topic keeps all that no group has joined. */
  private static final byte[] YOUNG = RedisNames.ascii("10000");

  private final RedisLink link;
  private final StreamKeys keys;
  private final StreamTopics topics;
  private final Map<Shard, AtomicInteger> changes = new ConcurrentHashMap<>();

  StreamTrimmer(RedisLink link, StreamKeys keys, StreamTopics topics) {
    this.link = link;
    this.keys = keys;
    this.topics = topics;
  }

  void changed(Shard shard, int entries) {
    if (entries > 0) {
      changes.computeIfAbsent(shard, s -> new AtomicInteger()).addAndGet(entries);
    }
  }

  /** Trims the shards of which enough has changed. */
  void trimSome() {
    List<Shard> due = new ArrayList<>();
    changes.forEach(
        (shard, count) -> {
          if (count.get() >= EVERY) {
            count.set(0);
            due.add(shard);
          }
        });
    if (!due.isEmpty()) {
      trim(due);
    }
  }

  void trim(List<Shard> shards) {
    List<Call> calls = new ArrayList<>(shards.size());
    try {
      for (Shard shard : shards) {
        long keep = Math.max(SHORTEST_KEEP, topics.get(shard.topic()).keep());
        calls.add(
            new Call(
                RedisScript.STREAM_TRIM,
                List.of(keys.log(shard)),
                List.of(RedisNames.ascii(Long.toString(keep)), WITHOUT_GROUP, YOUNG)));
      }
      link.each(calls);
    } catch (AgentException e) {
      LOG.debug("streams of {} were not trimmed now: {}", shards.get(0).topic(), e.toString());
    }
  }
}
