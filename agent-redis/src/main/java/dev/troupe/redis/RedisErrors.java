package dev.troupe.redis;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.security.cert.CertificateException;
import java.util.List;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.exceptions.JedisDataException;

/** What an error of Redis means for the caller. */
final class RedisErrors {
  private RedisErrors() {}

  static AgentException of(JedisDataException e) {
    return of(List.of(e), 1);
  }

  /** For errors among so many independent answers. */
  static AgentException of(List<JedisDataException> errors, int answers) {
    JedisDataException first = errors.get(0);
    boolean full = errors.stream().allMatch(RedisErrors::isFull);
    if (full && errors.size() == answers) {
      return new AgentException(
          ErrorCode.STORE_FULL,
          "Redis has no memory or disk left for the store; nothing was written; raise maxmemory or"
              + " delete something",
          first);
    }
    String what = kind(first) + " error";
    if (full) {
      what = "it has no memory or disk left for some of the changes";
    } else if (isForbidden(first)) {
      what = "its user may not do that; grant +@read +@write +@scripting";
    } else if (kind(first).equals("NOREPLICAS")) {
      what = "too few replicas are in step for it to take changes (min-replicas-to-write)";
    }
    return new AgentException(
        ErrorCode.STORE_UNAVAILABLE,
        "Redis refused a part of the call, whether changes were made is unknown: " + what,
        first);
  }

  /** The error's first word, which Redis has for programs; the rest may quote what was sent. */
  static String kind(JedisDataException e) {
    String message = String.valueOf(e.getMessage());
    int space = message.indexOf(' ');
    return space < 0 ? message : message.substring(0, space);
  }

  private static boolean isForbidden(JedisDataException e) {
    // within a script it is said in other words
    return kind(e).equals("NOPERM")
        || String.valueOf(e.getMessage()).contains("The user executing the script");
  }

  private static boolean isFull(JedisDataException e) {
    String message = String.valueOf(e.getMessage());
    // within a script the word may come after 'ERR Error running script'
    return message.contains("OOM command not allowed")
        || (message.contains("MISCONF") && message.contains("No space left"));
  }

  /** Why the server's certificate is not taken; null when that is not what is wrong. */
  static @Nullable CertificateException untrusted(Throwable e) {
    for (Throwable t = e; t != null; t = t.getCause()) {
      if (t instanceof CertificateException found) {
        return found;
      }
    }
    return null;
  }

  /** Whether the pool of connections had none left. */
  static boolean isExhausted(Throwable e) {
    for (Throwable t = e; t != null; t = t.getCause()) {
      if (t instanceof NoSuchElementException) {
        return true;
      }
    }
    return false;
  }
}
