package dev.troupe.event;

import dev.troupe.event.Delivery.Shard;
import dev.troupe.state.Change;
import dev.troupe.state.Outcome;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;

/**
 * A feed in mode SHARED: takes deliveries one by one from all shards, each for as long as a lease,
 * which it renews while it polls. Takes and settlements are written into the shard's cursor at its
 * version; a feed that was overtaken reckons again from what it then finds.
 */
final class SharedFeed extends StoreFeed {
  private static final int ATTEMPTS = 20;

  private final StoreAccess access;
  private final EventText texts;
  private final Duration lease;
  private final String me = UUID.randomUUID().toString();
  private final Map<Shard, SharedShard> all = new LinkedHashMap<>();
  private volatile List<ShardState> states = List.of();
  private long lastRenewed = System.nanoTime();
  private int turn = ThreadLocalRandom.current().nextInt(1_000);

  SharedFeed(Parts parts, Subscription subscription) {
    super(parts, subscription);
    this.access = parts.access();
    this.texts = parts.texts();
    this.lease = parts.pace().lease();
    addAll();
  }

  @Override
  void add(String topic, Position from) {
    StoreTopics.Joined joined = source.join(topic, subscription, from);
    for (ShardLog log : joined.logs()) {
      all.put(log.shard, new SharedShard(joined.cursors(), log, texts, me));
    }
  }

  @Override
  List<Delivery> round(int max) {
    for (Settlement settlement : settlements()) {
      SharedShard one = all.get(settlement.delivery().shard());
      if (one != null) {
        one.settle(settlement);
      }
    }
    long nanos = System.nanoTime();
    boolean renew = nanos - lastRenewed > lease.toNanos() / 3;
    if (renew) {
      lastRenewed = nanos;
      all.values().forEach(SharedShard::renew);
    }
    List<Delivery> out = new ArrayList<>();
    try {
      take(out, max);
    } catch (RuntimeException e) {
      all.values().forEach(SharedShard::forget);
      if (out.isEmpty()) {
        throw e;
      }
    }
    note();
    return out;
  }

  private void take(List<Delivery> out, int max) {
    List<SharedShard> order = new ArrayList<>(all.values());
    turn = (turn + 1) % Math.max(1, order.size());
    for (int attempt = 1; attempt <= ATTEMPTS; attempt++) {
      List<SharedShard> changed = new ArrayList<>();
      int wanted = max - out.size();
      for (int i = 0; i < order.size(); i++) {
        SharedShard one = order.get((turn + i) % order.size());
        wanted -= one.plan(wanted, access.now(one.about()), lease.toMillis(), idle());
        if (one.planned()) {
          changed.add(one);
        }
      }
      if (changed.isEmpty() || !write(changed, out)) {
        return;
      }
    }
  }

  /** Writes what was planned; true when somebody else was faster somewhere. */
  private boolean write(List<SharedShard> changed, List<Delivery> out) {
    boolean again = false;
    Map<GroupCursors, List<SharedShard>> byTopic = new LinkedHashMap<>();
    changed.forEach(one -> byTopic.computeIfAbsent(one.group(), g -> new ArrayList<>()).add(one));
    for (List<SharedShard> ones : byTopic.values()) {
      List<Change> changes = new ArrayList<>(ones.size());
      ones.forEach(one -> changes.add(one.change()));
      List<Outcome> outcomes = access.apply(changes);
      for (int i = 0; i < ones.size(); i++) {
        again |= !ones.get(i).written(outcomes.get(i), out);
      }
    }
    return again;
  }

  @Override
  void leave() {
    round(0);
    all.values().forEach(SharedShard::giveBack);
    round(0);
    states = List.of();
  }

  private void note() {
    ShardState[] now = new ShardState[all.size()];
    int i = 0;
    for (SharedShard one : all.values()) {
      now[i++] = one.state();
    }
    states = List.of(now);
  }

  @Override
  public List<ShardState> shards() {
    return states;
  }
}
