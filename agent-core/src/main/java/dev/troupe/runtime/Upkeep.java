package dev.troupe.runtime;

import dev.troupe.AgentException;
import dev.troupe.run.Outbox;
import dev.troupe.run.Runs;
import dev.troupe.state.Change;
import dev.troupe.state.Claim;
import dev.troupe.state.Outcome;
import dev.troupe.state.Page;
import dev.troupe.state.Place;
import dev.troupe.state.RecordId;
import dev.troupe.state.Scan;
import dev.troupe.state.Stored;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * What a process does in the store beside executing runs: relays what runs send to other
 * partitions, takes over from the dead, gives back what it let go, looks for mail, removes what was
 * kept long enough.
 */
final class Upkeep implements Runnable {
  private static final int PORTION = 200;
  private static final int RELAYED = 64;
  private static final Duration REMEMBER = Duration.ofDays(30);
  private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

  private final RuntimeCore core;
  private final ClaimLoop claims;
  private final TakeOver takeOver;
  private final Set<Integer> partitions;
  private volatile boolean enough;
  private @Nullable Thread thread;
  private long nextPoll;
  private long nextSecond;

  Upkeep(RuntimeCore core, ClaimLoop claims) {
    this.core = core;
    this.claims = claims;
    this.takeOver = new TakeOver(core, claims);
    this.partitions = core.access.info().all();
  }

  /** Takes over what others held that can't be alive, then goes on in a thread of its own. */
  void start() {
    if (!core.fleet.shared()) {
      takeOver.everybody();
    }
    Thread own = new Thread(this, "troupe-upkeep");
    own.setDaemon(true);
    thread = own;
    own.start();
  }

  /** Something waits for a relay. */
  void wakeUp() {
    LockSupport.unpark(thread);
  }

  @Override
  public void run() {
    while (!enough) {
      try {
        round();
      } catch (Throwable e) { // also when memory is short: nobody else does this
        claims.unanswered();
        core.failed("upkeep failed and is tried again", e);
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
      }
      if (core.outbox.isEmpty()) {
        LockSupport.parkNanos(Math.max(1, Math.min(nextPoll, nextSecond) - System.nanoTime()));
      }
    }
  }

  private void round() {
    claims.caring.lock();
    try {
      relay();
      long now = System.nanoTime();
      if (now - nextPoll >= 0) {
        nextPoll = now + RuntimeOptions.nanos(core.options.pollInterval());
        while (relay(new Claim.From.Due(List.of(Outbox.QUEUE))) > 0) {
          // until nothing is left to relay
        }
        takeOver.verdicts();
      }
      if (now - nextSecond >= 0) {
        nextSecond = now + SECOND;
        for (String former : core.fleet.former()) {
          takeOver.putBackAll(former, core.where);
          core.fleet.forget(former); // not before: the store may be away
        }
        giveBack();
        if (core.options.retention() != null) {
          forget();
        }
      }
    } finally {
      claims.caring.unlock();
    }
    look();
  }

  // relay

  private void relay() {
    while (!core.outbox.isEmpty()) {
      List<RecordId> ids = new ArrayList<>();
      while (ids.size() < RELAYED) {
        String key = core.outbox.poll();
        if (key == null) {
          break;
        }
        ids.add(core.access.place(key));
      }
      relay(new Claim.From.Named(ids));
    }
  }

  private int relay(Claim.From from) {
    List<Stored> records =
        core.access.claim(new Claim(claims.newGrant(), from, partitions, RELAYED, 8 << 20));
    List<Stored> relayed = new ArrayList<>();
    List<Change> changes = new ArrayList<>();
    for (Stored record : records) {
      try {
        changes.add(Outbox.deliver(RunIds.random(), record, core.access.info().partitions()));
        relayed.add(record);
      } catch (AgentException undecodable) {
        Misfits.stop(core, record, undecodable);
      }
    }
    if (changes.isEmpty()) {
      return records.size();
    }
    List<Outcome> outcomes = core.access.writeAll(changes);
    List<Change> done = new ArrayList<>();
    relayed.forEach(record -> done.add(Outbox.delivered(RunIds.random(), record)));
    core.access.writeAll(done);
    for (Outcome outcome : outcomes) {
      if (outcome instanceof Outcome.Done there) {
        there.seen().forEach(core::wake);
      }
    }
    return records.size();
  }

  // runs

  /** Runs that were let go: whoever still has their grant puts them back into their queue. */
  void giveBack() {
    for (int i = core.letGo.size(); i > 0; i--) {
      HeldRun run = core.letGo.poll();
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

  /** Looks for what other processes wrote to runs of this one, and for ends that others wrote. */
  private void look() {
    if (core.fleet.shared()) {
      for (Execution execution : core.running.values()) {
        if (execution.access.shouldLook(SECOND)) {
          execution.access.fetchMail();
        }
      }
    }
    core.handles.look(SECOND);
  }

  private void forget() {
    Claim.From due = new Claim.From.Due(List.of(Runs.RETENTION));
    List<Stored> reminders =
        core.access.claim(new Claim(claims.newGrant(), due, partitions, 256, 1 << 20));
    for (Stored reminder : reminders) {
      try {
        forget(reminder);
      } catch (AgentException later) {
        core.log.warn("run {} can't be removed now", Runs.reminded(reminder), later);
        Misfits.putBack(core, reminder);
      }
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
        } else if (name.equals(Runs.LOG)) {
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

  /** Whether it may be in the middle of something. */
  boolean isAlive() {
    Thread own = thread;
    return own != null && own.isAlive();
  }

  /** Nothing more is begun. */
  void stop() {
    enough = true;
    wakeUp();
  }

  /** What is under way gets a second. */
  void join() throws InterruptedException {
    Thread own = thread;
    if (own != null) {
      own.join(1_000);
    }
  }
}
