package dev.troupe.examples.party;

import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.Outcome;
import dev.troupe.state.StateStore;
import dev.troupe.testkit.ForwardingStore;
import java.io.PrintStream;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Counts the rows of journals that were stored, and holds the process still after the last one it
 * is allowed, so that it can be killed just there.
 */
final class StoppingStore extends ForwardingStore {
  private final int lastRow;
  private final PrintStream tell;
  private final ReentrantLock oneAtATime = new ReentrantLock();
  private int rows;

  StoppingStore(StateStore store, int lastRow, PrintStream tell) {
    super(store);
    this.lastRow = lastRow;
    this.tell = tell;
  }

  int rows() {
    return rows;
  }

  @Override
  public List<Outcome> apply(List<Change> changes) {
    oneAtATime.lock();
    try {
      List<Outcome> outcomes = super.apply(changes);
      for (int i = 0; i < changes.size(); i++) {
        if (outcomes.get(i) instanceof Outcome.Done) {
          rows += (int) changes.get(i).edits().stream().filter(StoppingStore::isJournalRow).count();
        }
      }
      if (rows >= lastRow) {
        tell.println("stopped after row " + rows);
        while (true) {
          LockSupport.park(this); // with the lock: nothing is written any more
        }
      }
      return outcomes;
    } finally {
      oneAtATime.unlock();
    }
  }

  private static boolean isJournalRow(Edit edit) {
    return edit instanceof Edit.Row row && row.value() != null;
  }
}
