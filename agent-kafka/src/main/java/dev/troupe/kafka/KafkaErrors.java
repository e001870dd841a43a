package dev.troupe.kafka;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.errors.ApiException;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.GroupAuthorizationException;
import org.apache.kafka.common.errors.GroupIdNotFoundException;
import org.apache.kafka.common.errors.InconsistentGroupProtocolException;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.errors.UnsupportedVersionException;
import org.jspecify.annotations.Nullable;

/** What errors of Kafka's client mean to a caller. */
final class KafkaErrors {
  private static final Pattern SETTING = Pattern.compile("configuration ([a-z0-9.]+)");

  private KafkaErrors() {}

  static ErrorCode code(Throwable error) {
    if (caused(error, UnknownTopicOrPartitionException.class)
        || caused(error, InvalidTopicException.class)) {
      return ErrorCode.TOPIC_NOT_FOUND;
    }
    if (error instanceof RecordTooLargeException) {
      return ErrorCode.LIMIT_EXCEEDED;
    }
    boolean refused =
        error instanceof AuthorizationException
            || error instanceof ConfigException
            || error instanceof AuthenticationException
            || error instanceof UnsupportedVersionException
            || ofAnotherKind(error);
    return refused ? ErrorCode.INVALID_INPUT : ErrorCode.TRANSPORT_UNAVAILABLE;
  }

  private static boolean ofAnotherKind(Throwable error) {
    return error instanceof GroupIdNotFoundException
        || error instanceof InconsistentGroupProtocolException;
  }

  private static boolean caused(Throwable error, Class<? extends Throwable> type) {
    for (Throwable one = error; one != null; one = one.getCause()) {
      if (type.isInstance(one)) {
        return true;
      }
    }
    return false;
  }

  /** What to do about it, in the words of a message. */
  static String advice(Throwable error) {
    if (error instanceof TopicAuthorizationException) {
      return "access to the topic is denied; allow the client's principal to Read, Write and"
          + " Describe it, by an ACL";
    } else if (error instanceof GroupAuthorizationException) {
      return "access to the group is denied; allow the client's principal to Read it, by an ACL";
    } else if (error instanceof AuthorizationException) {
      return "access is denied; allow the client's principal what it lacks ("
          + error.getClass().getSimpleName()
          + ")";
    } else if (error instanceof AuthenticationException) {
      return "the brokers don't accept the client; look at security.protocol, sasl.* and ssl.*";
    } else if (code(error) == ErrorCode.TOPIC_NOT_FOUND) {
      return "the topic does not exist; create it, or call prepare with create";
    }
    if (ofAnotherKind(error)) {
      return "a group of this name is a group of another kind in Kafka; use another name, or delete"
          + " that one there";
    }
    if (error instanceof ConfigException) {
      return "Kafka's client refuses its settings: look at " + setting(error);
    }
    return "Kafka says " + error.getClass().getSimpleName() + " (" + firstLine(error) + ")";
  }

  /** Messages of errors about requests name no setting's value; of others only the type is told. */
  private static String firstLine(Throwable error) {
    String message = error instanceof ApiException ? error.getMessage() : null;
    return message == null ? "no more is known" : message.lines().findFirst().orElse("");
  }

  /** The setting that an error is about, without its value. */
  static String setting(Throwable error) {
    Matcher named = SETTING.matcher(String.valueOf(error.getMessage()));
    return error instanceof ConfigException && named.find()
        ? named.group(1)
        : "bootstrap.servers, security.protocol, sasl.* and ssl.*";
  }

  static AgentException of(String what, Throwable error) {
    return new AgentException(code(error), what + ": " + advice(error), error);
  }

  /**
   * Waits for an answer.
   *
   * @throws KafkaException the answer, when it is an error; also when the time is over or the
   *     thread was interrupted, which it then still is
   */
  static <T> T await(KafkaFuture<T> answer, Duration atMost) {
    return await((Future<T>) answer, atMost);
  }

  static <T> T await(Future<T> answer, Duration atMost) {
    try {
      return answer.get(Math.max(0, atMost.toNanos()), TimeUnit.NANOSECONDS);
    } catch (ExecutionException e) {
      throw kafka(e.getCause());
    } catch (java.util.concurrent.TimeoutException e) {
      throw new TimeoutException("no answer in " + atMost.toMillis() + " ms");
    } catch (InterruptedException e) {
      throw new InterruptException(e);
    }
  }

  private static KafkaException kafka(@Nullable Throwable cause) {
    return cause instanceof KafkaException known ? known : new KafkaException(cause);
  }
}
