package dev.troupe.redis;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.AbstractPipeline;
import redis.clients.jedis.BuilderFactory;
import redis.clients.jedis.CommandArguments;
import redis.clients.jedis.CommandObject;
import redis.clients.jedis.JedisCluster;
import redis.clients.jedis.Protocol;
import redis.clients.jedis.RedisClusterClient;
import redis.clients.jedis.Response;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.args.Rawable;
import redis.clients.jedis.exceptions.JedisConnectionException;
import redis.clients.jedis.exceptions.JedisDataException;
import redis.clients.jedis.exceptions.JedisException;
import redis.clients.jedis.exceptions.JedisNoScriptException;
import redis.clients.jedis.exceptions.JedisRedirectionException;

/**
 * Sends scripts and plain commands, several in one round trip. Sends again only what Redis did not
 * run because it did not know the script; never what may have been run.
 *
 * <p>Safe for use by many threads.
 */
final class RedisLink implements AutoCloseable {
  private static final long WARY_NANOS = 2_000_000_000;
  private static final Command MULTI = new Command(new CommandArguments(Protocol.Command.MULTI));
  private static final Command EXEC = new Command(new CommandArguments(Protocol.Command.EXEC));

  private final UnifiedJedis client;
  private final boolean owned;

  /** After a broken connection the others of the pool are most likely broken too. */
  private final Runnable dropIdle;

  private final boolean clustered;

  /** When a call was last not answered; 0 for never. */
  private volatile long failed;

  /** Something to send that does not depend on an answer. */
  sealed interface Ask {}

  /** A script with its keys and arguments. */
  record Call(RedisScript script, List<byte[]> keys, List<byte[]> arguments) implements Ask {}

  /** A plain command, whose words say which of them is a key. */
  record Command(CommandArguments words) implements Ask {
    CommandObject<Object> object() {
      return new CommandObject<>(words, BuilderFactory.RAW_OBJECT);
    }

    /** A command whose first word is a key. */
    static Command of(Protocol.Command name, byte[] key, Object... words) {
      return new Command(new CommandArguments(name).key(key).addObjects(words));
    }

    /** The same by a script, as clients of clusters take it in all versions. */
    Call scripted() {
      byte[] key = bytes(words.getKeys().get(0));
      List<byte[]> all = new ArrayList<>();
      int at = 0;
      for (Rawable word : words) {
        if (at == 0 && Arrays.equals(word.getRaw(), key)) {
          at = all.size() + 1;
        } else {
          all.add(word.getRaw());
        }
      }
      all.add(0, RedisNames.ascii(Integer.toString(at)));
      return new Call(RedisScript.PLAIN, List.of(key), all);
    }

    private static byte[] bytes(Object key) {
      return key instanceof byte[] raw ? raw : RedisNames.encode(key.toString());
    }
  }

  private RedisLink(UnifiedJedis client, boolean owned, Runnable dropIdle) {
    this.client = client;
    this.owned = owned;
    this.dropIdle = dropIdle;
    this.clustered = isClustered(client);
  }

  /** By a client of the host program's, which is not closed. */
  static RedisLink over(UnifiedJedis client) {
    return new RedisLink(client, false, () -> {});
  }

  /**
   * By a client of its own.
   *
   * @param dropIdle drops the connections that nobody uses
   */
  static RedisLink owning(UnifiedJedis client, Runnable dropIdle) {
    return new RedisLink(client, true, dropIdle);
  }

  @SuppressWarnings("deprecation") // hosts may still have the older client
  private static boolean isClustered(UnifiedJedis client) {
    return client instanceof RedisClusterClient || client instanceof JedisCluster;
  }

  /** Whether the client is one for a cluster, which sends nothing about several shards at once. */
  boolean clustered() {
    return clustered;
  }

  /** For what is done once, before all else. */
  UnifiedJedis client() {
    return client;
  }

  /** The answer of one script. */
  Object run(Call call) {
    return with(c -> alone(c, call));
  }

  private static Object alone(UnifiedJedis c, Ask ask) {
    if (ask instanceof Call call) {
      try {
        return c.evalsha(call.script.sha, call.keys, call.arguments);
      } catch (JedisNoScriptException e) {
        return c.eval(call.script.body, call.keys, call.arguments);
      }
    }
    return c.executeCommand(((Command) ask).object());
  }

  /** The answers of scripts that do not depend on each other, in order and in one round trip. */
  List<Object> run(List<Call> calls) {
    if (calls.size() == 1) {
      return List.of(run(calls.get(0)));
    }
    List<Object> answers = new ArrayList<>(calls.size());
    List<JedisDataException> errors = new ArrayList<>();
    for (Object answer : each(calls)) {
      if (answer instanceof JedisDataException e) {
        errors.add(e);
      } else {
        answers.add(Objects.requireNonNull(answer, "every script answers"));
      }
    }
    if (!errors.isEmpty()) {
      throw RedisErrors.of(errors, calls.size());
    }
    return answers;
  }

  /**
   * As {@link #run(List)}, but what Redis refused has its {@link JedisDataException} in its place.
   * What another node of a cluster has is asked for there.
   */
  List<@Nullable Object> each(List<? extends Ask> some) {
    if (some.isEmpty()) {
      return new ArrayList<>();
    }
    List<Ask> asks = new ArrayList<>(some.size());
    for (Ask ask : some) {
      asks.add(clustered && ask instanceof Command command ? command.scripted() : ask);
    }
    List<@Nullable Object> answers = new ArrayList<>(asks.size());
    if (asks.size() == 1 || (clustered && isWary())) {
      asks.forEach(ask -> answers.add(with(c -> tried(() -> alone(c, ask)))));
    } else {
      answers.addAll(with(c -> pipelined(c, asks, false)));
      again(
          asks,
          answers,
          JedisNoScriptException.class,
          unknown -> with(c -> pipelined(c, unknown, true)));
      again(
          asks,
          answers,
          JedisRedirectionException.class,
          moved -> moved.stream().map(ask -> with(c -> tried(() -> alone(c, ask)))).toList());
    }
    for (Object answer : answers) {
      if (answer instanceof JedisDataException e) {
        leave(e);
      }
    }
    return answers;
  }

  /** Asks once more for what was answered in a way that says that nothing was done. */
  private static void again(
      List<Ask> asks,
      List<@Nullable Object> answers,
      Class<? extends JedisDataException> answered,
      Function<List<Ask>, List<@Nullable Object>> asking) {
    List<Integer> places = new ArrayList<>();
    List<Ask> some = new ArrayList<>();
    for (int i = 0; i < asks.size(); i++) {
      if (answered.isInstance(answers.get(i))) {
        places.add(i);
        some.add(asks.get(i));
      }
    }
    if (!some.isEmpty()) {
      List<@Nullable Object> better = asking.apply(some);
      for (int i = 0; i < places.size(); i++) {
        answers.set(places.get(i), better.get(i));
      }
    }
  }

  /** As {@link #each}, and throws what Redis refused. For what only reads. */
  List<Object> all(List<? extends Ask> asks) {
    List<Object> answers = new ArrayList<>(asks.size());
    for (Object answer : each(asks)) {
      if (answer instanceof JedisDataException e) {
        throw RedisErrors.of(e);
      }
      answers.add(Objects.requireNonNull(answer, "every such command answers"));
    }
    return answers;
  }

  private static Object tried(Supplier<Object> answer) {
    try {
      return answer.get();
    } catch (JedisDataException e) {
      return e;
    }
  }

  /**
   * Plain commands that are done one behind the other and at one moment, or not at all when the
   * server takes one of them not; in one round trip, not over a cluster. What fails when it is done
   * has its error in its place.
   */
  List<Object> together(List<Command> commands) {
    return with(
        c -> {
          List<Response<Object>> queued = new ArrayList<>(commands.size());
          Response<Object> done;
          try (AbstractPipeline pipeline = c.pipelined()) {
            pipeline.executeCommand(MULTI.object());
            commands.forEach(one -> queued.add(pipeline.executeCommand(one.object())));
            done = pipeline.executeCommand(EXEC.object());
            pipeline.sync();
          }
          queued.forEach(Response::get); // the error that says why, rather than EXECABORT
          List<Object> answers = new ArrayList<>(commands.size());
          answers.addAll((List<?>) done.get());
          return answers;
        });
  }

  private List<@Nullable Object> pipelined(
      UnifiedJedis c, List<? extends Ask> asks, boolean whole) {
    List<Response<Object>> responses = new ArrayList<>(asks.size());
    List<@Nullable Object> answers = new ArrayList<>(asks.size());
    try {
      try (AbstractPipeline pipeline = c.pipelined()) {
        for (Ask ask : asks) {
          responses.add(append(pipeline, ask, whole));
        }
        pipeline.sync();
      }
      responses.forEach(response -> answers.add(tried(response)));
    } catch (JedisException | AgentException e) {
      throw e;
    } catch (RuntimeException e) {
      if (!clustered) {
        throw e;
      }
      // when a node has gone, the client's pipeline leaves holes and stumbles over them
      throw new JedisConnectionException("a node of the cluster does not answer", e);
    }
    return answers;
  }

  private static Response<Object> append(AbstractPipeline pipeline, Ask ask, boolean whole) {
    if (ask instanceof Call call) {
      return whole
          ? pipeline.eval(call.script.body, call.keys, call.arguments)
          : pipeline.evalsha(call.script.sha, call.keys, call.arguments);
    }
    return pipeline.executeCommand(((Command) ask).object());
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
      failed = System.nanoTime();
      dropIdle.run();
      throw unanswered(e);
    } catch (JedisException e) {
      failed = RedisErrors.isExhausted(e) ? failed : System.nanoTime();
      throw unanswered(e);
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /**
   * Whether a node of a cluster has failed of late. Pipelines go by what the client knew of the
   * cluster and do not learn; what is sent alone finds out who has the keys now.
   */
  private boolean isWary() {
    long when = failed;
    return when != 0 && System.nanoTime() - when < WARY_NANOS;
  }

  /** A server that became a replica stays one: the address may lead to another by now. */
  private void leave(JedisDataException e) {
    if (String.valueOf(e.getMessage()).contains("READONLY")) {
      dropIdle.run();
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
            "Redis did not answer, whether the changes were made is unknown; see whether it runs"
                + " and can be reached, or allow it more time (timeout): "
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
