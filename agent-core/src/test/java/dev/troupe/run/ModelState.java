package dev.troupe.run;

import dev.troupe.state.Grant;
import dev.troupe.state.Place;
import dev.troupe.state.RecordId;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * One state of the model: the store, the processes, what is on its way, what the environment may
 * still do, and what a store that fails over would go back to.
 */
record ModelState(
    ModelStore store, List<Proc> procs, List<Late> late, Harms harms, ModelStore snapshot) {
  /** An expiry, and the length of every wait: the model knows no shorter time. */
  static final long TICK = 1_000;

  static final Instant BEGIN = Instant.ofEpochMilli(1_000_000);

  /** What the environment may do. */
  enum Harm {
    SIGNAL,
    CANCEL,
    /** A process dies. */
    CRASH,
    /** A process is slow: its lease ends and its record expires while it lives. */
    SLOW,
    /** An answer gets lost; what was asked is done or is not. */
    LOST,
    /** The answer to a heartbeat gets lost. */
    BEAT_LOST,
    /** A claim is under way for long. */
    LATE,
    /** The store goes back to what it was at an earlier time. */
    FAILOVER,
    /** A process leaves. */
    LEAVE,
    /** The store stands still for longer than an expiry. */
    STALL,
    /** A process takes a run by name that is not due. */
    HINT
  }

  /** How often each may still happen: four bits each. */
  record Harms(long left) {
    static final Harms NONE = new Harms(0);

    int left(Harm harm) {
      return (int) (left >> (4 * harm.ordinal()) & 15);
    }

    Harms with(Harm harm, int times) {
      return new Harms(left + ((long) times << (4 * harm.ordinal())));
    }
  }

  /** A claim of due records that is under way. */
  record Late(int proc, int life, long number, String queue) {}

  /** What a process may do on the strength of its heartbeats. */
  enum Lease {
    /** It beats since a whole expiry or longer. */
    STEADY,
    /** It beats since less than an expiry. */
    FRESH,
    /** It was slow, and its lease has ended. */
    SLOW,
    /** The store stood still, and its lease has ended. */
    STALLED
  }

  /** Where the execution of a run stands. */
  enum Phase {
    EXECUTES,
    /** It is inside its effect. */
    INSIDE,
    /** It has decided to wait and leaves. */
    LEAVING,
    /** It is to be given back. */
    LET_GO
  }

  /**
   * A record that a process holds, as far as it knows.
   *
   * @param known the record as the process knows it, with the mail that it has fetched
   * @param looked how much of the mail the code had seen when it decided to wait
   * @param when the time that a decision was made, if it has one
   * @param changes how many changes were made of it
   * @param sent how many outbox records
   * @param pending the id of the change whose answer is missing, empty for none
   * @param told whether its children were told to stop
   */
  record Holding(
      ModelRecord known,
      Grant grant,
      Phase phase,
      int looked,
      Instant when,
      int changes,
      int sent,
      String pending,
      boolean told) {
    static Holding of(ModelRecord claimed, Grant grant) {
      return new Holding(claimed, grant, Phase.EXECUTES, 0, BEGIN, 0, 0, "", false);
    }

    String key() {
      return known.key();
    }

    Holding knowing(ModelRecord record) {
      return new Holding(record, grant, phase, looked, when, changes, sent, pending, told);
    }

    Holding in(Phase next) {
      return new Holding(known, grant, next, 0, BEGIN, changes, sent, "", told);
    }

    Holding leaving(Instant now) {
      int all = known.mail.size();
      return new Holding(known, grant, Phase.LEAVING, all, now, changes, sent, "", told);
    }

    Holding waitingFor(String change, Instant now) {
      return new Holding(known, grant, phase, looked, now, changes, sent, change, told);
    }

    Holding letGo() {
      return new Holding(known, grant, Phase.LET_GO, 0, BEGIN, changes + 1, sent, "", told);
    }

    /** After a change was answered. */
    Holding after(ModelRecord record, int posts, boolean tells) {
      return new Holding(
          record, grant, Phase.EXECUTES, 0, BEGIN, changes + 1, sent + posts, "", told | tells);
    }
  }

  /** What a process does beside executing runs, one at a time. */
  record Job(Kind kind, String holder, Holding duty, List<Holding> inHand) {
    /** The kinds. */
    enum Kind {
      /** Gives back what a dead process held; the duty is that process's record. */
      TAKE_OVER,
      /** Gives back what this process held when it was another incarnation. */
      FORMER,
      /** Gives back what this process holds and does not run. */
      RE_TAKE,
      /** Delivers an outbox record, which is in hand. */
      RELAY,
      /** Removes the outbox record in hand, which was delivered. */
      RELAYED
    }

    Job with(List<Holding> holdings) {
      return new Job(kind, holder, duty, List.copyOf(holdings));
    }
  }

  /**
   * A process.
   *
   * @param life which incarnation it is, from 0
   * @param alive false when it has died or left
   * @param version of its record as it knows it, 0 before it has joined
   * @param unanswered its heartbeats whose answers are missing
   * @param grants how many numbers of grants were used
   * @param runs what it executes or is to give back
   * @param job what else it does
   * @param former whether it is to look for what it held as another incarnation
   * @param suspect whether the store may have handed out records in an answer that did not come
   */
  record Proc(
      int index,
      int life,
      boolean alive,
      long version,
      List<String> unanswered,
      Lease lease,
      long grants,
      List<Holding> runs,
      Job job,
      boolean former,
      boolean suspect) {
    static Proc joining(int index) {
      return new Proc(index, 0, true, 0, List.of(), Lease.FRESH, 0, List.of(), null, false, false);
    }

    String name() {
      return "p" + index;
    }

    String incarnation() {
      return incarnation(index, life);
    }

    static String incarnation(int index, int life) {
      return "p" + index + "abcdefgh".charAt(life);
    }

    RecordId id(int partitions) {
      return id(incarnation(), partitions);
    }

    static RecordId id(String incarnation, int partitions) {
      return RecordId.of("process-" + incarnation, partitions);
    }

    boolean punctual() {
      return lease == Lease.STEADY || lease == Lease.FRESH;
    }

    Proc gone() {
      return new Proc(
          index, life, false, 0, List.of(), Lease.SLOW, 0, List.of(), null, false, false);
    }

    Proc member(long newVersion, List<String> missing, Lease newLease) {
      return new Proc(
          index, life, alive, newVersion, missing, newLease, grants, runs, job, former, suspect);
    }

    Proc again() {
      List<Holding> lost = runs.stream().map(Holding::letGo).toList();
      return new Proc(
          index, life + 1, alive, 0, List.of(), Lease.SLOW, grants, lost, job, true, suspect);
    }

    Proc granted() {
      return withGrants(grants + 1);
    }

    Proc withGrants(long used) {
      return new Proc(
          index, life, alive, version, unanswered, lease, used, runs, job, former, suspect);
    }

    Proc running(List<Holding> now) {
      return new Proc(
          index,
          life,
          alive,
          version,
          unanswered,
          lease,
          grants,
          List.copyOf(now),
          job,
          former,
          suspect);
    }

    Proc doing(Job next) {
      return new Proc(
          index, life, alive, version, unanswered, lease, grants, runs, next, former, suspect);
    }

    /** It looks for what it held as another incarnation, once. */
    Proc looking(Job next) {
      return new Proc(
          index, life, alive, version, unanswered, lease, grants, runs, next, false, suspect);
    }

    Proc suspecting(boolean now) {
      return new Proc(
          index, life, alive, version, unanswered, lease, grants, runs, job, former, now);
    }

    /** With one of its runs replaced, or removed by null. */
    Proc with(Holding old, Holding now) {
      List<Holding> next = new ArrayList<>();
      for (Holding run : runs) {
        if (run != old) {
          next.add(run);
        } else if (now != null) {
          next.add(now);
        }
      }
      return running(next);
    }
  }

  ModelState with(ModelStore next) {
    return new ModelState(next, procs, late, harms, snapshot);
  }

  ModelState with(Proc proc) {
    List<Proc> next = new ArrayList<>(procs);
    next.set(proc.index(), proc);
    return new ModelState(store, List.copyOf(next), late, harms, snapshot);
  }

  ModelState withLate(List<Late> claims) {
    return new ModelState(store, procs, List.copyOf(claims), harms, snapshot);
  }

  ModelState spend(Harm harm) {
    Harms left = new Harms(harms.left - (1L << (4 * harm.ordinal())));
    return new ModelState(store, procs, late, left, snapshot);
  }

  ModelState remember(ModelStore one) {
    return new ModelState(store, procs, late, harms, one);
  }

  boolean may(Harm harm) {
    return harms.left(harm) > 0;
  }

  /**
   * Without what nobody can ask for any more, so that states that differ in nothing else meet: ids
   * of changes that nobody waits for, numbers of grants that nobody knows, and how often the record
   * of a process was changed.
   *
   * <p>Numbers are only forgotten where they can't come back: not while the store may go back, nor
   * where they are in the names of outbox records.
   */
  ModelState normal(boolean forgets) {
    Set<String> asked = new HashSet<>();
    for (Proc proc : procs) {
      asked.addAll(proc.unanswered);
      proc.runs.forEach(run -> asked.add(run.pending));
    }
    ModelStore now = store.remembering(asked);
    if (!forgets) {
      ModelStore then = snapshot == null ? null : snapshot.remembering(asked);
      return new ModelState(now, procs, late, harms, then);
    }
    for (ModelRecord record : store.all()) {
      if (record.isProcess()) {
        now = now.versioned(record.key(), 1);
      }
    }
    List<Proc> members = new ArrayList<>();
    for (Proc proc : procs) {
      Proc known = proc.withGrants(0);
      String key = "process-" + proc.incarnation();
      ModelRecord record = store.get(key);
      if (proc.version > 0) {
        known = known.member(1, proc.unanswered, proc.lease);
      }
      if (record != null && record.version != proc.version) {
        now = now.versioned(key, 2);
      }
      members.add(known);
    }
    return new ModelState(now, List.copyOf(members), late, harms, null);
  }

  /** A number for a new grant that nobody knows of. */
  long freeNumber(Proc proc, boolean forgets) {
    if (!forgets) {
      return proc.grants + 1;
    }
    Set<Long> known = new HashSet<>();
    for (ModelRecord record : store.all()) {
      if (record.place instanceof Place.Held held && isOf(proc, held.grant())) {
        known.add(held.grant().number());
      }
    }
    proc.runs.forEach(run -> known.add(run.grant.number()));
    if (proc.job != null) {
      proc.job.inHand.forEach(record -> known.add(record.grant.number()));
      Holding duty = proc.job.duty;
      known.add(duty == null ? 0L : duty.grant.number());
    }
    late.stream().filter(l -> l.proc == proc.index).forEach(l -> known.add(l.number));
    long free = 1;
    while (known.contains(free)) {
      free++;
    }
    return free;
  }

  /**
   * Whether a process stands as at the beginning, and nothing in the store tells it from the others
   * that do. Of those it makes no difference which one acts.
   */
  boolean isLikeNew(Proc proc) {
    return proc.alive
        && proc.life == 0
        && proc.grants == 0
        && proc.unanswered.isEmpty()
        && proc.lease == Lease.STEADY
        && proc.runs.isEmpty()
        && proc.job == null
        && !proc.suspect
        && late.stream().noneMatch(l -> l.proc == proc.index)
        && store.all().stream().noneMatch(r -> isMarkedBy(proc, r));
  }

  private boolean isMarkedBy(Proc proc, ModelRecord record) {
    if (record.key().equals("process-" + proc.incarnation())) {
      boolean waits = record.place instanceof Place.Queued q && q.due().isAfter(store.now);
      boolean copied = snapshot != null && !record.equals(snapshot.get(record.key()));
      return !waits || copied || record.version != proc.version || !record.rows.isEmpty();
    }
    return record.place instanceof Place.Held held && isOf(proc, held.grant());
  }

  private static boolean isOf(Proc proc, Grant grant) {
    return grant.holder().startsWith(proc.name());
  }
}
