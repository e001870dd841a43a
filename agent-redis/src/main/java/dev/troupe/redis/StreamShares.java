package dev.troupe.redis;

import dev.troupe.event.Delivery.Shard;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.TreeSet;

/**
 * How many shards of a topic a member of a group should have, so that all have as many as each
 * other, or one more. Everybody reckons for himself, from the same names; who gets one more differs
 * from topic to topic.
 */
final class StreamShares {
  private final int target;

  StreamShares(String topic, int shards, Collection<String> members, String me) {
    TreeSet<String> all =
        new TreeSet<>(
            Comparator.comparing((String member) -> (topic + " " + member).hashCode())
                .thenComparing(member -> member));
    all.addAll(members);
    all.add(me);
    int rank = all.headSet(me).size();
    target = shards / all.size() + (rank < shards % all.size() ? 1 : 0);
  }

  /** What to give up of what one has; what nobody has serves those who lack first. */
  <T> List<T> give(List<T> mine, int free) {
    int going = Math.max(0, mine.size() - target - free);
    return mine.subList(mine.size() - going, mine.size());
  }

  /** What to take of what nobody has. */
  List<Shard> take(int mine, List<Shard> free) {
    return new ArrayList<>(free.subList(0, Math.max(0, Math.min(free.size(), target - mine))));
  }
}
