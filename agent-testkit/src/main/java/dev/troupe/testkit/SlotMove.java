package dev.troupe.testkit;

import java.util.ArrayList;
import java.util.List;

/**
 * A slot on its way from one master of a {@link RedisCluster} to another. Until {@link #finish()}
 * the former master answers for keys that it still has, and with ASK for others.
 *
 * <p>Not safe for several threads.
 */
public final class SlotMove {
  private static final String AT_ONCE = "100";

  private final int slot;
  private final ClusterNode from;
  private final ClusterNode to;
  private final List<ClusterNode> nodes;

  SlotMove(int slot, ClusterNode from, ClusterNode to, List<ClusterNode> nodes) {
    this.slot = slot;
    this.from = from;
    this.to = to;
    this.nodes = nodes;
    to.ask("CLUSTER", "SETSLOT", "" + slot, "IMPORTING", from.id());
    from.ask("CLUSTER", "SETSLOT", "" + slot, "MIGRATING", to.id());
  }

  /**
   * Moves the keys that the slot has now.
   *
   * @return how many there were
   */
  public int moveKeys() {
    int moved = 0;
    while (true) {
      Object keys = from.ask("CLUSTER", "GETKEYSINSLOT", "" + slot, AT_ONCE);
      if (!(keys instanceof List<?> some) || some.isEmpty()) {
        return moved;
      }
      List<String> words = new ArrayList<>(List.of("MIGRATE", "127.0.0.1"));
      words.addAll(List.of("" + to.server().port(), "", "0", "5000", "KEYS"));
      some.forEach(key -> words.add((String) key));
      from.ask(words.toArray(new String[0]));
      moved += some.size();
    }
  }

  /**
   * Gives the slot to the new master and tells all masters that run; from now on the former one
   * answers with MOVED.
   *
   * @throws IllegalStateException when the former master has keys left
   */
  public void finish() {
    Object left = from.ask("CLUSTER", "COUNTKEYSINSLOT", "" + slot);
    if (!Long.valueOf(0).equals(left)) {
      // the former master would throw them away
      throw new IllegalStateException("slot " + slot + " has " + left + " keys left to move");
    }
    List<ClusterNode> order = new ArrayList<>(List.of(to, from)); // the new owner has to know first
    nodes.stream().filter(node -> !order.contains(node)).forEach(order::add);
    for (ClusterNode node : order) {
      if (node.server().alive() && node.isMaster()) {
        node.ask("CLUSTER", "SETSLOT", "" + slot, "NODE", to.id());
      }
    }
  }
}
