package dev.troupe.testkit;

import java.util.ArrayList;
import java.util.List;

/** When one process stood still. Belongs to one thread. */
final class HistoryStalls {
  /** How long after it woke a thread may take to note what it had decided before. */
  static final long WAKING_MILLIS = 1_000;

  private final List<Stall> stalls = new ArrayList<>();

  /** From the last ticket seen before to the line that notes it, which was written at a time. */
  private record Stall(long from, long ticket, long woke) {}

  void add(HistoryEvent event) {
    long from = event.number(0);
    long began = event.millis() - event.number(1);
    if (!stalls.isEmpty()) {
      Stall last = stalls.get(stalls.size() - 1);
      if (began - last.woke <= WAKING_MILLIS) {
        from = last.from; // it hardly woke between the two
      }
    }
    stalls.add(new Stall(from, event.ticket(), event.millis()));
  }

  int count() {
    return stalls.size();
  }

  /**
   * Whether an event may note what its process had decided before something else happened: the
   * process stood still while that happened, and this is the first it did of its kind since.
   *
   * @param event the event
   * @param before the ticket of its predecessor, -1 for none
   * @param other the ticket of what happened meanwhile
   */
  boolean excuse(HistoryEvent event, long before, long other) {
    for (int i = stalls.size() - 1; i >= 0; i--) {
      Stall stall = stalls.get(i);
      if (stall.ticket < event.ticket()) {
        if (stall.ticket < before || event.millis() - stall.woke > WAKING_MILLIS) {
          return false;
        }
        if (stall.from < other) {
          return true;
        }
      }
    }
    return false;
  }
}
