package dev.troupe.runtime;

import dev.troupe.AgentException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Starts what a runtime does on threads of its own, and shuts it down. */
final class Lifecycle {
  private final RuntimeCore core;
  private final ClaimLoop claims;
  private final Upkeep upkeep;
  private final Watch watch;
  private final Thread claiming;
  private final Thread watching;

  Lifecycle(RuntimeCore core) {
    this.core = core;
    this.claims = new ClaimLoop(core);
    this.upkeep = new Upkeep(core, claims);
    this.watch = new Watch(core);
    this.claiming = Threads.daemon("troupe-claims").newThread(claims);
    this.watching = Threads.daemon("troupe-watch").newThread(watch);
    core.connect(claims, upkeep);
  }

  /** Takes over what a dead process held, then takes runs. */
  void start() {
    try {
      core.fleet.start(core);
      upkeep.start();
    } catch (RuntimeException failed) {
      core.fleet.stop();
      core.executor.shutdownNow();
      leave();
      throw failed;
    }
    claiming.start();
    watching.start();
  }

  /** Whether all threads are there that should be. */
  boolean isAlive() {
    return claiming.isAlive() && watching.isAlive() && upkeep.isAlive();
  }

  /** Whether the last attempt to take runs from the store failed. */
  boolean failsToClaim() {
    return claims.failing();
  }

  /** Returns within the shutdown grace plus 3 seconds. */
  void shutDown() {
    claims.stop();
    core.fleet.drain();
    long grace = System.nanoTime() + RuntimeOptions.nanos(core.options.shutdownGrace());
    awaitEmpty(grace);
    core.running.values().forEach(Execution::handBackSoon);
    awaitEmpty(System.nanoTime() + TimeUnit.SECONDS.toNanos(1));
    core.access.hurry();
    core.running.values().forEach(Execution::handBackNow);
    watch.stop();
    core.fleet.stop();
    LockSupport.unpark(watching);
    core.executor.shutdownNow();
    upkeep.stop();
    try {
      claiming.join(1_000);
      watching.join(1_000);
      upkeep.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    leave();
  }

  private void awaitEmpty(long until) {
    while (!core.running.isEmpty() && System.nanoTime() - until < 0) {
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(2));
      if (Thread.interrupted()) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }

  private void leave() {
    boolean empty =
        core.running.isEmpty()
            && !claiming.isAlive()
            && !upkeep.isAlive()
            && !claims.unsure(); // else others take over, should there be anything
    try {
      upkeep.giveBack();
    } catch (AgentException notGiven) {
      empty = false;
    }
    try {
      core.fleet.leave(empty);
    } catch (AgentException | IllegalStateException away) {
      core.log.warn(
          "the store does not answer; the next process takes over: {}", away.getMessage());
    }
  }
}
