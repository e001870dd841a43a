package dev.troupe.redis;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.AbstractPipeline;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.Response;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.exceptions.JedisConnectionException;
import redis.clients.jedis.exceptions.JedisDataException;
import redis.clients.jedis.exceptions.JedisException;
import redis.clients.jedis.exceptions.JedisNoScriptException;

/**
 * Sends scripts and plain commands, several in one round trip. Sends again only what Redis did not
 * run because it did not know the script; never what may have been run.
 *
 * <p>Safe for use by many threads.
 */
final class RedisLink implements AutoCloseable {
  private final UnifiedJedis client;
  private final boolean owned;

  /** A script with its keys and arguments. */
  record Call(RedisScript script, List<byte[]> keys, List<byte[]> arguments) {}

  RedisLink(UnifiedJedis client, boolean owned) {
    this.client = client;
    this.owned = owned;
  }

  /** For what is done once, before all else. */
  UnifiedJedis client() {
    return client;
  }

  /** The answer of one script. */
  Object run(Call call) {
    return with(
        c -> {
          try {
            return c.evalsha(call.script.sha, call.keys, call.arguments);
          } catch (JedisNoScriptException e) {
            return c.eval(call.script.body, call.keys, call.arguments);
          }
        });
  }

  /** The answers of scripts that do not depend on each other, in order and in one round trip. */
  List<Object> run(List<Call> calls) {
    if (calls.size() == 1) {
      return List.of(run(calls.get(0)));
    }
    List<Object> answers = each(calls);
    List<JedisDataException> errors =
        answers.stream()
            .filter(JedisDataException.class::isInstance)
            .map(JedisDataException.class::cast)
            .toList();
    if (!errors.isEmpty()) {
      throw RedisErrors.of(errors, calls.size());
    }
    return answers;
  }

  /**
   * As {@link #run(List)}, with the error of each script that failed in the place of its answer.
   */
  List<Object> each(List<Call> calls) {
    List<Object> answers =
        answers(calls, (pipeline, c) -> pipeline.evalsha(c.script.sha, c.keys, c.arguments));
    List<Integer> unknown = new ArrayList<>();
    for (int i = 0; i < calls.size(); i++) {
      if (answers.get(i) instanceof JedisNoScriptException) {
        unknown.add(i);
      }
    }
    if (!unknown.isEmpty()) {
      List<Object> again =
          answers(
              unknown.stream().map(calls::get).toList(),
              (pipeline, c) -> pipeline.eval(c.script.body, c.keys, c.arguments));
      for (int i = 0; i < unknown.size(); i++) {
        answers.set(unknown.get(i), again.get(i));
      }
    }
    answers.stream()
        .filter(JedisDataException.class::isInstance)
        .forEach(error -> leave((JedisDataException) error));
    return answers;
  }

  /**
   * Plain commands in one round trip.
   *
   * @param work sends them and says how to make a result of their answers
   */
  <T> T trip(Function<AbstractPipeline, Supplier<T>> work) {
    return with(
        c -> {
          Supplier<T> result;
          try (AbstractPipeline pipeline = c.pipelined()) {
            result = work.apply(pipeline);
            pipeline.sync();
          }
          return result.get();
        });
  }

  private List<Object> answers(
      List<Call> calls, BiFunction<AbstractPipeline, Call, Response<Object>> sending) {
    List<Response<Object>> responses =
        with(
            c -> {
              List<Response<Object>> all = new ArrayList<>(calls.size());
              try (AbstractPipeline pipeline = c.pipelined()) {
                for (Call call : calls) {
                  all.add(sending.apply(pipeline, call));
                }
                pipeline.sync();
              }
              return all;
            });
    List<Object> answers = new ArrayList<>(calls.size());
    for (Response<Object> response : responses) {
      try {
        answers.add(response.get());
      } catch (JedisDataException e) {
        answers.add(e);
      }
    }
    return answers;
  }

  /** Whatever else the client can do, with its errors told in our words. */
  <T> T with(Function<UnifiedJedis, T> work) {
    // an interrupted thread gets no connection from the pool, but whoever changes a store waits
    boolean interrupted = Thread.interrupted();
    try {
      return work.apply(client);
    } catch (JedisDataException e) {
      leave(e);
      throw RedisErrors.of(e);
    } catch (JedisConnectionException e) {
      dropIdle();
      throw unanswered(e);
    } catch (JedisException e) {
      throw unanswered(e);
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** A server that became a replica stays one: the address may lead to another by now. */
  private void leave(JedisDataException e) {
    if (String.valueOf(e.getMessage()).contains("READONLY")) {
      dropIdle();
    }
  }

  /** After a broken connection the others of the pool are most likely broken too. */
  private void dropIdle() {
    if (owned && client instanceof RedisClient pooled) {
      pooled.getPool().clear();
    }
  }

  static AgentException unanswered(JedisException e) {
    return RedisErrors.isExhausted(e)
        ? new AgentException(
            ErrorCode.STORE_UNAVAILABLE,
            "all connections to Redis are in use; nothing was sent; allow more (connections)",
            e)
        : new AgentException(
            ErrorCode.STORE_UNAVAILABLE,
            "Redis did not answer, whether the changes were made is unknown: "
                + firstLine(e.getMessage()),
            e);
  }

  private static String firstLine(@Nullable String text) {
    return text == null ? "no reason given" : text.lines().findFirst().orElse("");
  }

  @Override
  public void close() {
    if (owned) {
      client.close();
    }
  }
}
