package dev.troupe.redis;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.resilience.RateLimiter;
import dev.troupe.state.Combiner;
import java.math.BigInteger;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.exceptions.JedisDataException;

/**
 * A rate limiter in Redis 6.2 or later: a script decides, at the server and on the server's clock,
 * in whole microseconds.
 *
 * <p>A call is one round trip, however many demands or settlements it has; calls of concurrent
 * callers ride together. Each group is decided on by itself, so when a call has several and the
 * server refuses one, the others may have been done. The keys of a group lie on one node of a
 * cluster, and leave by themselves within three minutes after nothing of them matters any more.
 *
 * <p>Time does not go back within a group, whatever the server's clock does. When it leaps ahead,
 * as much comes back as in that time. What was granted survives what the server survives: after a
 * fail-over that lost acknowledged writes, permits that were granted just before may be granted
 * again.
 *
 * <p>When no Redis answers, calls fail with {@link ErrorCode#STORE_UNAVAILABLE} after at most twice
 * the timeout, and with {@link ErrorCode#STORE_FULL} when it has no memory left: nothing of that
 * group was granted or settled then. Nothing is sent twice.
 *
 * <p>Safe for use by many threads. After an error the limiter stays usable and connects again by
 * itself.
 */
public final class RedisRateLimiter implements RateLimiter {
  /** So many lines in a script, so that nobody waits long for those before. */
  private static final int MOST_LINES = 1_000;

  private static final int LANES = 2;

  private final RedisConnection connection;
  private final RedisLink link;
  private final String prefix;
  private final long timeout;
  private final LongSupplier offset;
  private final String self = new BigInteger(96, new SecureRandom()).toString(36);
  private final AtomicLong scripts = new AtomicLong();
  private final List<Combiner<Work, Work>> lanes = new ArrayList<>();

  /** What one caller wants. */
  private static final class Work {
    final List<Demand> demands;
    final List<Settlement> settlements;
    final Decision[] decisions;
    final long since = System.nanoTime();
    @Nullable RuntimeException failure;

    Work(List<Demand> demands, List<Settlement> settlements) {
      this.demands = demands;
      this.settlements = settlements;
      this.decisions = new Decision[demands.size()];
    }

    int weight() {
      int weight = 0;
      for (Demand demand : demands) {
        weight += demand.lines().size();
      }
      for (Settlement settlement : settlements) {
        weight += settlement.reservation().demand().lines().size();
      }
      return weight;
    }
  }

  /** A group's script, and whose work is in it. */
  private record Script(RedisGroup group, List<Work> works) {}

  private RedisRateLimiter(Builder b, RedisLink link) {
    this.link = link;
    this.prefix = b.prefix;
    this.timeout = b.timeout.toNanos();
    this.offset = b.offset;
    byte[] meta = RedisNames.encode("{" + prefix + "}:limits");
    this.connection = new RedisConnection(link, b, RedisMeta.limiter(meta));
    for (int i = 0; i < LANES; i++) {
      lanes.add(new Combiner<>(this::serve, Work::weight, MOST_LINES));
    }
    connection.open();
  }

  /**
   * Opens a limiter with the defaults.
   *
   * @param uri such as {@code redis://host:6379}, {@code redis://user:password@host:6379/1}, or
   *     {@code rediss://} for TLS
   * @return the limiter
   * @throws AgentException as {@link Builder#open()}
   */
  public static RedisRateLimiter connect(String uri) {
    return builder().uri(uri).open();
  }

  /**
   * Starts with the defaults: {@code localhost:6379}, prefix {@code troupe}.
   *
   * @return a builder
   */
  public static Builder builder() {
    return new Builder();
  }

  @Override
  public List<Decision> reserve(List<Demand> demands) {
    demands.forEach(Demand::check);
    return Arrays.asList(done(new Work(List.copyOf(demands), List.of())).decisions);
  }

  @Override
  public void settle(List<Settlement> settlements) {
    done(new Work(List.of(), List.copyOf(settlements)));
  }

  /**
   * Closes the connections that this limiter made; a client that was given stays open. Calls that
   * come later fail with {@link ErrorCode#CLOSED}. May be called more than once, by any thread.
   */
  @Override
  public void close() {
    connection.close();
  }

  private Work done(Work work) {
    connection.ready();
    if (!work.demands.isEmpty() || !work.settlements.isEmpty()) {
      lanes.get((int) (Thread.currentThread().getId() % LANES)).ask(work);
    }
    RuntimeException failure = work.failure;
    if (failure != null) {
      throw failure;
    }
    return work;
  }

  // one thread at a time in each lane

  private List<Work> serve(List<Work> works) {
    Map<String, Script> open = new LinkedHashMap<>(4);
    for (Work work : works) {
      if (System.nanoTime() - work.since > timeout) {
        // those before have used up the time, and whoever waits shall not wait for ever
        work.failure =
            new AgentException(
                ErrorCode.STORE_UNAVAILABLE,
                "Redis did not answer those before in time, nothing was sent; see whether it runs"
                    + " and can be reached, or allow it more time (timeout)");
        continue;
      }
      for (Settlement settlement : work.settlements) {
        if (work.failure == null) {
          String group = settlement.reservation().demand().group();
          script(open, group, work).group.settle(settlement);
        }
      }
      // a long list stops at the first of its scripts that was not answered
      for (int i = 0; i < work.demands.size() && work.failure == null; i++) {
        Demand demand = work.demands.get(i);
        int place = i;
        script(open, demand.group(), work)
            .group
            .reserve(demand, decision -> work.decisions[place] = decision);
      }
    }
    send(open);
    return works;
  }

  /** The script of a group with room for more; what is full is sent before. */
  private Script script(Map<String, Script> open, String group, Work work) {
    Script script = open.get(group);
    if (script != null && script.group.weight() >= MOST_LINES) {
      send(open);
      open.clear();
      script = null;
    }
    if (script == null) {
      byte[] key = RedisNames.encode("{" + prefix + ":limit:" + group + "}");
      String id = self + "-" + Long.toString(scripts.incrementAndGet(), 36);
      script = new Script(new RedisGroup(key, id), new ArrayList<>());
      open.put(group, script);
    }
    script.works.add(work);
    return script;
  }

  private void send(Map<String, Script> open) {
    List<Script> some = open.values().stream().filter(s -> !s.group.isEmpty()).toList();
    if (some.isEmpty()) {
      return;
    }
    long moved = offset.getAsLong();
    try {
      if (some.size() == 1) {
        RedisGroup only = some.get(0).group;
        only.answered((byte[]) link.run(only.call(moved)));
        return;
      }
      List<@Nullable Object> answers =
          link.each(some.stream().map(s -> s.group.call(moved)).toList());
      for (int i = 0; i < some.size(); i++) {
        if (answers.get(i) instanceof JedisDataException error) {
          fail(some.get(i), RedisErrors.of(error));
        } else {
          some.get(i).group.answered((byte[]) answers.get(i));
        }
      }
    } catch (AgentException away) {
      some.forEach(script -> fail(script, away));
    }
  }

  private static void fail(Script script, AgentException why) {
    script.works.forEach(work -> work.failure = why);
  }

  /** How to open a limiter. Not safe for several threads. */
  public static final class Builder extends RedisBuilder<Builder> {
    private LongSupplier offset = () -> 0;

    private Builder() {}

    @Override
    Builder self() {
      return this;
    }

    /** For tests: by how many microseconds the server's clock is moved. */
    Builder offset(LongSupplier offset) {
      this.offset = offset;
      return this;
    }

    /**
     * Opens the limiter.
     *
     * @return the limiter
     * @throws AgentException {@link ErrorCode#STORE_UNAVAILABLE} when no Redis answers, {@link
     *     ErrorCode#INVALID_INPUT} when it refuses user or password, its certificate is not taken
     *     or sentinels do not know its name, {@link ErrorCode#STORE_MISMATCH} when it is older than
     *     6.2, may evict keys, allows no scripts, or has limits of another format under this
     *     prefix, {@link ErrorCode#STORE_FULL} when it has no memory left
     */
    public RedisRateLimiter open() {
      return open(link -> new RedisRateLimiter(this, link));
    }
  }
}
