package dev.troupe.runtime;

import dev.troupe.AgentException;
import dev.troupe.run.RunRecord;
import dev.troupe.run.Runs;
import dev.troupe.state.Change;
import dev.troupe.state.Claim;
import dev.troupe.state.Edit;
import dev.troupe.state.Find;
import dev.troupe.state.Grant;
import dev.troupe.state.Page;
import dev.troupe.state.Place;
import dev.troupe.state.RecordId;
import dev.troupe.state.Scan;
import dev.troupe.state.StoreInfo;
import dev.troupe.state.Stored;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * What a process does beside executing runs: announces itself, takes over what a dead one held,
 * ends runs past their deadline, gives back what it let go, removes what was kept long enough.
 */
final class Upkeep {
  static final String PROCESS = "process";
  private static final String FLEET = "$fleet";
  private static final int PORTION = 200;
  private static final Duration REMEMBER = Duration.ofDays(30);
  private static final long SECOND = 1_000_000_000L;

  private final RuntimeCore core;
  private final ClaimLoop claims;
  private final String key;
  private final Set<Integer> partitions;
  private long nextSecond;

  Upkeep(RuntimeCore core, ClaimLoop claims) {
    this.core = core;
    this.claims = claims;
    this.key = PROCESS + "-" + core.incarnation;
    this.partitions =
        IntStream.range(0, core.access.info().partitions())
            .boxed()
            .collect(Collectors.toUnmodifiableSet());
  }

  /** Announces this process and takes over what others held that can't be alive. */
  void start() {
    RecordId id = core.access.place(key);
    String hosted = String.join(" ", core.registry.all().stream().map(a -> a.queue()).toList());
    byte[] value =
        ("pid " + ProcessHandle.current().pid() + "\n" + hosted).getBytes(StandardCharsets.UTF_8);
    core.access.write(
        new Change(
            RunIds.random(),
            id.partition(),
            List.of(
                new Edit.Absent(key),
                new Edit.Put(key, value, Map.of(RunRecord.KIND, PROCESS), null),
                new Edit.Queue(key, FLEET, 0, Runs.NEVER, null, Long.MAX_VALUE))));
    if (core.access.info().sharing() == StoreInfo.Sharing.ONE_PROCESS) {
      takeOverAll();
    }
  }

  private void takeOverAll() {
    Find others = Find.tagged(RunRecord.KIND, PROCESS, 100);
    Set<String> mine = new HashSet<>(Set.of(key));
    while (true) {
      List<RecordId> dead = new ArrayList<>();
      for (Stored process : core.access.find(others).items()) {
        if (mine.add(process.id().key())) {
          dead.add(process.id());
        }
      }
      if (dead.isEmpty()) {
        return;
      }
      for (RecordId process : dead) {
        takeOver(process);
      }
    }
  }

  /** Gives everything that a dead process held back to its queues, then forgets the process. */
  private void takeOver(RecordId process) {
    String holder = process.key().substring(PROCESS.length() + 1);
    Grant grant = claims.newGrant();
    core.access.claim(
        new Claim(grant, new Claim.From.Named(List.of(process)), partitions, 1, 1 << 20));
    int runs = 0;
    while (true) {
      List<Stored> held =
          core.access.claim(
              new Claim(
                  claims.newGrant(),
                  new Claim.From.HeldBy(holder, Set.of()),
                  partitions,
                  64,
                  8 << 20));
      if (held.isEmpty()) {
        break;
      }
      for (Stored record : held) {
        try {
          Misfits.putBack(core, record);
        } catch (AgentException undecodable) {
          Misfits.stop(core, record, undecodable);
        }
        runs++;
      }
    }
    core.access.write(
        new Change(RunIds.random(), process.partition(), List.of(new Edit.Delete(process.key()))));
    if (runs > 0) {
      core.log.info("took over {} runs of a process that ended without handing them back", runs);
    }
  }

  /** Called every few dozen milliseconds. */
  void tick() {
    Instant now = core.access.now();
    for (Execution run : core.running.values()) {
      if (run.overdue(now, core.options.endGrace())) {
        core.executor.execute(run::endOverHead);
      }
    }
    if (System.nanoTime() - nextSecond >= 0) {
      nextSecond = System.nanoTime() + SECOND;
      giveBack();
      core.handles.look();
      if (core.options.retention() != null) {
        forget();
      }
    }
  }

  /** Runs that were let go: whoever still has their grant puts them back into their queue. */
  void giveBack() {
    for (int i = core.letGo.size(); i > 0; i--) {
      Execution run = core.letGo.poll();
      if (run == null) {
        return;
      }
      try {
        core.access.write(run.journal().handBack(core.access.now()));
      } catch (AgentException later) {
        core.letGo.add(run);
        throw later;
      }
    }
  }

  private void forget() {
    try {
      List<Stored> reminders =
          core.access.claim(
              new Claim(
                  claims.newGrant(),
                  new Claim.From.Due(List.of(Runs.RETENTION)),
                  partitions,
                  256,
                  1 << 20));
      for (Stored reminder : reminders) {
        try {
          forget(reminder);
        } catch (AgentException later) {
          core.log.warn("run {} can't be removed now", Runs.reminded(reminder), later);
          Misfits.putBack(core, reminder);
        }
      }
    } catch (AgentException lost) {
      claims.suspect(); // what was handed out is put back
      throw lost;
    }
  }

  private void forget(Stored reminder) {
    RecordId root = new RecordId(reminder.id().partition(), Runs.reminded(reminder));
    List<String> children = new ArrayList<>();
    String after = null;
    do {
      Page<Stored> page =
          core.access.scan(
              new Scan.Records(root.partition(), root.key() + "/", after, false, PORTION));
      for (Stored record : page.items()) {
        String name = record.id().key().substring(root.key().length() + 1);
        int slash = name.indexOf('/');
        String first = slash < 0 ? name : name.substring(0, slash);
        if (first.indexOf('#') > 0) { // a run of the key that reads like this root has none there
          if (!(record.place() instanceof Place.None)) {
            Misfits.putBack(core, reminder); // a child is not over yet
            return;
          }
          children.add(record.id().key());
        }
      }
      after = page.next();
    } while (after != null);
    for (int i = 0; i < children.size(); i += PORTION) {
      List<String> some = children.subList(i, Math.min(children.size(), i + PORTION));
      core.access.write(Runs.forget(RunIds.random(), root.partition(), some));
    }
    core.access.write(Runs.bury(RunIds.random(), root, core.access.now(), REMEMBER));
  }

  /** The process leaves: nobody needs to take over. */
  void stop() {
    giveBack();
    RecordId id = core.access.place(key);
    core.access.write(new Change(RunIds.random(), id.partition(), List.of(new Edit.Delete(key))));
  }
}
