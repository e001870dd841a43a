package dev.troupe.redis;

import dev.troupe.event.Delivery;
import dev.troupe.event.Delivery.Shard;
import dev.troupe.event.Feed.ShardState;
import dev.troupe.event.Settlement;
import dev.troupe.redis.RedisLink.Call;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A shard that a feed in mode ORDERED owns. */
final class StreamOwned {
  /** So many deliveries may lie behind one that is not settled. */
  private static final int WINDOW = 5_000;

  private static final int MOST_ACKS = 6_000;
  private static final byte[] NEW = RedisNames.ascii(">");

  final Shard shard;
  private final byte[] log;
  private final List<byte[]> keys;
  private final byte[] group;
  private final byte[] grant;
  private final ArrayDeque<Delivery> buffer = new ArrayDeque<>();
  private final Map<String, Delivery> open = new LinkedHashMap<>();
  private final Map<String, Delivery> again = new LinkedHashMap<>();
  private final List<byte[]> done = new ArrayList<>();

  /** The last entry that came; the others of the group lie behind it. */
  private String last = "0-0";

  /** Whether there may be entries behind the last one that were read before. */
  private boolean behind = true;

  private boolean ready = true;
  private String waitFrom;
  private long deadline;
  private long lag;
  private int sentDone;
  private int sentMost;
  private boolean sentRenewal;

  StreamOwned(Shard shard, List<byte[]> keys, byte[] group, List<?> grant, long deadline) {
    this.shard = shard;
    this.log = keys.get(0);
    this.keys = keys;
    this.group = group;
    this.grant = (byte[]) grant.get(0);
    this.waitFrom = RedisNames.decode((byte[]) grant.get(1));
    this.deadline = deadline;
  }

  byte[] log() {
    return log;
  }

  /** The stream and the lease. */
  List<byte[]> keys() {
    return keys;
  }

  byte[] grant() {
    return grant;
  }

  /** Behind which entry to wait for new ones. */
  String waitFrom() {
    return waitFrom;
  }

  /** Whether there may be something to read without waiting. */
  boolean mayHaveMore() {
    return ready && !isFull();
  }

  /** Whether nothing more may be read until something is settled. */
  boolean isFull() {
    return open.size() >= WINDOW;
  }

  void wake() {
    ready = true;
  }

  /** The group was given entries up to this one: what is new lies behind it. */
  void delivered(String id) {
    if (StreamEntry.isBehind(id, waitFrom)) {
      waitFrom = id;
    }
  }

  /** Takes in entries that are new. */
  void came(List<?> entries, int most) {
    for (Object one : entries) {
      buffer.add(StreamEntry.decode(shard, (List<?>) one, 1));
    }
    if (!entries.isEmpty()) {
      last = StreamEntry.id((List<?>) entries.get(entries.size() - 1));
      delivered(last);
    }
    ready = entries.isEmpty() || entries.size() == most;
  }

  void lag(long entries) {
    lag = entries;
  }

  /** Whether the lease has more than a quarter left. */
  boolean sure(long now, Duration lease) {
    return deadline - now > lease.toNanos() / 4;
  }

  void settle(Settlement settlement) {
    String id = settlement.delivery().offset();
    if (settlement instanceof Settlement.Done && open.remove(id) != null) {
      again.remove(id);
      done.add(RedisNames.ascii(id));
    } else if (settlement instanceof Settlement.Again && open.containsKey(id)) {
      again.put(id, settlement.delivery());
    }
  }

  /** What to ask for now; null for nothing. */
  @Nullable Call ask(boolean wanted, int most, long now, Duration lease) {
    boolean fresh = deadline - now > lease.toNanos() * 2 / 3;
    boolean reads = wanted && buffer.isEmpty() && !isFull();
    if (done.isEmpty() && fresh && !(reads && ready)) {
      return null;
    }
    sentDone = Math.min(done.size(), MOST_ACKS);
    sentMost = reads ? most : 0;
    sentRenewal = !fresh;
    List<byte[]> words = new ArrayList<>(5 + sentDone);
    words.add(group);
    words.add(grant);
    words.add(StreamFeed.number(fresh ? 0 : lease.toMillis()));
    words.add(StreamFeed.number(sentMost));
    words.add(behind ? RedisNames.ascii(last) : NEW);
    words.addAll(done.subList(0, sentDone));
    return new Call(RedisScript.STREAM_READ, keys, words);
  }

  /** Takes in what was answered; false when the shard belongs to another. */
  boolean answered(List<?> answer, long newDeadline) {
    if (answer.isEmpty()) {
      return false;
    }
    done.subList(0, sentDone).clear();
    if (sentRenewal) {
      deadline = newDeadline;
    }
    if (sentMost == 0) {
      return true;
    }
    List<?> entries = (List<?>) answer.get(1);
    List<?> counts = (List<?>) answer.get(2);
    for (int i = 0; i < entries.size(); i++) {
      List<?> entry = (List<?>) entries.get(i);
      last = StreamEntry.id(entry);
      if (entry.get(1) != null) {
        int count = behind ? (int) Math.min(Integer.MAX_VALUE, (Long) counts.get(i)) : 1;
        buffer.add(StreamEntry.decode(shard, entry, count));
      }
    }
    delivered(last);
    boolean all = entries.size() < sentMost;
    ready = !all || behind;
    behind &= !all;
    return true;
  }

  /** It is unknown what was read: whatever was, is read again. */
  void unsure() {
    behind = true;
    ready = true;
  }

  int entriesSettled() {
    return sentDone;
  }

  void hand(List<Delivery> out, int max) {
    while (out.size() < max && !again.isEmpty()) {
      Delivery back = again.remove(again.keySet().iterator().next());
      hand(out, counted(back, back.count() + 1));
    }
    while (out.size() < max && !buffer.isEmpty()) {
      Delivery next = buffer.remove();
      // of those that were with a feed that died, the first is to blame, and not those beside it
      boolean first = open.isEmpty() || next.count() <= 2;
      hand(out, first ? next : counted(next, 2));
    }
  }

  private void hand(List<Delivery> out, Delivery next) {
    open.put(next.offset(), next);
    out.add(next);
  }

  private static Delivery counted(Delivery one, int count) {
    return new Delivery(one.shard(), one.offset(), one.appended(), count, one.content());
  }

  /** Gives up the shard. */
  Call release() {
    List<byte[]> words = new ArrayList<>();
    words.add(group);
    words.add(grant);
    int some = Math.min(done.size(), MOST_ACKS);
    words.add(StreamFeed.number(some));
    words.addAll(done.subList(0, some));
    for (Delivery one : buffer) {
      words.add(RedisNames.ascii(one.offset()));
      words.add(StreamFeed.number(one.count() - 1L));
    }
    return new Call(RedisScript.STREAM_RELEASE, keys, words);
  }

  ShardState state() {
    @Nullable Delivery oldest = open.isEmpty() ? null : open.values().iterator().next();
    return new ShardState(
        shard, lag + buffer.size() + open.size(), oldest == null ? null : oldest.appended());
  }
}
