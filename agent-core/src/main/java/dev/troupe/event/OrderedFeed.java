package dev.troupe.event;

import dev.troupe.event.Delivery.Shard;
import dev.troupe.event.GroupCursors.Held;
import dev.troupe.state.Change;
import dev.troupe.state.Outcome;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A feed in mode ORDERED: owns a share of the shards, each under a lease that lies in the shard's
 * cursor. Everything that is written of a shard is written at the version of its cursor, so an
 * owner that was replaced settles nothing.
 */
final class OrderedFeed extends StoreFeed {
  private static final int TEND_PARTS = 10;
  private static final long LONGEST_TEND = Duration.ofSeconds(1).toNanos();

  private final StoreAccess access;
  private final Listener listener;
  private final Duration lease;
  private final List<StoreTopics.Joined> topics = new ArrayList<>();
  private final String member = UUID.randomUUID().toString();
  private final Map<Shard, OwnedShard> owned = new LinkedHashMap<>();
  private final EventText texts;
  private volatile List<ShardState> states = List.of();
  private long nextTend = System.nanoTime();
  private long lastTended;
  private boolean tendedBefore;
  private int turn;

  OrderedFeed(Parts parts, Subscription subscription, Listener listener) {
    super(parts, subscription);
    this.access = parts.access();
    this.texts = parts.texts();
    this.lease = parts.pace().lease();
    this.listener = listener;
    addAll();
  }

  @Override
  void add(String topic, Position from) {
    topics.add(source.join(topic, subscription, from));
    nextTend = System.nanoTime();
  }

  @Override
  List<Delivery> round(int max) {
    settleAll();
    if (System.nanoTime() - nextTend >= 0) {
      tend();
    }
    List<Delivery> out = new ArrayList<>();
    try {
      hand(out, max);
      List<OwnedShard> changed = new ArrayList<>();
      for (OwnedShard one : owned.values()) {
        if (one.dirty()) {
          changed.add(one);
        }
      }
      Set<Shard> lost = write(changed);
      if (!lost.isEmpty()) {
        out.removeIf(delivery -> lost.contains(delivery.shard()));
      }
    } catch (RuntimeException e) {
      for (Delivery delivery : out) {
        OwnedShard one = owned.get(delivery.shard());
        if (one != null) {
          one.takeBack(delivery);
        }
      }
      throw e;
    }
    note();
    return out;
  }

  private void settleAll() {
    for (Settlement settlement : settlements()) {
      OwnedShard one = owned.get(settlement.delivery().shard());
      if (one != null) {
        one.settle(settlement);
      }
    }
  }

  private void hand(List<Delivery> out, int max) {
    if (max == 0 || owned.isEmpty()) {
      return;
    }
    List<OwnedShard> all = List.copyOf(owned.values());
    turn = (turn + 1) % all.size();
    long now = System.nanoTime();
    for (int i = 0; i < all.size() && out.size() < max; i++) {
      OwnedShard one = all.get((turn + i) % all.size());
      if (one.sure(now, lease)) {
        one.hand(out, max, now, idle());
      }
    }
  }

  /** Writes cursors; gives back the shards that now belong to others. */
  private Set<Shard> write(List<OwnedShard> some) {
    Set<Shard> lost = new LinkedHashSet<>();
    if (some.isEmpty()) {
      return lost;
    }
    long sent = System.nanoTime();
    long until = access.now(some.get(0).about()) + lease.toMillis();
    Map<GroupCursors, List<OwnedShard>> byTopic = new LinkedHashMap<>();
    some.forEach(one -> byTopic.computeIfAbsent(one.group(), g -> new ArrayList<>()).add(one));
    for (List<OwnedShard> ones : byTopic.values()) {
      List<Change> changes = new ArrayList<>(ones.size());
      for (OwnedShard one : ones) {
        changes.add(one.change(until));
      }
      List<Outcome> outcomes = access.apply(changes);
      for (int i = 0; i < ones.size(); i++) {
        OwnedShard one = ones.get(i);
        if (!one.written(outcomes.get(i), member, sent + lease.toNanos())) {
          owned.remove(one.shard());
          lost.add(one.shard());
        }
      }
    }
    if (!lost.isEmpty()) {
      listener.revoking(Set.copyOf(lost), Duration.ZERO);
    }
    return lost;
  }

  /** Says that this member is there, takes what is free, and gives what others lack. */
  private void tend() {
    long began = System.nanoTime();
    boolean missedNone = !tendedBefore || began - lastTended < lease.toNanos() / 2;
    for (StoreTopics.Joined topic : topics) {
      long now = access.now(topic.cursors().about());
      access.apply(List.of(topic.cursors().member(member, now + lease.toMillis())));
      List<OwnedShard> old = new ArrayList<>();
      for (OwnedShard one : owned.values()) {
        if (one.group() == topic.cursors() && !one.fresh(began, lease)) {
          old.add(one);
        }
      }
      write(old);
      balance(topic, missedNone);
    }
    lastTended = began;
    tendedBefore = true;
    nextTend = began + Math.min(LONGEST_TEND, lease.toNanos() / TEND_PARTS);
  }

  private void balance(StoreTopics.Joined topic, boolean missedNone) {
    GroupCursors.View view = topic.cursors().look();
    ShardBalance balance = new ShardBalance(view, member, mine(topic));
    List<OwnedShard> going = new ArrayList<>();
    for (int number : balance.give()) {
      OwnedShard one = owned.get(topic.logs().get(number).shard);
      if (one != null) {
        going.add(one);
      }
    }
    if (!going.isEmpty()) {
      revoke(going);
    }
    for (Held held : balance.take(missedNone)) {
      take(topic, held);
    }
  }

  private Set<Integer> mine(StoreTopics.Joined topic) {
    Set<Integer> mine = new LinkedHashSet<>();
    for (OwnedShard one : owned.values()) {
      if (one.group() == topic.cursors()) {
        mine.add(one.shard().number());
      }
    }
    return mine;
  }

  private void take(StoreTopics.Joined topic, Held held) {
    long sent = System.nanoTime();
    Cursor cursor = held.cursor();
    boolean died = !cursor.owner.equals(Cursor.NOBODY) && !cursor.owner.equals(member);
    cursor.owner = member;
    cursor.until = access.now(topic.cursors().about()) + lease.toMillis();
    if (died) {
      cursor.restarts++;
    }
    Outcome outcome = access.apply(List.of(topic.cursors().write(held))).get(0);
    Held mine = GroupCursors.written(held, outcome);
    if (mine != null) {
      ShardLog log = topic.logs().get(held.number());
      owned.put(
          log.shard, new OwnedShard(topic.cursors(), log, texts, mine, sent + lease.toNanos()));
    }
  }

  private void revoke(List<OwnedShard> going) {
    Set<Shard> shards = new LinkedHashSet<>();
    going.forEach(one -> shards.add(one.shard()));
    listener.revoking(shards, lease.dividedBy(4));
    settleAll();
    release(going);
  }

  private void release(List<OwnedShard> going) {
    for (OwnedShard one : going) {
      if (owned.remove(one.shard()) != null) {
        access.apply(List.of(one.letGo()));
      }
    }
  }

  @Override
  void leave() {
    settleAll();
    release(List.copyOf(owned.values()));
    for (StoreTopics.Joined topic : topics) {
      access.apply(List.of(topic.cursors().leave(member)));
    }
    states = List.of();
  }

  private void note() {
    @Nullable ShardState[] all = new ShardState[owned.size()];
    int i = 0;
    for (OwnedShard one : owned.values()) {
      all[i++] = one.state();
    }
    states = List.of(all);
  }

  @Override
  public List<ShardState> shards() {
    return states;
  }
}
