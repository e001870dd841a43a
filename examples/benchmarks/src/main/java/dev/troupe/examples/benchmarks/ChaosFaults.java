package dev.troupe.examples.benchmarks;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** When something was done to somebody, and when nothing was, as the history tells. */
final class ChaosFaults {
  private final TreeMap<Long, String> begun = new TreeMap<>();
  private final Map<String, Integer> kinds = new LinkedHashMap<>();

  /** Beginnings and ends of times without any fault. */
  private final TreeMap<Long, Long> calm = new TreeMap<>();

  private int stills;

  ChaosFaults(List<ChaosLine> lines) {
    Set<String> open = new HashSet<>();
    List<long[]> stood = new ArrayList<>();
    long since = 0;
    for (ChaosLine line : lines) {
      switch (line.kind()) {
        case ChaosLine.FAULT -> {
          if (open.isEmpty()) {
            calm.put(since, line.millis());
          }
          open.add(line.words().get(0));
          begun.put(line.ticket(), line.words().get(1));
          kinds.merge(line.words().get(1), 1, Integer::sum);
        }
        case ChaosLine.HEALED -> {
          open.remove(line.words().get(0));
          since = line.millis();
        }
        case ChaosLine.STILL -> {
          stood.add(new long[] {line.millis() - line.number(0), line.millis()});
          stills++;
        }
        default -> {
          // what was done with events
        }
      }
    }
    if (open.isEmpty()) {
      calm.put(since, Long.MAX_VALUE);
    }
    stood.forEach(this::cut);
  }

  /** While a process stood still by itself it was not calm. */
  private void cut(long[] still) {
    Map.Entry<Long, Long> before = calm.floorEntry(still[1]);
    while (before != null && before.getValue() > still[0]) {
      calm.remove(before.getKey());
      if (before.getKey() < still[0]) {
        calm.put(before.getKey(), still[0]);
      }
      if (before.getValue() > still[1]) {
        calm.put(still[1], before.getValue());
      }
      before = calm.lowerEntry(before.getKey());
    }
  }

  /** How often each was done. */
  Map<String, Integer> kinds() {
    return kinds;
  }

  /** How often a process stood still, by the machine's doing or by a fault. */
  int stills() {
    return stills;
  }

  /** The last fault that began before a line: its ticket. Null when there was none. */
  @Nullable Long last(ChaosLine before) {
    return begun.lowerKey(before.ticket());
  }

  String kind(long ticket) {
    return begun.getOrDefault(ticket, "");
  }

  /** Whether there were so many milliseconds without any fault between two times. */
  boolean calmFor(long millis, long from, long to) {
    for (Map.Entry<Long, Long> one : calm.headMap(to, true).entrySet()) {
      if (Math.min(to, one.getValue()) - Math.max(from, one.getKey()) >= millis) {
        return true;
      }
    }
    return false;
  }
}
