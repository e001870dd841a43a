package dev.troupe.llm;

import dev.troupe.llm.BudgetState.Stop;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What operators said about a scope, whatever the period.
 *
 * @param budget theirs, null where the builder's holds
 * @param period theirs, null where the builder's holds
 * @param stop null while calls are allowed
 * @param changes ids of the last changes, so that one whose answer was lost is recognised
 */
record BudgetSettings(
    @Nullable Budget budget,
    @Nullable BudgetPeriod period,
    @Nullable Stop stop,
    List<String> changes) {
  static final BudgetSettings NONE = new BudgetSettings(null, null, null, List.of());

  private static final int REMEMBERED = 16;

  BudgetSettings {
    changes = List.copyOf(changes);
  }

  BudgetSettings limited(Budget anew, @Nullable BudgetPeriod by) {
    return new BudgetSettings(anew, by == null ? period : by, stop, changes);
  }

  BudgetSettings stopped(@Nullable Stop anew) {
    return new BudgetSettings(budget, period, anew, changes);
  }

  BudgetSettings changedBy(String id) {
    List<String> all = new ArrayList<>(changes);
    all.add(id);
    return new BudgetSettings(
        budget, period, stop, all.subList(Math.max(0, all.size() - REMEMBERED), all.size()));
  }

  byte[] encode() {
    BudgetLines lines = new BudgetLines().add(budget).add("period", period);
    if (stop != null) {
      lines.add("stopped", stop.at().toEpochMilli());
      lines.add("by", stop.by()).add("why", stop.reason());
    }
    return lines.add("changes", String.join(" ", changes)).encode();
  }

  static BudgetSettings decode(String key, byte[] value) {
    BudgetLines.Read read = new BudgetLines.Read(key, value);
    Instant at = read.value("stopped", text -> Instant.ofEpochMilli(Long.parseLong(text)));
    String by = read.text("by");
    String why = read.text("why");
    String changes = read.text("changes");
    return new BudgetSettings(
        read.budget(),
        read.value("period", BudgetPeriod::valueOf),
        at == null ? null : new Stop(by == null ? "" : by, why == null ? "" : why, at),
        changes == null || changes.isEmpty() ? List.of() : List.of(changes.split(" ")));
  }
}
