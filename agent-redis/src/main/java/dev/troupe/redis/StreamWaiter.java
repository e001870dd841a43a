package dev.troupe.redis;

import dev.troupe.redis.RedisLink.Ask;
import dev.troupe.redis.RedisLink.Call;
import dev.troupe.redis.RedisLink.Command;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.CommandArguments;
import redis.clients.jedis.Protocol;
import redis.clients.jedis.exceptions.JedisDataException;

/**
 * Reads streams without a group, and waits for something to come. Over a cluster, which refuses to
 * read several shards at once, it looks every few milliseconds instead. For one feed.
 */
final class StreamWaiter {
  /** A wait is cut into pieces, so that it ends when its thread is interrupted. */
  static final long PIECE_MILLIS = 100;

  private static final byte[] NEW = RedisNames.ascii(">");
  private static final long SHORTEST_NANOS = 2_000_000;
  private static final long LONGEST_NANOS = 50_000_000;

  private final RedisLink link;
  private boolean apart;
  private long idle = SHORTEST_NANOS;

  StreamWaiter(RedisLink link) {
    this.link = link;
    this.apart = link.clustered();
  }

  /**
   * What lies in streams behind ids.
   *
   * @param most so many entries of each
   * @param nanos how long to wait when there is none
   * @return for each stream its entries; empty where there are none
   */
  List<List<?>> read(List<byte[]> logs, List<String> ids, int most, long nanos) {
    if (!apart) {
      long millis = Math.min(PIECE_MILLIS, nanos / 1_000_000);
      Object answer = link.each(List.of(together(logs, ids, most, millis))).get(0);
      apart = answer instanceof JedisDataException e && RedisErrors.kind(e).equals("CROSSSLOT");
      if (!apart) {
        return sorted(logs, StreamAnswers.list(answer));
      }
    }
    return apart(logs, ids, most, nanos);
  }

  private static Ask together(List<byte[]> logs, List<String> ids, int most, long millis) {
    return new Command(rest(new CommandArguments(Protocol.Command.XREAD), logs, ids, most, millis));
  }

  private static CommandArguments rest(
      CommandArguments words, List<byte[]> logs, List<?> ids, int most, long millis) {
    words.add("COUNT").add(most);
    if (millis > 0) {
      words.add("BLOCK").add(millis);
    }
    words.add("STREAMS");
    logs.forEach(words::key);
    ids.forEach(words::add);
    return words;
  }

  /** Whether {@link #take} and {@link #then} may be asked. */
  boolean takes() {
    return !apart;
  }

  /**
   * Takes what is new for a consumer of a group, as soon as there is any, or after a while nothing.
   *
   * @param most so many entries of each
   * @param nanos how long to wait when there is none
   * @return for each stream its entries; nothing at all when some stream or group is not there, or
   *     the server can't do this for all together
   */
  List<List<?>> take(List<byte[]> logs, byte[] group, byte[] consumer, int most, long nanos) {
    CommandArguments words =
        new CommandArguments(Protocol.Command.XREADGROUP).add("GROUP").add(group).add(consumer);
    long millis = Math.max(1, Math.min(PIECE_MILLIS, nanos / 1_000_000));
    List<byte[]> news = Collections.nCopies(logs.size(), NEW);
    Object answer = link.each(List.of(new Command(rest(words, logs, news, most, millis)))).get(0);
    if (answer instanceof JedisDataException e) {
      apart = RedisErrors.kind(e).equals("CROSSSLOT");
      if (apart || StreamErrors.isGone(e)) {
        return List.of();
      }
    }
    return sorted(logs, StreamAnswers.list(answer));
  }

  /**
   * Waits until something lies in streams behind ids, or a while, and then runs a script, in one
   * trip. Only when {@link #takes}.
   *
   * @param nanos how long to wait
   * @return what the script has answered; null when the server can't do this for all together
   */
  @Nullable Object then(List<byte[]> logs, List<String> ids, long nanos, Call script) {
    long millis = Math.max(1, Math.min(PIECE_MILLIS, nanos / 1_000_000));
    List<@Nullable Object> answers = link.each(List.of(together(logs, ids, 1, millis), script));
    apart =
        answers.get(0) instanceof JedisDataException e && RedisErrors.kind(e).equals("CROSSSLOT");
    return apart ? null : answers.get(1);
  }

  private List<List<?>> apart(List<byte[]> logs, List<String> ids, int most, long nanos) {
    List<Ask> asks = new ArrayList<>(logs.size());
    for (int i = 0; i < logs.size(); i++) {
      asks.add(together(logs.subList(i, i + 1), ids.subList(i, i + 1), most, 0));
    }
    List<List<?>> all = new ArrayList<>(logs.size());
    boolean some = false;
    for (Object answer : link.each(asks)) {
      List<?> parts = StreamAnswers.list(answer);
      List<?> entries = parts.isEmpty() ? List.of() : StreamAnswers.entries(parts.get(0));
      some |= !entries.isEmpty();
      all.add(entries);
    }
    if (some) {
      idle = SHORTEST_NANOS;
    } else if (nanos > 0) {
      LockSupport.parkNanos(this, Math.min(nanos, idle));
      idle = Math.min(LONGEST_NANOS, idle * 2);
    }
    return all;
  }

  /** Puts what came beside the streams that were asked about. */
  private static List<List<?>> sorted(List<byte[]> logs, List<?> streams) {
    List<List<?>> all = new ArrayList<>(logs.size());
    int next = 0;
    for (byte[] log : logs) {
      // the answer has them in the order of the question, without those that have nothing
      boolean here =
          next < streams.size() && Arrays.equals(log, StreamAnswers.stream(streams.get(next)));
      all.add(here ? StreamAnswers.entries(streams.get(next++)) : List.of());
    }
    return all;
  }

  /** The last id of each stream, {@code 0-0} where there is none. */
  List<String> ends(List<byte[]> logs) {
    List<Ask> asks = new ArrayList<>(logs.size());
    for (byte[] log : logs) {
      asks.add(
          new Command(
              new CommandArguments(Protocol.Command.XREVRANGE)
                  .key(log)
                  .add("+")
                  .add("-")
                  .add("COUNT")
                  .add(1)));
    }
    List<String> ends = new ArrayList<>(logs.size());
    for (Object answer : link.each(asks)) {
      List<?> entries = StreamAnswers.list(answer);
      ends.add(entries.isEmpty() ? "0-0" : StreamEntry.id((List<?>) entries.get(0)));
    }
    return ends;
  }
}
