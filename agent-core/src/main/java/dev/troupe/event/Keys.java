package dev.troupe.event;

import dev.troupe.event.Delivery.Shard;
import dev.troupe.event.Subscription.Mode;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Which lane a delivery goes in: in mode ORDERED that of its key, or, while something of its shard
 * is suspected of killing processes, that of the shard; and which keys have something parked, so
 * that what comes later must be parked behind it.
 */
final class Keys {
  private final ParkingLot parking;
  private final String group;
  private final boolean ordered;
  private final Lanes lanes;

  /** Each time that this member gets a shard it looks anew: others parked something meanwhile. */
  private final Map<Shard, ParkedLanes> parked = new HashMap<>();

  /** Lanes of shards that had a suspect in them when last seen. */
  private final Map<Shard, String> suspects = new HashMap<>();

  private record KeyLane(Shard shard, String key) {}

  /**
   * Lanes of keys with something parked, of a shard from when it came until it goes. A task that is
   * still worked on when its shard has gone keeps to what was known before. Asked by many threads.
   */
  static final class ParkedLanes {
    private final AtomicReference<@Nullable Set<String>> lanes = new AtomicReference<>();

    private Set<String> get(ParkingLot parking, String group, Shard shard) {
      Set<String> known = lanes.get();
      if (known == null) {
        Set<String> found = ConcurrentHashMap.newKeySet();
        found.addAll(parking.lanes(group, shard));
        known = lanes.compareAndSet(null, found) ? found : lanes.get();
      }
      return known == null ? Set.of() : known;
    }
  }

  Keys(ParkingLot parking, SubscriberOptions options, Lanes lanes) {
    this.parking = parking;
    this.group = options.subscription().group();
    this.ordered = options.subscription().mode() == Mode.ORDERED;
    this.lanes = lanes;
  }

  /** What was delivered together, in its order. By the thread that polls. */
  void assign(List<Task> tasks) {
    Set<String> used = new HashSet<>(0);
    for (Task task : tasks) {
      assign(task, used);
    }
  }

  /** The lanes of suspects that are used by tasks that are not in them yet. */
  private void assign(Task task, Set<String> used) {
    if (ordered && task.delivery != null) {
      task.parkedLanes = parked.computeIfAbsent(task.shard, shard -> new ParkedLanes());
    }
    if (task.delivery == null || (!ordered && task.count == 1)) {
      return;
    }
    if (task.count > 1) {
      String all = ordered ? task.shard + " *" : "* suspects *";
      suspects.put(task.shard, all);
      used.add(all);
      task.lane = all;
      task.afterOthers = ordered;
      return;
    }
    String all = suspects.isEmpty() ? null : suspects.get(task.shard);
    if (all != null && (used.contains(all) || lanes.has(all))) {
      task.lane = all;
      return;
    }
    if (all != null) {
      suspects.remove(task.shard);
    }
    String key = task.event == null ? null : task.event.key;
    task.lane = key == null ? null : new KeyLane(task.shard, key);
  }

  /** Whether something of this key is parked, so that this one has to stand behind it. */
  boolean mustStandBehind(Task task, String key) {
    ParkedLanes known = task.parkedLanes;
    if (known == null) {
      return false;
    }
    Set<String> some = known.get(parking, group, task.shard);
    if (some.isEmpty()) {
      return false;
    }
    String lane = ParkingLot.laneOf(key);
    if (!some.contains(lane)) {
      return false;
    }
    if (parking.waits(group, task.shard, lane)) {
      return true;
    }
    some.remove(lane);
    return false;
  }

  void parked(Task task, String key) {
    ParkedLanes known = task.parkedLanes;
    if (known != null) {
      known.get(parking, group, task.shard).add(ParkingLot.laneOf(key));
    }
  }

  /** These shards go. By the thread that polls. */
  void forget(Set<Shard> shards) {
    shards.forEach(parked::remove);
  }
}
