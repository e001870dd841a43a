package dev.troupe.redis;

import dev.troupe.event.Delivery;
import dev.troupe.event.Delivery.Shard;
import dev.troupe.event.Feed.ShardState;
import dev.troupe.event.Settlement;
import dev.troupe.redis.RedisLink.Call;
import dev.troupe.redis.RedisLink.Command;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import redis.clients.jedis.CommandArguments;
import redis.clients.jedis.Protocol;

/** A shard that feeds in mode SHARED take deliveries from, as one of them sees it. */
final class StreamShared {
  private static final int MOST_TOGETHER = 3_000;

  final Shard shard;
  private final List<byte[]> keys;
  private final byte[] group;
  private final String feed;
  private final Map<String, Delivery> mine = new LinkedHashMap<>();
  private final List<byte[]> done = new ArrayList<>();
  private final List<byte[]> again = new ArrayList<>();

  /** The consumer's name; another one after it was taken to have gone. */
  private byte[] me;

  private int names;
  private boolean isNew = true;
  private boolean unsure;
  private boolean ready = true;
  private boolean looks = true;
  private long renewed;
  private long lag;
  private @Nullable String waitFrom;
  private int sentDone;
  private int sentAgain;
  private int sentMost;
  private long sentRenewal;

  StreamShared(Shard shard, List<byte[]> keys, byte[] group, String feed) {
    this.shard = shard;
    this.keys = keys;
    this.group = group;
    this.feed = feed;
    this.me = RedisNames.ascii(feed);
  }

  byte[] log() {
    return keys.get(0);
  }

  /** Behind which entry to wait for new ones; null when that has to be asked. */
  @Nullable String waitFrom() {
    return waitFrom;
  }

  void waitFrom(String id) {
    waitFrom = id;
  }

  void lag(long entries) {
    lag = entries;
  }

  boolean ready() {
    return ready;
  }

  void wake() {
    ready = true;
  }

  /** Next time, look for what those left behind who have gone. */
  void look() {
    looks = true;
  }

  boolean looks() {
    return looks;
  }

  boolean unsure() {
    return unsure;
  }

  /** It is unknown what was taken: whatever was, is found and given back. */
  void doubt() {
    unsure = true;
    ready = true;
  }

  /** Whether this feed is known to the others, so that it may take something. */
  boolean known(long now, long lease) {
    return !isNew && now - renewed < lease / 2;
  }

  void settle(Settlement settlement) {
    String id = settlement.delivery().offset();
    if (settlement instanceof Settlement.Done && mine.remove(id) != null) {
      done.add(RedisNames.ascii(id));
    } else if (settlement instanceof Settlement.Again && mine.remove(id) != null) {
      again.add(RedisNames.ascii(id));
      looks = true;
    }
  }

  /** What to say and to ask, beside what is new; null for nothing. */
  @Nullable Call ask(int most, boolean judge, long now, long lease) {
    boolean renew = isNew || now - renewed > lease / 3;
    if (!renew && done.isEmpty() && again.isEmpty() && !looks) {
      return null;
    }
    sentRenewal = renew || looks ? now : 0;
    sentMost = looks ? most : -1;
    return call(sentRenewal == 0 ? 0 : lease / 1_000_000, judge);
  }

  /** Settles and leaves. */
  Call leave() {
    sentMost = -1;
    return call(-1, false);
  }

  private Call call(long lease, boolean judge) {
    sentDone = Math.min(MOST_TOGETHER, done.size());
    sentAgain = Math.min(MOST_TOGETHER, again.size());
    List<byte[]> words = new ArrayList<>(7 + sentDone + sentAgain);
    words.add(group);
    words.add(me);
    words.add(StreamFeed.number(lease));
    words.add(StreamFeed.number(isNew ? 1 : 0));
    words.add(StreamFeed.number(sentMost));
    words.add(StreamFeed.number(judge ? 1 : 0));
    words.add(StreamFeed.number(sentDone));
    words.addAll(done.subList(0, sentDone));
    words.addAll(again.subList(0, sentAgain));
    return new Call(RedisScript.STREAM_SHARE, keys, words);
  }

  /** Takes in what was answered. */
  void answered(List<?> answer, List<Delivery> out) {
    if (answer.isEmpty()) {
      // others have what this feed had; under its old name it can't settle any of it
      names++;
      me = RedisNames.ascii(feed + "-" + names);
      isNew = true;
      unsure = false;
      mine.clear();
      done.clear();
      again.clear();
      return;
    }
    isNew = false;
    if (sentRenewal != 0) {
      renewed = sentRenewal;
    }
    done.subList(0, sentDone).clear();
    again.subList(0, sentAgain).clear();
    if (sentMost >= 0) {
      List<?> entries = (List<?>) answer.get(1);
      List<?> counts = (List<?>) answer.get(2);
      for (int i = 0; i < entries.size(); i++) {
        int count = (int) Math.min(Integer.MAX_VALUE, (Long) counts.get(i));
        out.add(take((List<?>) entries.get(i), count));
      }
      looks = (Long) answer.get(3) == 1 || !again.isEmpty();
    }
  }

  int entriesSettled() {
    return sentDone;
  }

  /** Takes what is new. */
  Command read(int most) {
    return new Command(
        new CommandArguments(Protocol.Command.XREADGROUP)
            .add("GROUP")
            .add(group)
            .add(me)
            .add("COUNT")
            .add(most)
            .add("STREAMS")
            .key(log())
            .add(">"));
  }

  /** Its name as a consumer. */
  byte[] me() {
    return me;
  }

  /** Whether this is still this feed's. */
  boolean has(Delivery delivery) {
    return mine.containsKey(delivery.offset());
  }

  /** Takes in what is new. */
  void came(@Nullable Object answer, int most, List<Delivery> out) {
    List<?> streams = StreamAnswers.list(answer);
    came(streams.isEmpty() ? List.of() : StreamAnswers.entries(streams.get(0)), most, out);
  }

  /** Takes in entries that are new. */
  void came(List<?> entries, int most, List<Delivery> out) {
    for (Object entry : entries) {
      out.add(take((List<?>) entry, 1));
    }
    ready = entries.size() == most;
    if (ready || entries.isEmpty()) {
      waitFrom = null;
    } else {
      // fewer than there was room for: this was the last of the stream
      waitFrom = StreamEntry.id((List<?>) entries.get(entries.size() - 1));
    }
  }

  private Delivery take(List<?> entry, int count) {
    Delivery one = StreamEntry.decode(shard, entry, count);
    mine.put(one.offset(), one);
    return one;
  }

  /** A page of what is this feed's as Redis has it. */
  Command pending(String after, int most) {
    return new Command(
        new CommandArguments(Protocol.Command.XPENDING)
            .key(log())
            .add(group)
            .add("(" + after)
            .add("+")
            .add(most)
            .add(me));
  }

  /** Gives back what is this feed's without its knowing. Returns the last id, null at the end. */
  @Nullable String found(List<?> page, int most) {
    String last = null;
    for (Object line : page) {
      byte[] id = (byte[]) ((List<?>) line).get(0);
      last = RedisNames.decode(id);
      if (!mine.containsKey(last) && !isSettled(id)) {
        again.add(id);
        looks = true;
      }
    }
    if (page.size() < most) {
      unsure = false;
      return null;
    }
    return last;
  }

  private boolean isSettled(byte[] id) {
    return has(done, id) || has(again, id);
  }

  private static boolean has(List<byte[]> all, byte[] id) {
    return all.stream().anyMatch(one -> java.util.Arrays.equals(one, id));
  }

  ShardState state() {
    @Nullable Delivery oldest = mine.isEmpty() ? null : mine.values().iterator().next();
    return new ShardState(shard, lag + mine.size(), oldest == null ? null : oldest.appended());
  }
}
