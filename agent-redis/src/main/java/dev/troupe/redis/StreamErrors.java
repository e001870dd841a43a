package dev.troupe.redis;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import redis.clients.jedis.exceptions.JedisDataException;

/** What errors of Redis mean to those who send and receive events. */
final class StreamErrors {
  private StreamErrors() {}

  /** The same error in the words of a transport. */
  static AgentException of(AgentException e) {
    return e.code() == ErrorCode.STORE_UNAVAILABLE
        ? new AgentException(ErrorCode.TRANSPORT_UNAVAILABLE, String.valueOf(e.getMessage()), e)
        : e;
  }

  static AgentException of(JedisDataException e) {
    return of(RedisErrors.of(e));
  }

  /** Whether stream or group is not there, also when a script says so. */
  static boolean isGone(JedisDataException e) {
    String message = String.valueOf(e.getMessage());
    return message.contains("NOGROUP") || message.contains("no such key");
  }
}
