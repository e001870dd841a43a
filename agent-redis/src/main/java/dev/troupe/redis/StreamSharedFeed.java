package dev.troupe.redis;

import dev.troupe.AgentException;
import dev.troupe.event.Delivery;
import dev.troupe.event.Delivery.Shard;
import dev.troupe.event.Settlement;
import dev.troupe.event.Subscription;
import dev.troupe.event.Subscription.Mode;
import dev.troupe.redis.RedisLink.Ask;
import dev.troupe.redis.RedisLink.Call;
import dev.troupe.redis.RedisLink.Command;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.CommandArguments;
import redis.clients.jedis.Protocol;
import redis.clients.jedis.exceptions.JedisDataException;

/**
 * A feed in mode SHARED: one of several consumers of a group. Beside each stream lies until when
 * each feed is taken to be there; who is not there any more settles nothing, and the others take
 * what it had.
 */
final class StreamSharedFeed extends StreamFeed {
  private static final int MOST = 500;
  private static final int MOST_AT_ONCE = 128;
  private static final int LOOK_PARTS = 10;
  private static final int PAGE = 1_000;
  private static final long LONGEST_LOOK = Duration.ofSeconds(1).toNanos();

  private final StreamWaiter waiter;
  private final String group;
  private final byte[] groupName;
  private final String feed = UUID.randomUUID().toString();
  private final long lease;
  private final Map<Shard, StreamShared> all = new LinkedHashMap<>();
  private final List<byte[]> logs = new ArrayList<>();
  private final StreamPace pace = new StreamPace();

  /** What came while this feed waited and was not handed out yet. */
  private final List<Delivery> arrived = new ArrayList<>();

  private volatile List<ShardState> states = List.of();
  private long nextLook = System.nanoTime();
  private long lastLooked;
  private boolean lookedBefore;
  private int wanted;
  private int turn = ThreadLocalRandom.current().nextInt(1_000);

  StreamSharedFeed(StreamParts parts, Subscription subscription) {
    super(parts, subscription);
    this.waiter = new StreamWaiter(parts.waiting());
    this.group = subscription.group();
    this.groupName = RedisNames.encode(group);
    this.lease = parts.lease().toNanos();
    addAll();
  }

  @Override
  void add(List<Shard> shards) {
    for (Shard shard : shards) {
      List<byte[]> keys = List.of(parts.keys().log(shard), parts.keys().feeds(shard, group));
      all.put(shard, new StreamShared(shard, keys, groupName, feed));
      logs.add(keys.get(0));
    }
  }

  @Override
  List<Delivery> round(int max) {
    for (Settlement settlement : settlements()) {
      StreamShared one = all.get(settlement.delivery().shard());
      if (one != null) {
        one.settle(settlement);
      }
    }
    for (StreamShared one : all.values()) {
      if (one.unsure()) {
        giveBackUnknown(one);
      }
    }
    List<Delivery> out = new ArrayList<>();
    wanted = max;
    if (max > 0 && !arrived.isEmpty()) {
      hand(out, max);
      if (!out.isEmpty()) {
        return out; // at once; all else is done when this is asked the next time
      }
    }
    try {
      ask(max == 0 ? 0 : pace.most(Math.min(max, MOST)), out);
    } catch (AgentException e) {
      if (out.isEmpty()) {
        throw e;
      }
    }
    pace.saw(out);
    note();
    return out;
  }

  private void hand(List<Delivery> out, int max) {
    List<Delivery> some = arrived.subList(0, Math.min(max, arrived.size()));
    for (Delivery one : some) {
      StreamShared of = all.get(one.shard());
      if (of != null && of.has(one)) {
        out.add(one);
      }
    }
    some.clear();
  }

  /** Says, settles, looks and reads wherever there is something to do, in one trip. */
  private void ask(int max, List<Delivery> out) {
    long now = System.nanoTime();
    boolean judge = looking(now);
    Round round = new Round(now, max);
    List<StreamShared> order = List.copyOf(all.values());
    turn = (turn + 1) % Math.max(1, order.size());
    int lookers = (int) order.stream().filter(StreamShared::looks).count();
    for (int i = 0; i < order.size(); i++) {
      StreamShared one = order.get((turn + i) % order.size());
      // half of the room is for what is new
      int some = lookers == 0 ? 0 : Math.min(round.room, Math.max(1, max / 2 / lookers));
      Call call = one.ask(max == 0 ? 0 : some, judge, now, lease);
      if (call != null) {
        round.room -= one.looks() && max > 0 ? some : 0;
        round.add(one, call, 0);
      }
    }
    List<StreamShared> ready = new ArrayList<>();
    for (int i = 0; i < order.size(); i++) {
      StreamShared one = order.get((turn + i) % order.size());
      if (one.ready() && one.known(now, lease)) {
        ready.add(one);
      }
    }
    int each = ready.isEmpty() ? 0 : Math.max(1, round.room / ready.size());
    for (StreamShared one : ready) {
      if (round.room >= each && round.room > 0) {
        round.room -= each;
        round.add(one, one.read(each), each);
      }
    }
    round.send(out);
  }

  /** Whether to judge who has gone; not after one could not ask oneself for a while. */
  private boolean looking(long now) {
    if (now - nextLook >= 0) {
      all.values().forEach(StreamShared::look);
      nextLook = now + Math.min(LONGEST_LOOK, lease / LOOK_PARTS);
    }
    boolean judge = !lookedBefore || now - lastLooked < lease / 2;
    lookedBefore = true;
    lastLooked = now;
    return judge;
  }

  /** What is sent together. */
  private final class Round {
    final long now;
    int room;
    final List<StreamShared> about = new ArrayList<>();
    final List<Ask> asks = new ArrayList<>();
    final List<Integer> reads = new ArrayList<>();

    Round(long now, int room) {
      this.now = now;
      this.room = room;
    }

    void add(StreamShared one, Ask ask, int most) {
      about.add(one);
      asks.add(ask);
      reads.add(most);
    }

    void send(List<Delivery> out) {
      if (asks.isEmpty()) {
        return;
      }
      List<@Nullable Object> answers;
      try {
        answers = parts.link().each(asks);
      } catch (AgentException e) {
        about.forEach(StreamShared::doubt);
        throw e;
      }
      @Nullable JedisDataException failure = null;
      for (int i = 0; i < asks.size(); i++) {
        StreamShared one = about.get(i);
        if (answers.get(i) instanceof JedisDataException e) {
          failure = e;
          one.doubt();
          if (StreamErrors.isGone(e)) {
            parts.topics().restore(one.shard, group, Mode.SHARED);
          }
        } else if (reads.get(i) == 0) {
          byte[] before = one.me();
          one.answered((List<?>) answers.get(i), out);
          if (!Arrays.equals(before, one.me())) {
            arrived.removeIf(delivery -> delivery.shard().equals(one.shard)); // others have it
          }
          parts.trimmer().changed(one.shard, one.entriesSettled());
        } else {
          one.came(answers.get(i), reads.get(i), out);
        }
      }
      if (System.nanoTime() - now > lease / 2) {
        out.forEach(StreamSharedFeed.this::giveBack); // by now others may have it
        out.clear();
      }
      parts.trimmer().trimSome();
      if (failure != null) {
        throw RedisErrors.of(failure);
      }
    }
  }

  private void giveBack(Delivery delivery) {
    StreamShared one = all.get(delivery.shard());
    if (one != null) {
      one.settle(new Settlement.Again(delivery));
    }
  }

  /** After an answer was lost, this feed may have what it does not know of. */
  private void giveBackUnknown(StreamShared one) {
    String after = "0-0";
    while (after != null) {
      Object page = parts.link().each(List.of(one.pending(after, PAGE))).get(0);
      if (page instanceof JedisDataException e && StreamErrors.isGone(e)) {
        parts.topics().restore(one.shard, group, Mode.SHARED);
        page = List.of();
      }
      after = one.found(StreamAnswers.list(page), PAGE);
    }
  }

  @Override
  void await(long nanos) {
    if (all.isEmpty()) {
      LockSupport.parkNanos(this, Math.min(nanos, NOTHING_READ));
      return;
    }
    List<StreamShared> order = List.copyOf(all.values());
    List<Ask> asks = new ArrayList<>();
    List<StreamShared> asked = new ArrayList<>();
    for (StreamShared one : order) {
      if (one.ready() || one.looks()) {
        return;
      }
      if (one.waitFrom() == null) {
        asked.add(one);
        asks.add(
            new Command(new CommandArguments(Protocol.Command.XINFO).add("GROUPS").key(one.log())));
      }
    }
    if (!asks.isEmpty()) {
      List<@Nullable Object> answers = parts.link().each(asks);
      for (int i = 0; i < asked.size(); i++) {
        List<?> groups = StreamAnswers.list(answers.get(i));
        String last = StreamAnswers.lastDelivered(groups, group);
        asked.get(i).waitFrom(last == null ? "0-0" : last);
        asked.get(i).lag(StreamAnswers.lag(groups, group));
      }
    }
    if (mayTake(order)) {
      take(order, nanos);
      return;
    }
    List<String> ids = new ArrayList<>();
    for (StreamShared one : order) {
      String from = one.waitFrom();
      ids.add(from == null ? "0-0" : from);
    }
    long untilLook = Math.max(1_000_000, nextLook - System.nanoTime());
    List<List<?>> came = waiter.read(logs, ids, 1, Math.min(nanos, untilLook));
    for (int i = 0; i < order.size(); i++) {
      if (!came.get(i).isEmpty()) {
        order.get(i).wake();
      }
    }
  }

  /** Whether this feed may take from all shards in one call. */
  private boolean mayTake(List<StreamShared> order) {
    long now = System.nanoTime();
    byte[] me = order.get(0).me();
    boolean may = waiter.takes() && wanted >= order.size();
    for (StreamShared one : order) {
      may &= one.known(now, lease) && Arrays.equals(one.me(), me);
    }
    return may;
  }

  /** Waits in the very call that takes what is new, so that it need not be fetched then. */
  private void take(List<StreamShared> order, long nanos) {
    long sent = System.nanoTime();
    long most = Math.min(Math.min(nanos, lease / 4), Math.max(1_000_000, nextLook - sent));
    int each = Math.max(1, pace.most(Math.min(wanted, MOST_AT_ONCE)) / order.size());
    List<List<?>> came;
    try {
      came = waiter.take(logs, groupName, order.get(0).me(), each, most);
    } catch (AgentException e) {
      order.forEach(StreamShared::doubt);
      throw e;
    }
    if (came.isEmpty()) {
      order.forEach(StreamShared::wake);
      return;
    }
    for (int i = 0; i < order.size(); i++) {
      if (!came.get(i).isEmpty()) {
        order.get(i).came(came.get(i), each, arrived);
      }
    }
    pace.saw(arrived);
    if (System.nanoTime() - sent > lease / 2) {
      arrived.forEach(this::giveBack); // by now others may have it
      arrived.clear();
    }
  }

  @Override
  void leave() {
    for (Settlement settlement : settlements()) {
      StreamShared one = all.get(settlement.delivery().shard());
      if (one != null) {
        one.settle(settlement);
      }
    }
    List<Call> calls = new ArrayList<>();
    all.values().forEach(one -> calls.add(one.leave()));
    parts.link().each(calls);
    states = List.of();
  }

  private void note() {
    List<ShardState> now = new ArrayList<>(all.size());
    all.values().forEach(one -> now.add(one.state()));
    states = now;
  }

  @Override
  public List<ShardState> shards() {
    return states;
  }
}
