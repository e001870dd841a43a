package dev.troupe.event;

import dev.troupe.event.Delivery.Shard;
import dev.troupe.state.Edit;
import dev.troupe.state.RecordId;
import dev.troupe.state.Stored;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * Counts deliveries for transports that do not: what a feed gets first of a shard may have been in
 * the hands of another one that died, so it is counted in the store before it is handed on. As many
 * are counted as can have been in flight; what comes behind them nobody has had. The counts are
 * deleted when all of them are settled. Used by the thread that polls, told by others.
 */
final class DeathCounts {
  private static final int TOGETHER = 200;

  private final StoreAccess access;
  private final String group;
  private final int window;
  private final Map<Shard, Window> windows = new HashMap<>();
  private final ConcurrentLinkedQueue<Delivery> settled = new ConcurrentLinkedQueue<>();

  /** Whose counts are to be deleted. */
  private final Set<Window> emptied = new HashSet<>();

  /** Whether something is counted and not settled; set before that is handed on. */
  private volatile boolean counting;

  private static final class Window {
    final RecordId id;
    final Map<String, Integer> counts = new HashMap<>();
    final Set<String> open = new HashSet<>();
    int left;

    Window(RecordId id, int left) {
      this.id = id;
      this.left = left;
    }
  }

  DeathCounts(StoreAccess access, String group, int window) {
    this.access = access;
    this.group = group;
    this.window = window;
  }

  /** How often each of them was delivered, once that is stored. */
  int[] counted(List<Delivery> some) {
    clear();
    int[] counts = new int[some.size()];
    Map<Window, List<Edit>> edits = new HashMap<>();
    for (int i = 0; i < counts.length; i++) {
      Delivery delivery = some.get(i);
      counts[i] = delivery.count();
      Window mine = windows.get(delivery.shard());
      if (mine == null) {
        mine = load(delivery.shard());
        windows.put(delivery.shard(), mine);
      }
      if (mine.left <= 0 && mine.open.isEmpty()) {
        continue; // nobody has had what comes now
      }
      if (mine.open.add(delivery.offset())) {
        if (mine.left <= 0) {
          mine.open.remove(delivery.offset());
          continue;
        }
        mine.left--;
        counting = true;
        mine.counts.merge(delivery.offset(), 1, Integer::sum);
      } // else it was counted before, and could not be stored
      int count = mine.counts.getOrDefault(delivery.offset(), 1);
      edits
          .computeIfAbsent(mine, w -> new ArrayList<>())
          .add(new Edit.Row(mine.id.key(), delivery.offset(), number(count)));
      counts[i] = Math.max(count, delivery.count());
    }
    edits.forEach((of, all) -> write(of.id, all));
    return counts;
  }

  private void write(RecordId id, List<Edit> all) {
    for (int from = 0; from < all.size(); from += TOGETHER) {
      access.apply(id.partition(), all.subList(from, Math.min(all.size(), from + TOGETHER)));
    }
  }

  private static byte[] number(int count) {
    return Integer.toString(count).getBytes(StandardCharsets.US_ASCII);
  }

  private Window load(Shard shard) {
    Window loaded = new Window(access.id("$count:" + Hash.of(group + ":" + shard)), window);
    Stored found = access.look(loaded.id, true);
    if (found != null) {
      found
          .rows()
          .forEach(
              (offset, count) ->
                  loaded.counts.put(
                      offset, Integer.parseInt(new String(count, StandardCharsets.US_ASCII))));
    }
    return loaded;
  }

  /** By any thread. */
  void settled(Delivery delivery) {
    if (counting) {
      settled.add(delivery);
    }
  }

  private void clear() {
    for (Delivery delivery = settled.poll(); delivery != null; delivery = settled.poll()) {
      Window mine = windows.get(delivery.shard());
      if (mine != null && mine.open.remove(delivery.offset()) && mine.open.isEmpty()) {
        mine.counts.clear();
        emptied.add(mine);
        counting = windows.values().stream().anyMatch(window -> !window.open.isEmpty());
      }
    }
    for (Iterator<Window> some = emptied.iterator(); some.hasNext(); ) {
      Window one = some.next();
      if (one.open.isEmpty()) {
        access.apply(one.id.partition(), List.of(new Edit.Delete(one.id.key())));
      }
      some.remove(); // not before the store has done it
    }
  }

  /** The shard goes to another feed, and nobody died. */
  void leave(Set<Shard> shards) {
    try {
      clear();
      for (Shard shard : shards) {
        Window mine = windows.get(shard);
        if (mine != null && !mine.open.isEmpty()) {
          write(mine.id, uncounted(mine));
        }
      }
    } finally {
      // when they come back others have counted meanwhile, which must not be deleted
      emptied.removeIf(window -> shards.stream().anyMatch(s -> windows.get(s) == window));
      shards.forEach(windows::remove);
    }
  }

  private static List<Edit> uncounted(Window mine) {
    List<Edit> edits = new ArrayList<>();
    for (String offset : mine.open) {
      int before = mine.counts.getOrDefault(offset, 1) - 1;
      edits.add(new Edit.Row(mine.id.key(), offset, before == 0 ? null : number(before)));
    }
    return edits;
  }

  void leave() {
    leave(Set.copyOf(windows.keySet()));
  }
}
