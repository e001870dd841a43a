package dev.troupe.testkit;

import dev.troupe.testkit.HistoryReport.Rule;
import dev.troupe.testkit.HistoryReport.Violation;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Whether runs of one key start in the order of their submission. Of two runs the order is known
 * when one was accepted before the other was begun to be submitted.
 */
final class HistoryLanes {
  private final List<Violation> violations;

  HistoryLanes(List<Violation> violations) {
    this.violations = violations;
  }

  void check(Collection<HistoryRun> runs) {
    Map<String, List<HistoryRun>> lanes = new TreeMap<>();
    for (HistoryRun run : runs) {
      if (!run.key.isEmpty() && (run.submitted != HistoryRun.NEVER || run.seen())) {
        lanes.computeIfAbsent(run.key, key -> new ArrayList<>()).add(run);
      }
    }
    lanes.values().forEach(this::lane);
  }

  private void lane(List<HistoryRun> lane) {
    List<HistoryRun> accepted = new ArrayList<>(lane);
    accepted.removeIf(run -> run.submitted == HistoryRun.NEVER);
    accepted.sort(Comparator.comparingLong(run -> run.submitted));
    lane.sort(Comparator.comparingLong(run -> run.submitting));
    int next = 0;
    HistoryRun last = null; // of those accepted by then, the one that started last
    for (HistoryRun run : lane) {
      while (next < accepted.size() && accepted.get(next).submitted < run.submitting) {
        HistoryRun earlier = accepted.get(next++);
        if (last == null || start(earlier) > start(last)) {
          last = earlier;
        }
      }
      if (run.firstTaken != HistoryRun.NEVER && last != null && start(last) > run.firstTaken) {
        violations.add(new Violation(Rule.LANE_ORDER, run.id, words(run, last)));
      }
    }
  }

  /**
   * One that never started is after all others; ended without a start, it stood in nobody's way.
   */
  private static long start(HistoryRun run) {
    if (run.firstTaken != HistoryRun.NEVER) {
      return run.firstTaken;
    }
    return ended(run) ? HistoryRun.NEVER : Long.MAX_VALUE;
  }

  private static boolean ended(HistoryRun run) {
    return run.end != null || run.outcomes.stream().anyMatch(outcome -> outcome.state().ended());
  }

  private static String words(HistoryRun run, @Nullable HistoryRun before) {
    return before == null
        ? ""
        : "key '%s': run %s started (event %d) before run %s (%s), which was accepted before it"
            .formatted(
                run.key,
                run.id,
                run.firstTaken,
                before.id,
                before.firstTaken == HistoryRun.NEVER ? "never" : "event " + before.firstTaken);
  }
}
