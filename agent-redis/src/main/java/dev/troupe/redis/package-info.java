/**
 * A store, a rate limiter and events in Redis.
 *
 * <p>Begin with {@link dev.troupe.redis.RedisStateStore}: one server, many processes. Beneath it
 * {@code RedisChanges} and {@code RedisClaims} ask Lua scripts, which lie beside this package as
 * resources and do all that has to happen at one moment; {@code RedisReader} mostly reads with
 * plain commands. {@code RedisKeys} says which keys there are. {@link
 * dev.troupe.redis.RedisRateLimiter} puts together in {@code RedisGroup} what its scripts do.
 *
 * <p>Events: {@link dev.troupe.redis.RedisTransport} over streams, with {@code StreamAppender} on
 * one side and on the other {@code StreamOrderedFeed}, {@code StreamSharedFeed} and {@code
 * StreamEveryoneFeed}. {@code StreamKeys} and {@code StreamEntry} say what lies where.
 */
@NullMarked
package dev.troupe.redis;

import org.jspecify.annotations.NullMarked;
