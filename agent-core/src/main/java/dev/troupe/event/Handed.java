package dev.troupe.event;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Deliveries of a shard in the order in which they were handed out, from the first that is not
 * settled on. A ring of arrays, because every event passes it: positions only grow, so one is found
 * by bisection.
 */
final class Handed {
  private long[] positions = new long[64]; // lengths are powers of two
  private @Nullable Delivery[] deliveries = new Delivery[64];
  private int head;
  private int size;
  private int open;

  /** How many there are, settled ones behind the first that is not included. */
  int size() {
    return size;
  }

  /** How many are not settled. */
  int open() {
    return open;
  }

  private int slot(int i) {
    return (head + i) & (positions.length - 1);
  }

  /** Adds the next one; null for one that is settled already. */
  void add(long position, @Nullable Delivery delivery) {
    if (size == positions.length) {
      grow();
    }
    int slot = slot(size);
    positions[slot] = position;
    deliveries[slot] = delivery;
    size++;
    open += delivery == null ? 0 : 1;
  }

  private void grow() {
    long[] morePositions = new long[positions.length * 2];
    @Nullable Delivery[] moreDeliveries = new Delivery[positions.length * 2];
    for (int i = 0; i < size; i++) {
      morePositions[i] = positions[slot(i)];
      moreDeliveries[i] = deliveries[slot(i)];
    }
    positions = morePositions;
    deliveries = moreDeliveries;
    head = 0;
  }

  private int find(long position) {
    int low = 0;
    int high = size - 1;
    while (low <= high) {
      int middle = (low + high) >>> 1;
      long there = positions[slot(middle)];
      if (there == position) {
        return slot(middle);
      } else if (there < position) {
        low = middle + 1;
      } else {
        high = middle - 1;
      }
    }
    return -1;
  }

  /** Whether it was handed out and is not settled. */
  boolean has(long position) {
    int slot = find(position);
    return slot >= 0 && deliveries[slot] != null;
  }

  /** Settles one; false when it is not here, or settled already. */
  boolean settle(long position) {
    int slot = find(position);
    if (slot < 0 || deliveries[slot] == null) {
      return false;
    }
    deliveries[slot] = null;
    open--;
    return true;
  }

  /** Lets settled ones go that nothing open lies before; the last one's position, or -1. */
  long pass() {
    long passed = -1;
    while (size > 0 && deliveries[head] == null) {
      passed = positions[head];
      head = slot(1);
      size--;
    }
    return passed;
  }

  /** Positions that are settled, though something before them is not. */
  long[] settledBehind() {
    long[] some = new long[size - open];
    int count = 0;
    for (int i = 0; i < size; i++) {
      if (deliveries[slot(i)] == null) {
        some[count++] = positions[slot(i)];
      }
    }
    return Arrays.copyOf(some, count);
  }

  /** The first that is not settled, null when there is none. */
  @Nullable Delivery first() {
    for (int i = 0; i < size; i++) {
      Delivery one = deliveries[slot(i)];
      if (one != null) {
        return one;
      }
    }
    return null;
  }
}
