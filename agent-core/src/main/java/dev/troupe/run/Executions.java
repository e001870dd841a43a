package dev.troupe.run;

import dev.troupe.state.Edit;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Which processes have executed a run, and how often one has died with it. */
final class Executions {
  private static final String DEATHS_ROW = "$deaths";
  private static final String EXECUTED_ROW = "$on/";

  /** How many of the last processes are remembered. */
  private static final int MAX_EXECUTED = 64;

  private final String run;
  private final List<Edit> riders;
  private @Nullable Entry deaths;
  private @Nullable Entry last;
  private int count;
  private String where = "";
  private Instant since = Instant.EPOCH;

  Executions(String run, List<Edit> riders) {
    this.run = run;
    this.riders = riders;
  }

  /** Takes in a row, if it is about this. */
  void load(String row, Entry entry) {
    if (row.equals(DEATHS_ROW)) {
      deaths = entry;
    } else if (entry.kind() == Entry.Kind.EXECUTED) {
      count++;
      if (last == null || entry.at() >= last.at()) {
        last = entry;
      }
    }
  }

  /** A process executes the run from here on; noted when it is another, or the last one died. */
  void begins(String holder, String where, Instant now, long written) {
    this.where = where;
    this.since = now;
    if (!isLast(holder) || diedSince()) {
      note(holder, where, now.toEpochMilli(), written);
    }
  }

  /** The same execution, read again: what was noted may not have been written yet. */
  void goesOn(Executions before, String holder, long written) {
    if (!before.where.isEmpty()) {
      begins(holder, before.where, before.since, written);
    }
  }

  /** A process died; one that wrote nothing is noted as having begun as early as it can have. */
  void dies(String holder, String where, Instant created, long written) {
    Entry before = last;
    Entry died = deaths;
    boolean again = diedSince();
    if (isLast(holder) && !again) {
      return;
    }
    long earliest = before == null ? created.toEpochMilli() : before.at();
    note(holder, where, again && died != null ? died.at() : earliest, written);
  }

  private boolean isLast(String holder) {
    return last != null && last.head().equals(holder);
  }

  private boolean diedSince() {
    return deaths != null && (last == null || deaths.at() > last.at());
  }

  private void note(String holder, String where, long at, long written) {
    byte[] who = Entry.text(holder, Entry.text(where));
    Entry executed = new Entry(Entry.Kind.EXECUTED, written, at, diedSince() ? 2 : 1, who);
    last = executed;
    riders.add(new Edit.Row(run, EXECUTED_ROW + count++ % MAX_EXECUTED, executed.encode()));
  }

  /** How many processes have died, with one more, since the run came any further. */
  int deathsWithOneMore(long written) {
    return deaths != null && deaths.number() == written ? deaths.attempts() + 1 : 1;
  }

  /** So many have died since the run came any further. */
  Edit died(Instant now, int many, long written) {
    Entry died = new Entry(Entry.Kind.OPEN, written, now.toEpochMilli(), many, new byte[0]);
    return new Edit.Row(run, DEATHS_ROW, died.encode());
  }
}
