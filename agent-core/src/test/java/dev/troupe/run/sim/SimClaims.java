package dev.troupe.run.sim;

import dev.troupe.run.Journal;
import dev.troupe.run.RunHeader;
import dev.troupe.run.RunRecord;
import dev.troupe.state.Claim;
import dev.troupe.state.Grant;
import dev.troupe.state.RecordId;
import dev.troupe.state.Stored;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Takes runs from the store: the runtime's {@code ClaimLoop}, one thing after another. */
final class SimClaims {
  private final SimProcess process;
  private final Access access;
  private final Set<String> hints = new LinkedHashSet<>();
  private long grants;
  private boolean suspect;
  private boolean unanswered;
  private boolean backlog;
  private boolean stopped;
  private boolean busy;
  private @Nullable Instant expected;
  private long nextPoll;
  private long pause;
  private int turn;

  /** Held while the upkeep has claimed what is no run to execute, and while this gives back. */
  private boolean caring;

  SimClaims(SimProcess process) {
    this.process = process;
    this.access = process.access;
  }

  // told by others

  void hint(String run) {
    hints.add(run);
    kick();
  }

  void expect(Instant due) {
    if (expected == null || due.isBefore(expected)) {
      expected = due;
      kick();
    }
  }

  void suspect() {
    suspect = true;
  }

  /** The store may have handed out records in an answer that did not come. */
  void unanswered() {
    unanswered = true;
    suspect = true;
  }

  /** Whether a claim may still come to the store of which this process knows nothing. */
  boolean unsure() {
    return unanswered;
  }

  boolean isBusy() {
    return busy;
  }

  boolean isStopped() {
    return stopped;
  }

  void stop() {
    stopped = true;
  }

  boolean tryCare() {
    if (caring) {
      return false;
    }
    caring = true;
    return true;
  }

  void careNoMore() {
    caring = false;
  }

  /** A grant for a claim; null while this process is no member of its fleet. */
  @Nullable Grant newGrant() {
    String claimant = process.fleet.claimant();
    return claimant == null ? null : new Grant(claimant, ++grants);
  }

  // its turns

  /** Something may be there to be claimed. */
  void kick() {
    if (!busy) {
      scheduleTurn(1);
    }
  }

  private void scheduleTurn(long wait) {
    int mine = ++turn;
    process.after(
        wait,
        () -> {
          if (mine == turn && !busy && !stopped) {
            takeTurn();
          }
        });
  }

  private void takeTurn() {
    int free = process.free();
    if (free <= 0 || !process.fleet.mayBegin()) {
      work(
          suspect && process.mutation() != Mutation.NO_IDLE_RECLAIM,
          () -> {
            busy = false;
            scheduleTurn(SimProcess.POLL);
          });
      return;
    }
    long now = access.nanos();
    Instant due = expected;
    boolean isDue = due != null && !due.isAfter(access.now());
    boolean poll = backlog || isDue || now - nextPoll >= 0;
    if (isDue) {
      expected = null;
    }
    if (hints.size() > free) {
      hints.clear();
      poll = true;
    }
    if (!poll && hints.isEmpty()) {
      long rest = nextPoll - now;
      if (due != null) {
        rest = Math.min(rest, Duration.between(access.now(), due).toNanos());
      }
      scheduleTurn(Math.max(rest, 100_000));
      return;
    }
    List<RecordId> named = hints.stream().map(Access::place).toList();
    hints.clear();
    backlog &= !poll;
    boolean polls = poll;
    work(suspect, () -> claimNamed(named, free, polls));
  }

  /** Looks first, if so wanted, for what this process holds and does not know. */
  private void work(boolean looks, Runnable then) {
    busy = true;
    boolean impatient = process.mutation() == Mutation.IMPATIENT_RECLAIM;
    look(looks, access.nanos() + (impatient ? 0 : Timeline.millis(100)), then);
  }

  private void look(boolean looks, long until, Runnable then) {
    if (!looks || process.mutation() == Mutation.NO_RECLAIM) {
      then.run();
    } else if (tryCare()) {
      suspect = false;
      unanswered &= process.mutation() != Mutation.SURE_TOO_SOON;
      reclaim(
          known(),
          () -> {
            careNoMore();
            then.run();
          });
    } else if (access.nanos() - until < 0) {
      process.after(Timeline.millis(1), () -> look(true, until, then));
    } else {
      then.run();
    }
  }

  private void claimNamed(List<RecordId> named, int free, boolean polls) {
    pause = 0;
    if (named.isEmpty()) {
      claimDue(free, polls);
      return;
    }
    claim(
        new Claim.From.Named(named),
        free,
        records -> start(records, 0, () -> claimDue(free - records.size(), polls)),
        this::failed);
  }

  private void claimDue(int free, boolean polls) {
    if (!polls || free == 0) {
      backlog |= polls;
      over();
      return;
    }
    nextPoll = access.nanos() + SimProcess.POLL;
    claim(
        new Claim.From.Due(process.queues()),
        free,
        records -> {
          backlog |= records.size() >= free;
          start(records, 0, this::over);
        },
        this::failed);
  }

  private void over() {
    busy = false;
    scheduleTurn(1);
  }

  private void failed() {
    unanswered();
    busy = false;
    pause = Math.min(Math.max(Timeline.millis(50), pause * 2), Timeline.millis(800));
    scheduleTurn(pause);
  }

  /** Claims in the name of this process, if it is a member of its fleet. */
  void claim(Claim.From from, int limit, Consumer<List<Stored>> then, Runnable failed) {
    Grant grant = newGrant();
    if (grant == null) {
      failed.run();
    } else {
      access.claim(
          new Claim(grant, from, SimProcess.PARTITIONS, limit, SimProcess.BYTES), then, failed);
    }
  }

  // what it holds and does not run

  private Set<Long> known() {
    Set<Long> known = new HashSet<>();
    process.running.values().forEach(run -> known.add(run.journal().grant().number()));
    process.letGo.forEach(run -> known.add(run.journal().grant().number()));
    return known;
  }

  private void reclaim(Set<Long> known, Runnable then) {
    claim(
        new Claim.From.HeldBy(process.incarnation(), Set.copyOf(known)),
        64,
        stranded -> {
          if (stranded.isEmpty()) {
            then.run();
          } else {
            process.upkeep.putBack(stranded, 0, known, () -> reclaim(known, then));
          }
        },
        () -> {
          careNoMore();
          failed();
        });
  }

  // starting runs

  private void start(List<Stored> records, int index, Runnable then) {
    if (index == records.size()) {
      then.run();
      return;
    }
    Stored record = records.get(index);
    Runnable next = () -> start(records, index + 1, then);
    Runnable failed =
        () -> {
          unanswered();
          next.run();
        };
    if (!SimUpkeep.isRun(record)) {
      access.write(process.upkeep.back(record), done -> next.run(), failed);
      return;
    }
    RunHeader header = RunRecord.decode(record).header();
    Journal journal = new Journal(header, record);
    if (stopped || !process.hosts(header.agent())) {
      access.write(journal.handBack(record.now()), done -> next.run(), failed);
      return;
    }
    journal.executedBy("process " + process.number(), record.now());
    int program = Integer.parseInt(new String(header.input(), StandardCharsets.UTF_8));
    process.execute(program, journal, next);
  }
}
