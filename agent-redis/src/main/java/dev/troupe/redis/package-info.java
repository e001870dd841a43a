/**
 * Stores in Redis.
 *
 * <p>Begin with {@link dev.troupe.redis.RedisStateStore}: one server, many processes. Beneath it
 * {@code RedisChanges} and {@code RedisClaims} ask Lua scripts, which lie beside this package as
 * resources and do all that has to happen at one moment; {@code RedisReader} mostly reads with
 * plain commands. {@code RedisKeys} says which keys there are.
 */
@NullMarked
package dev.troupe.redis;

import org.jspecify.annotations.NullMarked;
