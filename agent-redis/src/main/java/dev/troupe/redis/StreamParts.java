package dev.troupe.redis;

import java.time.Duration;

/**
 * What feeds work with.
 *
 * @param link sends scripts
 * @param waiting sends what may wait for its answer
 * @param keys names the keys
 * @param topics knows the topics
 * @param trimmer deletes what nobody needs
 * @param lease how long a feed may be silent
 */
record StreamParts(
    RedisLink link,
    RedisLink waiting,
    StreamKeys keys,
    StreamTopics topics,
    StreamTrimmer trimmer,
    Duration lease) {}
