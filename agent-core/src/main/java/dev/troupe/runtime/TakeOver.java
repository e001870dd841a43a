package dev.troupe.runtime;

import dev.troupe.AgentException;
import dev.troupe.run.Journal;
import dev.troupe.run.Membership;
import dev.troupe.run.RunRecord;
import dev.troupe.run.Runs;
import dev.troupe.state.Change;
import dev.troupe.state.Claim;
import dev.troupe.state.Find;
import dev.troupe.state.Page;
import dev.troupe.state.Place;
import dev.troupe.state.RecordId;
import dev.troupe.state.Stored;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Gives what dead processes held back to the queues. Used by the upkeep thread. */
final class TakeOver {
  private static final int PORTION = 64;
  private static final int MAX_BYTES = 8 << 20;

  /** At every so-manieth sweep the holders of all runs are looked at. */
  private static final int STRAYS = 60;

  private final RuntimeCore core;
  private final ClaimLoop claims;
  private final Set<Integer> partitions;
  private long nextSweep = System.nanoTime();
  private long sweeps;

  /** Whether this one of the fleet looks at all runs; nobody does so just because it starts. */
  private boolean first;

  TakeOver(RuntimeCore core, ClaimLoop claims) {
    this.core = core;
    this.claims = claims;
    this.partitions = core.access.info().all();
  }

  /** The records of processes that gave no sign of life in time, if this one may judge. */
  void verdicts() {
    if (!core.fleet.mayJudge()) {
      return;
    }
    Claim.From due = new Claim.From.Due(List.of(Membership.FLEET));
    for (Stored process : claim(due, 16)) {
      if (process.id().equals(core.fleet.member().id())) {
        core.fleet.beatNow(); // is refused: it begins anew, and then takes over from itself
      } else {
        takeOver(process);
      }
    }
    sweep();
  }

  /**
   * Processes that died while they judged others may hold one another's records, or each its own: a
   * claim that comes late or a store's clock that jumps can do that. Such records wait in no queue,
   * so nobody is handed them. A process whose record is not queued is dead for ever.
   */
  private void sweep() {
    if (System.nanoTime() - nextSweep < 0) {
      return;
    }
    nextSweep = System.nanoTime() + core.fleet.expiry().toNanos();
    Set<String> alive = new HashSet<>();
    Map<String, String> known = new HashMap<>();
    // before the processes are read: whoever holds a run now had a record then, if it ever had one
    Set<String> holders = first && sweeps++ % STRAYS == 0 ? holdersOfRuns() : new HashSet<>();
    Find find = Find.tagged(RunRecord.KIND, Membership.PROCESS, 100);
    Page<Stored> page;
    do {
      page = core.access.find(find);
      for (Stored process : page.items()) {
        known.put(Membership.incarnation(process.id()), where(process));
        if (process.place() instanceof Place.Held held) {
          holders.add(held.grant().holder());
        } else {
          alive.add(Membership.incarnation(process.id()));
        }
      }
      find = new Find(find.tags(), null, null, page.next(), 100);
    } while (page.next() != null);
    String me = core.fleet.incarnation();
    alive.add(me);
    holders.removeAll(alive);
    first = Collections.min(alive).equals(me);
    holders.forEach(holder -> putBackAll(holder, known.getOrDefault(holder, "-")));
  }

  /**
   * A process that slept through its own take-over may have claimed a run just before it died, when
   * nothing remembered it any more. Looked for seldom, because all runs that live are looked at.
   */
  private Set<String> holdersOfRuns() {
    Set<String> holders = new HashSet<>();
    Find find = Find.tagged(RunRecord.STATE, RunRecord.LIVE, 500);
    Page<Stored> page;
    do {
      page = core.access.find(find);
      for (Stored run : page.items()) {
        if (run.place() instanceof Place.Held held) {
          holders.add(held.grant().holder());
        }
      }
      find = new Find(find.tags(), null, null, page.next(), 500);
    } while (page.next() != null);
    return holders;
  }

  /** Over a store for one process, everybody else is dead. */
  void everybody() {
    Find others = Find.tagged(RunRecord.KIND, Membership.PROCESS, 100);
    Set<String> seen = new HashSet<>(Set.of(core.fleet.member().id().key()));
    while (true) {
      List<RecordId> dead = new ArrayList<>();
      for (Stored process : core.access.find(others).items()) {
        if (seen.add(process.id().key())) {
          dead.add(process.id());
        }
      }
      if (dead.isEmpty()) {
        return;
      }
      for (RecordId process : dead) {
        for (Stored held : claim(new Claim.From.Named(List.of(process)), 1)) {
          takeOver(held);
        }
      }
    }
  }

  private List<Stored> claim(Claim.From from, int limit) {
    return core.access.claim(new Claim(claims.newGrant(), from, partitions, limit, MAX_BYTES));
  }

  /** Gives everything that a dead process held back to its queues, then forgets the process. */
  void takeOver(Stored process) {
    String dead = Membership.incarnation(process.id());
    int records = putBackAll(dead, where(process));
    Place.Held held = (Place.Held) process.place();
    Instant now = core.access.now();
    core.access.write(
        core.fleet.shared()
            ? core.fleet.member().takenOver(RunIds.random(), process, held.grant(), now)
            : Membership.forget(RunIds.random(), process, held.grant()));
    if (records > 0) {
      core.log.info("took over {} records of process {}, which died", records, dead);
      core.taken.addAndGet(records);
      claims.expect(now);
    }
  }

  /** Host and process id, as executions show them. */
  private static String where(Stored process) {
    Map<String, String> told = Membership.told(process.value());
    return told.getOrDefault("host", "-") + " " + told.getOrDefault("pid", "-");
  }

  /** Puts back whatever a holder has that is no longer there; returns how much that was. */
  int putBackAll(String holder, String where) {
    int count = 0;
    while (true) {
      List<Stored> held = claim(new Claim.From.HeldBy(holder, Set.of()), PORTION);
      if (held.isEmpty()) {
        return count;
      }
      List<Change> changes = new ArrayList<>();
      for (Stored record : held) {
        try {
          changes.add(back(record, holder, where));
        } catch (AgentException undecodable) {
          Misfits.stop(core, record, undecodable);
        }
      }
      if (!changes.isEmpty()) {
        core.access.writeAll(changes);
      }
      count += held.size();
    }
  }

  private Change back(Stored record, String holder, String where) {
    if (RuntimeCore.isRun(record) && !Runs.isStopped(record)) {
      Journal journal = new Journal(record);
      journal.diedIn(holder, where);
      return journal.takeUp(core.access.now(), core.options.maxTakeOvers(), core::encodedPoisoned);
    }
    return Misfits.back(record);
  }
}
