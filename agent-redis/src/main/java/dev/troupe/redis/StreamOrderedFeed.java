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
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.CommandArguments;
import redis.clients.jedis.Protocol;
import redis.clients.jedis.exceptions.JedisDataException;

/**
 * A feed in mode ORDERED: owns a share of the shards, each under a lease beside its stream. A round
 * renews, settles and reads by one script for each shard, all in one trip; the script checks the
 * grant, so an owner that was replaced changes nothing.
 */
final class StreamOrderedFeed extends StreamFeed {
  private static final int MOST = 256;
  private static final int LEAST = 16;
  private static final int TEND_PARTS = 10;
  private static final long LONGEST_TEND = Duration.ofSeconds(1).toNanos();

  private final StreamWaiter waiter;
  private final Listener listener;
  private final Duration lease;
  private final String group;
  private final byte[] groupName;
  private final Map<String, List<Shard>> topics = new LinkedHashMap<>();
  private final String member = UUID.randomUUID().toString();
  private final Map<Shard, StreamOwned> owned = new LinkedHashMap<>();
  private final StreamPace pace = new StreamPace();
  private volatile List<ShardState> states = List.of();
  private long nextTend = System.nanoTime();
  private long lastTended;
  private boolean tendedBefore;
  private int wanted;
  private int turn;

  /** Whether something came while this feed waited. */
  private boolean arrived;

  StreamOrderedFeed(StreamParts parts, Subscription subscription, Listener listener) {
    super(parts, subscription);
    this.waiter = new StreamWaiter(parts.waiting());
    this.lease = parts.lease();
    this.group = subscription.group();
    this.groupName = RedisNames.encode(group);
    this.listener = listener;
    addAll();
  }

  @Override
  void add(List<Shard> shards) {
    topics.put(shards.get(0).topic(), shards);
    nextTend = System.nanoTime();
  }

  @Override
  List<Delivery> round(int max) {
    settleAll();
    wanted = max;
    List<Delivery> out = new ArrayList<>();
    if (arrived) {
      arrived = false;
      hand(out, max);
      if (!out.isEmpty()) {
        return out; // at once; all else is done when this is asked the next time
      }
    }
    if (System.nanoTime() - nextTend >= 0) {
      tend();
    }
    hand(out, max);
    try {
      ask(max - out.size(), out);
      hand(out, max);
    } catch (AgentException e) {
      if (out.isEmpty()) {
        throw e; // else the next round meets it, and what is out is not lost
      }
    }
    note();
    return out;
  }

  private void settleAll() {
    for (Settlement settlement : settlements()) {
      StreamOwned one = owned.get(settlement.delivery().shard());
      if (one != null) {
        one.settle(settlement);
      }
    }
  }

  private void hand(List<Delivery> out, int max) {
    if (out.size() >= max || owned.isEmpty()) {
      return;
    }
    List<StreamOwned> all = List.copyOf(owned.values());
    turn = (turn + 1) % all.size();
    long now = System.nanoTime();
    for (int i = 0; i < all.size() && out.size() < max; i++) {
      StreamOwned one = all.get((turn + i) % all.size());
      if (one.sure(now, lease)) {
        int before = out.size();
        one.hand(out, max);
        pace.saw(out.subList(before, out.size()));
      }
    }
  }

  /** Renews, settles and reads wherever there is something to do, in one trip. */
  private void ask(int wanted, List<Delivery> out) {
    long now = System.nanoTime();
    int most = pace.most(Math.max(LEAST, Math.min(MOST, wanted)));
    List<StreamOwned> asked = new ArrayList<>();
    List<Call> calls = new ArrayList<>();
    for (StreamOwned one : owned.values()) {
      Call call = one.ask(wanted > 0, most, now, lease);
      if (call != null) {
        asked.add(one);
        calls.add(call);
      }
    }
    if (asked.isEmpty()) {
      return;
    }
    List<@Nullable Object> answers;
    try {
      answers = parts.link().each(calls);
    } catch (AgentException e) {
      asked.forEach(StreamOwned::unsure);
      throw e;
    }
    @Nullable JedisDataException failure = null;
    Set<Shard> lost = new LinkedHashSet<>();
    for (int i = 0; i < asked.size(); i++) {
      StreamOwned one = asked.get(i);
      if (answers.get(i) instanceof JedisDataException e) {
        one.unsure();
        failure = e;
        if (StreamErrors.isGone(e)) {
          parts.topics().restore(one.shard, group, Mode.ORDERED);
        }
      } else if (one.answered((List<?>) answers.get(i), now + lease.toNanos())) {
        parts.trimmer().changed(one.shard, one.entriesSettled());
      } else {
        owned.remove(one.shard);
        lost.add(one.shard);
      }
    }
    if (!lost.isEmpty()) {
      listener.revoking(lost, Duration.ZERO); // others have them
      out.removeIf(delivery -> lost.contains(delivery.shard()));
    }
    parts.trimmer().trimSome();
    if (failure != null) {
      throw RedisErrors.of(failure);
    }
  }

  /** Says that this member is there, takes what is free, and gives what others lack. */
  private void tend() {
    long began = System.nanoTime();
    boolean missedNone = !tendedBefore || began - lastTended < lease.toNanos() / 2;
    List<Ask> asks = new ArrayList<>();
    topics.forEach(
        (topic, shards) -> {
          asks.add(presence(topic, lease.toMillis()));
          shards.forEach(shard -> asks.add(owner(shard)));
          shards.forEach(shard -> asks.add(groups(shard)));
        });
    List<@Nullable Object> answers = parts.link().each(asks);
    int at = 0;
    for (List<Shard> shards : topics.values()) {
      int end = at + 1 + 2 * shards.size();
      balance(shards, answers.subList(at, end), missedNone);
      at = end;
    }
    lastTended = began;
    tendedBefore = true;
    nextTend = began + Math.min(LONGEST_TEND, lease.toNanos() / TEND_PARTS);
  }

  private Ask presence(String topic, long millis) {
    return new Call(
        RedisScript.STREAM_MEMBERS,
        List.of(parts.keys().members(topic, group)),
        List.of(RedisNames.ascii(member), number(millis)));
  }

  private Ask owner(Shard shard) {
    return new Command(
        new CommandArguments(Protocol.Command.HMGET)
            .key(parts.keys().lease(shard, group))
            .add("owner")
            .add("until"));
  }

  private Ask groups(Shard shard) {
    return new Command(
        new CommandArguments(Protocol.Command.XINFO).add("GROUPS").key(parts.keys().log(shard)));
  }

  private void balance(List<Shard> shards, List<@Nullable Object> answers, boolean missedNone) {
    List<?> members = StreamAnswers.list(answers.get(0));
    long now = (Long) members.get(0);
    List<String> names = new ArrayList<>();
    members.subList(1, members.size()).forEach(m -> names.add(RedisNames.decode((byte[]) m)));
    List<StreamOwned> mine = new ArrayList<>();
    List<Shard> free = new ArrayList<>();
    for (int i = 0; i < shards.size(); i++) {
      StreamOwned one = owned.get(shards.get(i));
      if (one != null) {
        mine.add(one);
        Object about = answers.get(1 + shards.size() + i);
        one.lag(StreamAnswers.lag(about, group));
        String delivered = StreamAnswers.lastDelivered(about, group);
        if (delivered != null) {
          one.delivered(delivered);
        }
      } else if (isFree(StreamAnswers.list(answers.get(1 + i)), now, missedNone)) {
        free.add(shards.get(i));
      }
    }
    StreamShares shares = new StreamShares(shards.get(0).topic(), shards.size(), names, member);
    List<StreamOwned> going = shares.give(mine, free.size());
    if (!going.isEmpty()) {
      revoke(going);
    }
    take(shares.take(mine.size(), free), missedNone);
  }

  private boolean isFree(List<?> lease, long now, boolean missedNone) {
    String owner = lease.get(0) instanceof byte[] name ? RedisNames.decode(name) : "";
    if (owner.isEmpty() || owner.equals(member)) {
      return true;
    }
    return missedNone
        && lease.get(1) instanceof byte[] until
        && Long.parseLong(RedisNames.decode(until)) <= now;
  }

  private List<byte[]> keys(Shard shard) {
    return List.of(parts.keys().log(shard), parts.keys().lease(shard, group));
  }

  private void take(List<Shard> some, boolean fromOthers) {
    if (some.isEmpty()) {
      return;
    }
    long sent = System.nanoTime();
    List<Call> calls = new ArrayList<>();
    for (Shard shard : some) {
      List<byte[]> words =
          List.of(
              groupName,
              RedisNames.ascii(member),
              number(lease.toMillis()),
              number(fromOthers ? 1 : 0));
      calls.add(new Call(RedisScript.STREAM_OWN, keys(shard), words));
    }
    List<@Nullable Object> answers = parts.link().each(calls);
    for (int i = 0; i < some.size(); i++) {
      Shard shard = some.get(i);
      if (answers.get(i) instanceof JedisDataException e && StreamErrors.isGone(e)) {
        parts.topics().restore(shard, group, Mode.ORDERED);
        continue;
      }
      List<?> grant = StreamAnswers.list(answers.get(i));
      if (!grant.isEmpty()) {
        long deadline = sent + lease.toNanos();
        owned.put(shard, new StreamOwned(shard, keys(shard), groupName, grant, deadline));
      }
    }
  }

  private void revoke(List<StreamOwned> going) {
    Set<Shard> shards = new LinkedHashSet<>();
    going.forEach(one -> shards.add(one.shard));
    listener.revoking(shards, lease.dividedBy(4));
    settleAll();
    release(going);
  }

  private void release(List<StreamOwned> going) {
    if (going.isEmpty()) {
      return;
    }
    List<Call> calls = new ArrayList<>();
    for (StreamOwned one : going) {
      owned.remove(one.shard);
      calls.add(one.release());
    }
    parts.link().each(calls);
  }

  @Override
  void await(long nanos) {
    long untilTend = Math.max(1_000_000, nextTend - System.nanoTime());
    long most = Math.min(nanos, untilTend);
    List<StreamOwned> idle = new ArrayList<>();
    for (StreamOwned one : owned.values()) {
      if (one.mayHaveMore()) {
        return;
      }
      if (!one.isFull()) {
        idle.add(one);
      }
    }
    if (idle.isEmpty()) {
      LockSupport.parkNanos(this, Math.min(most, NOTHING_READ));
      return;
    }
    List<byte[]> logs = new ArrayList<>();
    List<String> ids = new ArrayList<>();
    for (StreamOwned one : idle) {
      logs.add(one.log());
      ids.add(one.waitFrom());
    }
    if (waiter.takes()) {
      next(idle, logs, ids, most);
      return;
    }
    List<List<?>> came = waiter.read(logs, ids, 1, most);
    for (int i = 0; i < idle.size(); i++) {
      if (!came.get(i).isEmpty()) {
        idle.get(i).wake();
      }
    }
  }

  /** Waits and reads in one trip. */
  private void next(List<StreamOwned> idle, List<byte[]> logs, List<String> ids, long nanos) {
    int most = pace.most(Math.max(LEAST, Math.min(MOST, wanted)));
    List<byte[]> keys = new ArrayList<>(2 * idle.size());
    List<byte[]> words = new ArrayList<>(2 + idle.size());
    words.add(groupName);
    words.add(number(most));
    for (StreamOwned one : idle) {
      keys.addAll(one.keys());
      words.add(one.grant());
    }
    @Nullable Object answer;
    try {
      answer = waiter.then(logs, ids, nanos, new Call(RedisScript.STREAM_NEXT, keys, words));
    } catch (AgentException e) {
      idle.forEach(StreamOwned::unsure);
      throw e;
    }
    if (answer instanceof JedisDataException) {
      idle.forEach(StreamOwned::unsure); // what is wrong shows when each is asked by itself
      return;
    }
    for (Object one : StreamAnswers.list(answer)) {
      List<?> parts = (List<?>) one;
      StreamOwned shard = idle.get(((Long) parts.get(0)).intValue() - 1);
      shard.came((List<?>) parts.get(1), most);
      arrived = true;
    }
  }

  @Override
  void leave() {
    settleAll();
    release(List.copyOf(owned.values()));
    List<Ask> asks = new ArrayList<>();
    topics.keySet().forEach(topic -> asks.add(presence(topic, 0)));
    parts.link().each(asks);
    states = List.of();
  }

  private void note() {
    List<ShardState> now = new ArrayList<>(owned.size());
    owned.values().forEach(one -> now.add(one.state()));
    states = now;
  }

  @Override
  public List<ShardState> shards() {
    return states;
  }
}
