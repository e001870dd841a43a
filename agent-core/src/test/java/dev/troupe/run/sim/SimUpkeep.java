package dev.troupe.run.sim;

import dev.troupe.run.Journal;
import dev.troupe.run.Membership;
import dev.troupe.run.Outbox;
import dev.troupe.run.RunHeader;
import dev.troupe.run.RunRecord;
import dev.troupe.state.Change;
import dev.troupe.state.Claim;
import dev.troupe.state.Edit;
import dev.troupe.state.Find;
import dev.troupe.state.Outcome;
import dev.troupe.state.Place;
import dev.troupe.state.RecordId;
import dev.troupe.state.Stored;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;

/**
 * What a process does in the store beside executing runs: the runtime's {@code Upkeep} and {@code
 * TakeOver}, one thing after another.
 */
final class SimUpkeep {
  static final int MAX_TAKE_OVERS = 5;
  private static final int PORTION = 64;
  private static final long SECOND = Timeline.millis(500);

  private final SimProcess process;
  private final Access access;
  private boolean enough;
  private boolean busy;
  private int turn;
  private long nextPoll;
  private long nextSecond;
  private long nextSweep;

  SimUpkeep(SimProcess process) {
    this.process = process;
    this.access = process.access;
  }

  void start() {
    schedule(1);
  }

  boolean isBusy() {
    return busy;
  }

  void wakeUp() {
    if (!busy) {
      schedule(1);
    }
  }

  private void schedule(long wait) {
    int mine = ++turn;
    process.after(
        wait,
        () -> {
          if (mine == turn && !busy && !enough) {
            round();
          }
        });
  }

  private void round() {
    if (!process.claims.tryCare()) {
      schedule(Timeline.millis(10));
      return;
    }
    busy = true;
    long now = access.nanos();
    boolean polls = now - nextPoll >= 0;
    boolean second = now - nextSecond >= 0;
    if (polls) {
      nextPoll = now + SimProcess.POLL;
    }
    if (second) {
      nextSecond = now + SECOND;
    }
    relayOwn(() -> poll(polls, () -> care(second, this::over)));
  }

  private void over() {
    process.claims.careNoMore();
    if (!enough) {
      for (SimRun run : List.copyOf(process.running.values())) {
        if (run.shouldLook(SECOND)) {
          run.fetchMail(() -> {});
        }
      }
    }
    busy = false;
    long rest = Math.min(nextPoll, nextSecond) - access.nanos();
    schedule(process.outbox.isEmpty() ? Math.max(1, rest) : 1);
  }

  private void failed() {
    process.claims.unanswered();
    process.claims.careNoMore();
    busy = false;
    schedule(Timeline.millis(100));
  }

  private void poll(boolean now, Runnable then) {
    if (!now) {
      then.run();
      return;
    }
    relayDue(
        () -> {
          if (!process.fleet.mayJudge()) {
            then.run();
            return;
          }
          Claim.From dead = new Claim.From.Due(List.of(Membership.FLEET));
          claim(dead, 16, processes -> takeOver(processes, 0, () -> sweep(then)));
        });
  }

  /**
   * Who judges and is dead may hold the records of those it judged, and its own. A process whose
   * record does not wait in the fleet's queue is dead for ever.
   */
  private void sweep(Runnable then) {
    if (access.nanos() - nextSweep < 0 || process.mutation() == Mutation.NO_SWEEP) {
      then.run();
      return;
    }
    nextSweep = access.nanos() + Faults.EXPIRY;
    access.find(
        Find.tagged(RunRecord.KIND, Membership.PROCESS, 100),
        processes -> {
          Set<String> alive = new HashSet<>();
          Set<String> holders = new TreeSet<>();
          for (Stored record : processes) {
            if (record.place() instanceof Place.Held held) {
              holders.add(held.grant().holder());
            } else {
              alive.add(Membership.incarnation(record.id()));
            }
          }
          holders.removeAll(alive);
          putBackOrphans(List.copyOf(holders), 0, then);
        },
        this::failed);
  }

  private void putBackOrphans(List<String> holders, int index, Runnable then) {
    if (index == holders.size()) {
      then.run();
    } else {
      putBackAll(holders.get(index), () -> putBackOrphans(holders, index + 1, then));
    }
  }

  private void care(boolean now, Runnable then) {
    if (!now) {
      then.run();
      return;
    }
    putBackFormer(
        process.fleet.takeFormer(),
        0,
        () ->
            giveBack(
                given -> {
                  if (given) {
                    then.run();
                  } else {
                    failed();
                  }
                }));
  }

  private void claim(Claim.From from, int limit, Consumer<List<Stored>> then) {
    process.claims.claim(from, limit, then, this::failed);
  }

  // relay

  private void relayOwn(Runnable then) {
    if (process.outbox.isEmpty()) {
      then.run();
      return;
    }
    List<RecordId> ids = new ArrayList<>();
    while (ids.size() < PORTION && !process.outbox.isEmpty()) {
      ids.add(Access.place(process.outbox.poll()));
    }
    relay(new Claim.From.Named(ids), many -> relayOwn(then));
  }

  private void relayDue(Runnable then) {
    relay(
        new Claim.From.Due(List.of(Outbox.QUEUE)),
        many -> {
          if (many > 0) {
            relayDue(then);
          } else {
            then.run();
          }
        });
  }

  private void relay(Claim.From from, Consumer<Integer> then) {
    claim(
        from,
        PORTION,
        records -> {
          if (records.isEmpty()) {
            then.accept(0);
            return;
          }
          List<Change> changes = new ArrayList<>();
          List<Change> done = new ArrayList<>();
          for (Stored record : records) {
            changes.add(Outbox.deliver(access.newId(), record, Network.PARTITIONS));
            done.add(Outbox.delivered(access.newId(), record));
          }
          if (process.mutation() == Mutation.OUTBOX_FIRST) {
            write(done, gone -> write(changes, outcomes -> then.accept(records.size())));
            return;
          }
          write(
              changes,
              outcomes ->
                  write(
                      done,
                      gone -> {
                        for (Outcome outcome : outcomes) {
                          if (outcome instanceof Outcome.Done there) {
                            there.seen().forEach(process::wake);
                          }
                        }
                        then.accept(records.size());
                      }));
        });
  }

  private void write(List<Change> changes, Consumer<List<Outcome>> then) {
    access.writeAll(changes, then, this::failed);
  }

  // take-over

  private void takeOver(List<Stored> processes, int index, Runnable then) {
    if (index == processes.size()) {
      then.run();
      return;
    }
    Stored dead = processes.get(index);
    if (dead.id().equals(process.member().id()) && process.mutation() != Mutation.JUDGES_ITSELF) {
      process.fleet.beatNow();
      takeOver(processes, index + 1, then);
      return;
    }
    putBackAll(
        Membership.incarnation(dead.id()),
        () -> {
          Place.Held held = (Place.Held) dead.place();
          Instant now = access.now();
          Change last = process.member().takenOver(access.newId(), dead, held.grant(), now);
          access.write(
              last,
              done -> {
                process.claims.expect(now);
                takeOver(processes, index + 1, then);
              },
              this::failed);
        });
  }

  private void putBackFormer(List<String> former, int index, Runnable then) {
    if (index == former.size()) {
      then.run();
    } else {
      putBackAll(former.get(index), () -> putBackFormer(former, index + 1, then));
    }
  }

  private void putBackAll(String holder, Runnable then) {
    claim(
        new Claim.From.HeldBy(holder, Set.of()),
        PORTION,
        held -> {
          if (held.isEmpty()) {
            then.run();
            return;
          }
          List<Change> changes = new ArrayList<>();
          for (Stored record : held) {
            changes.add(
                isRun(record)
                    ? new Journal(record)
                        .takeUp(access.now(), MAX_TAKE_OVERS, deaths -> SimRun.bytes("POISONED"))
                    : back(record));
          }
          write(changes, outcomes -> putBackAll(holder, then));
        });
  }

  // what is put back

  /** Runs that were let go: whoever still has their grant puts them back into their queue. */
  void giveBack(Consumer<Boolean> then) {
    giveBack(process.letGo.size(), then);
  }

  private void giveBack(int many, Consumer<Boolean> then) {
    SimRun run = many == 0 ? null : process.letGo.poll();
    if (run == null) {
      then.accept(true);
      return;
    }
    access.write(
        run.journal().handBack(access.now()),
        done -> giveBack(many - 1, then),
        () -> {
          process.letGo.add(run);
          then.accept(false);
        });
  }

  /** Puts records back one after another; what can't be put back now is known from then on. */
  void putBack(List<Stored> records, int index, Set<Long> known, Runnable then) {
    if (index == records.size()) {
      then.run();
      return;
    }
    Stored record = records.get(index);
    Runnable next = () -> putBack(records, index + 1, known, then);
    access.write(
        back(record),
        done -> next.run(),
        () -> {
          known.add(((Place.Held) record.place()).grant().number());
          process.claims.unanswered();
          next.run();
        });
  }

  static boolean isRun(Stored record) {
    return "run".equals(record.tags().get(RunRecord.KIND));
  }

  /** The change that puts a record back where it came from. */
  Change back(Stored record) {
    String key = record.id().key();
    Edit.Held fence = new Edit.Held(key, ((Place.Held) record.place()).grant());
    return new Change(access.newId(), record.id().partition(), List.of(fence, requeue(record)));
  }

  private static Edit requeue(Stored record) {
    String key = record.id().key();
    if (isRun(record)) {
      RunHeader header = RunRecord.decode(record).header();
      return new Edit.Queue(
          key,
          header.queue(),
          header.terms().priority(),
          record.now(),
          header.terms().lane(),
          record.mailNumber() + 1);
    }
    if (Membership.PROCESS.equals(record.tags().get(RunRecord.KIND))) {
      return new Edit.Queue(key, Membership.FLEET, 0, record.now(), null, Long.MAX_VALUE);
    }
    if (Outbox.isOutbox(key)) {
      return Outbox.requeue(record);
    }
    throw Truth.violation(key, "nobody knows where %s belongs", record);
  }

  /** Nothing more is begun; a round under way still goes to its end. */
  void stop() {
    enough = true;
  }
}
