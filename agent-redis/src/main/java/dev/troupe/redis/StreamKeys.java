package dev.troupe.redis;

import dev.troupe.event.Delivery.Shard;

/**
 * The keys of topics. All that belongs to a shard shares its hash tag, so it lies on one node of a
 * cluster; what belongs to a topic as a whole has a tag of its own. No name of a topic or group
 * holds a colon.
 */
record StreamKeys(String prefix) {
  /** A hash: how the topic was made, and the mode of each group. */
  byte[] topic(String topic) {
    return of(topic, "topic");
  }

  /** A sorted set: who is in a group, until when. */
  byte[] members(String topic, String group) {
    return of(topic, "members:" + group);
  }

  /** A stream: the entries of a shard. */
  byte[] log(Shard shard) {
    return of(shard.topic() + ":" + shard.number(), "log");
  }

  /** A hash: which member of an ordered group has the shard. */
  byte[] lease(Shard shard, String group) {
    return of(shard.topic() + ":" + shard.number(), "lease:" + group);
  }

  /** A hash: which feeds of a shared group are there, until when. */
  byte[] feeds(Shard shard, String group) {
    return of(shard.topic() + ":" + shard.number(), "feeds:" + group);
  }

  /** A hash: of which format all this is. */
  byte[] meta() {
    return RedisNames.encode("{" + prefix + "}:topics");
  }

  /** A set: the names of all topics. */
  byte[] names() {
    return RedisNames.encode("{" + prefix + "}:names");
  }

  private byte[] of(String tag, String rest) {
    return RedisNames.encode("{" + prefix + ":topic:" + tag + "}:" + rest);
  }
}
