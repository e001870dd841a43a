package dev.troupe.llm;

import dev.troupe.state.Change;
import dev.troupe.state.Edit;
import dev.troupe.state.RecordId;
import dev.troupe.state.Stored;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes what calls really took, behind their backs and in order. Many settlements of one account
 * go in one change, whose mark the next one removes; what the store does not take is sent again
 * until it does. Its thread ends when there was nothing to do for a while. Into a store in this
 * process's memory callers write themselves, unless another one just does.
 */
final class BudgetSettler {
  private static final Logger LOG = LoggerFactory.getLogger(BudgetSettler.class);
  private static final int MOST_IN_A_CHANGE = 200;
  private static final int MOST_ACCOUNTS = 10_000;
  private static final long IDLE_NANOS = TimeUnit.SECONDS.toNanos(5);
  private static final long LONGEST_PAUSE_NANOS = TimeUnit.SECONDS.toNanos(5);
  private static final long FIRST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

  private final BudgetLedger ledger;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private List<Settlement> waiting = new ArrayList<>();
  private long taken;
  private long written;
  private boolean runs;
  private boolean closing;

  /** The last settlement's mark in each account; only who writes looks here. */
  private final Map<RecordId, String> marks =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<RecordId, String> eldest) {
          return size() > MOST_ACCOUNTS;
        }
      };

  /**
   * What became of what was set aside.
   *
   * @param account where
   * @param mark its row
   * @param aside what was set aside
   * @param used what it really took, null for nothing
   * @param sure false when it is not known whether it was set aside at all
   */
  record Settlement(
      RecordId account,
      String mark,
      BudgetAmounts aside,
      @Nullable BudgetAmounts used,
      boolean sure) {}

  BudgetSettler(BudgetLedger ledger) {
    this.ledger = ledger;
  }

  void settle(List<Settlement> settlements) {
    if (settlements.isEmpty()) {
      return;
    }
    Job own = null;
    lock.lock();
    try {
      waiting.addAll(settlements);
      taken += settlements.size();
      if (runs) {
        changed.signalAll();
      } else {
        runs = true;
        if (ledger.here()) {
          own = take();
        } else {
          start(null);
        }
      }
    } finally {
      lock.unlock();
    }
    if (own != null) {
      writeHere(own);
    }
  }

  private Job take() {
    Job job = new Job(waiting);
    waiting = new ArrayList<>();
    return job;
  }

  private void start(@Nullable Job first) {
    Thread thread = new Thread(() -> run(first), "troupe-budgets");
    thread.setDaemon(true);
    thread.start();
  }

  /** What the caller does itself, sooner than it could hand it over; the rest is the thread's. */
  private void writeHere(Job job) {
    boolean written = false;
    try {
      job.attempt();
      written = true;
      end(job);
    } catch (RuntimeException later) {
      LOG.debug("budgets are settled later: {}", later.getMessage());
    } finally {
      lock.lock();
      try {
        if (written && waiting.isEmpty()) {
          runs = false;
        } else {
          start(written ? null : job);
        }
      } finally {
        lock.unlock();
      }
    }
  }

  /**
   * Waits until all that was settled before is written.
   *
   * @return whether there was anything, and it is written now
   */
  boolean flush(long nanos) {
    boolean interrupted = false;
    lock.lock();
    try {
      long until = taken;
      boolean any = written < until;
      long left = nanos;
      while (written < until && left > 0) {
        try {
          left = changed.awaitNanos(left);
        } catch (InterruptedException e) {
          interrupted = true;
          break;
        }
      }
      return any && written >= until;
    } finally {
      lock.unlock();
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  boolean owes() {
    lock.lock();
    try {
      return written < taken;
    } finally {
      lock.unlock();
    }
  }

  /** What is not written by the end of the time counts as used. */
  void close(long nanos) {
    flush(nanos);
    lock.lock();
    try {
      closing = true;
      if (written < taken) {
        LOG.warn(
            "{} settlements of budgets were not written because the store does not answer; what was"
                + " set aside for them counts as used",
            taken - written);
      }
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private void run(@Nullable Job first) {
    Job job = first == null ? next() : first;
    while (job != null) {
      write(job);
      end(job);
      job = next();
    }
  }

  private void end(Job job) {
    lock.lock();
    try {
      written += job.all.size();
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** What waits; null when the thread is to end. */
  private @Nullable Job next() {
    lock.lock();
    try {
      long left = IDLE_NANOS;
      while (waiting.isEmpty() && left > 0 && !closing) {
        try {
          left = changed.awaitNanos(left);
        } catch (InterruptedException nobodyAsksFor) {
          left = 0;
        }
      }
      runs = !waiting.isEmpty();
      return runs ? take() : null;
    } finally {
      lock.unlock();
    }
  }

  // by one thread at a time

  private void write(Job job) {
    long pause = FIRST_PAUSE_NANOS;
    while (true) {
      try {
        job.attempt();
        return;
      } catch (RuntimeException later) {
        if (!pause(pause)) {
          return;
        }
        LOG.debug("budgets are settled later: {}", later.getMessage());
        pause = Math.min(2 * pause, LONGEST_PAUSE_NANOS);
      }
    }
  }

  /** Settlements that are written together, and how far that got. */
  private final class Job {
    final List<Settlement> all;
    private @Nullable Map<RecordId, List<Settlement>> accounts;
    private @Nullable List<Part> parts;

    Job(List<Settlement> all) {
      this.all = all;
    }

    /** Goes on where the attempt before failed. */
    void attempt() {
      if (accounts == null) {
        accounts = byAccount(all);
      }
      while (!accounts.isEmpty()) {
        if (parts == null) {
          parts = parts(accounts);
        }
        // sent again as it was: an answer may have been lost
        ledger.ask(parts.stream().map(Part::change).toList());
        for (Part part : parts) {
          marks.put(part.account, part.mark);
        }
        parts = null;
      }
    }
  }

  /** Waits, unless this is the end; false then. */
  private boolean pause(long nanos) {
    lock.lock();
    try {
      long left = nanos;
      while (left > 0 && !closing) {
        left = changed.awaitNanos(left);
      }
      return !closing;
    } catch (InterruptedException nobodyAsksFor) {
      return true;
    } finally {
      lock.unlock();
    }
  }

  private Map<RecordId, List<Settlement>> byAccount(List<Settlement> all) {
    Map<RecordId, List<Settlement>> accounts = new LinkedHashMap<>();
    for (Settlement one : all) {
      if (one.sure || isThere(one)) {
        accounts.computeIfAbsent(one.account, account -> new ArrayList<>()).add(one);
      }
    }
    return accounts;
  }

  private boolean isThere(Settlement unsure) {
    for (Stored part : ledger.whole(unsure.account)) {
      if (part.rows().containsKey(unsure.mark)) {
        return true;
      }
    }
    return false;
  }

  private record Part(RecordId account, String mark, Change change) {}

  /** One change for each account, with as many settlements as it holds. */
  private List<Part> parts(Map<RecordId, List<Settlement>> accounts) {
    List<Part> parts = new ArrayList<>(accounts.size());
    for (Map.Entry<RecordId, List<Settlement>> entry : accounts.entrySet()) {
      List<Settlement> all = entry.getValue();
      List<Settlement> some = all.subList(0, Math.min(MOST_IN_A_CHANGE, all.size()));
      String mark = BudgetAccount.SETTLED + ledger.unique();
      RecordId account = entry.getKey();
      parts.add(new Part(account, mark, ledger.change(account, edits(account, mark, some))));
      entry.setValue(List.copyOf(all.subList(some.size(), all.size())));
    }
    accounts.values().removeIf(List::isEmpty);
    return parts;
  }

  private List<Edit> edits(RecordId account, String mark, List<Settlement> some) {
    String key = account.key();
    List<Edit> edits = new ArrayList<>(some.size() + 10);
    edits.add(new Edit.NoRow(key, mark));
    edits.add(new Edit.Row(key, mark, new byte[0]));
    String before = marks.get(account);
    if (before != null) {
      edits.add(new Edit.Row(key, before, null));
    }
    long calls = 0;
    long input = 0;
    long output = 0;
    long cost = 0;
    long leftTokens = 0;
    long leftMoney = 0;
    for (Settlement one : some) {
      edits.add(new Edit.Row(key, one.mark, null));
      leftTokens += one.aside.tokens();
      leftMoney += one.aside.nanos();
      if (one.used != null) {
        calls++;
        input += one.used.input();
        output += one.used.output();
        cost += one.used.nanos();
      }
    }
    more(edits, key, BudgetAccount.CALLS, calls);
    more(edits, key, BudgetAccount.INPUT, input);
    more(edits, key, BudgetAccount.OUTPUT, output);
    more(edits, key, BudgetAccount.COST, cost);
    more(edits, key, BudgetAccount.LEFT_CALLS, some.size() - calls);
    more(edits, key, BudgetAccount.LEFT_TOKENS, leftTokens - input - output);
    more(edits, key, BudgetAccount.LEFT_MONEY, leftMoney - cost);
    return edits;
  }

  private static void more(List<Edit> edits, String key, String counter, long delta) {
    if (delta != 0) {
      edits.add(new Edit.Add(key, counter, delta, Long.MIN_VALUE));
    }
  }
}
