package dev.troupe.event;

import dev.troupe.event.GroupCursors.Held;
import dev.troupe.event.GroupCursors.View;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * Which shards a member takes and gives, so that all members come to have as many as each other, or
 * one more. Everybody reckons for himself from the same records, and gives only as many as others
 * lack.
 */
final class ShardBalance {
  private final View view;
  private final String me;
  private final TreeSet<Integer> mine;
  private final Map<String, Integer> owned = new HashMap<>();
  private final int least;
  private final int most;

  ShardBalance(View view, String me, Set<Integer> mine) {
    this.view = view;
    this.me = me;
    this.mine = new TreeSet<>(mine);
    TreeSet<String> members = new TreeSet<>(view.members());
    members.add(me);
    members.forEach(member -> owned.put(member, 0));
    for (Held held : view.cursors().values()) {
      if (!held.cursor().free(view.now())) {
        owned.merge(held.cursor().owner, 1, Integer::sum);
      }
    }
    owned.put(me, mine.size());
    int shards = view.cursors().size();
    this.least = shards / members.size();
    this.most = (shards + members.size() - 1) / members.size();
  }

  /** What to give, the last ones first. */
  List<Integer> give() {
    int lacking = 0;
    for (int has : owned.values()) {
      lacking += Math.max(0, least - has);
    }
    for (Held held : view.cursors().values()) {
      lacking -= held.cursor().free(view.now()) ? 1 : 0;
    }
    int give = Math.max(0, mine.size() - most);
    if (give == 0 && lacking > 0 && mine.size() > least) {
      List<String> rich = new ArrayList<>();
      owned.forEach(
          (member, has) -> {
            if (has > least) {
              rich.add(member);
            }
          });
      rich.sort(
          Comparator.comparing((String member) -> -owned.getOrDefault(member, 0))
              .thenComparing(member -> member));
      give = rich.indexOf(me) < lacking ? 1 : 0;
    }
    List<Integer> going = new ArrayList<>(mine.descendingSet());
    return going.subList(0, Math.min(give, going.size()));
  }

  /**
   * What to take.
   *
   * @param fromOthers whether to take what others should have renewed; not after one could not ask
   *     the store oneself, because then they could not either
   */
  List<Held> take(boolean fromOthers) {
    List<Held> taken = new ArrayList<>();
    int has = mine.size();
    for (Held held : view.cursors().values()) {
      Cursor cursor = held.cursor();
      boolean left = cursor.owner.equals(Cursor.NOBODY) || cursor.owner.equals(me);
      boolean free = left || (fromOthers && cursor.free(view.now()));
      if (has < most && free && !mine.contains(held.number())) {
        taken.add(held);
        has++;
      }
    }
    return taken;
  }
}
