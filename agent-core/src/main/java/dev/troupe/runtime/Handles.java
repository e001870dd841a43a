package dev.troupe.runtime;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.run.RunEnd;
import dev.troupe.run.RunRecord;
import dev.troupe.run.Runs;
import dev.troupe.state.Place;
import dev.troupe.state.Stored;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The handles that somebody has. One that nobody waits for is told when its run ends in this
 * process, and forgotten when its owner forgets it; for one that somebody waits for, the store is
 * looked at as well.
 */
final class Handles {
  /** How many runs that others execute are looked at in a round. */
  private static final int PORTION = 256;

  private final RuntimeCore core;
  private volatile @Nullable AgentException closed;
  private volatile long lastLook = System.nanoTime();
  private final Map<String, List<Listed>> listed = new ConcurrentHashMap<>();
  private final ReferenceQueue<RunHandle<?>> dropped = new ReferenceQueue<>();
  private final Queue<String> watched = new ConcurrentLinkedQueue<>();

  private static final class Listed extends WeakReference<RunHandle<?>> {
    final String run;
    volatile @Nullable RunHandle<?> kept;

    Listed(RunHandle<?> handle, ReferenceQueue<RunHandle<?>> dropped) {
      super(handle, dropped);
      this.run = handle.id();
    }
  }

  Handles(RuntimeCore core) {
    this.core = core;
  }

  void add(RunHandle<?> handle) {
    forgetDropped();
    listed.compute(
        handle.id(),
        (id, others) -> {
          List<Listed> all = others == null ? new CopyOnWriteArrayList<>() : others;
          all.add(new Listed(handle, dropped));
          return all;
        });
    AgentException why = closed;
    if (why != null) {
      stopped(handle.id(), why); // nobody will look any more
    }
  }

  private void forgetDropped() {
    for (Object gone = dropped.poll(); gone != null; gone = dropped.poll()) {
      Listed old = (Listed) gone;
      listed.computeIfPresent(
          old.run,
          (id, all) -> {
            all.remove(old);
            return all.isEmpty() ? null : all;
          });
    }
  }

  /** Somebody waits for the end, perhaps without holding on to the handle. */
  void watch(RunHandle<?> handle) {
    for (Listed one : listed.getOrDefault(handle.id(), List.of())) {
      if (one.get() == handle) {
        one.kept = handle;
        watched.add(handle.id());
      }
    }
    try {
      look(handle.id()); // it may have ended elsewhere
    } catch (AgentException later) {
      core.log.debug("the end of run {} is looked for later", handle.id(), later);
    }
  }

  void ended(String run, RunEnd end) {
    tell(run, handle -> handle.end(end));
  }

  void stopped(String run, AgentException why) {
    tell(run, handle -> handle.fail(why));
  }

  private void tell(String run, Consumer<RunHandle<?>> news) {
    List<Listed> handles = listed.remove(run);
    if (handles != null) {
      for (Listed one : handles) {
        RunHandle<?> kept = one.kept;
        RunHandle<?> handle = kept == null ? one.get() : kept;
        if (handle != null) {
          news.accept(handle);
        }
      }
    }
  }

  void closed(AgentException why) {
    closed = why;
    listed.keySet().forEach(run -> stopped(run, why));
  }

  /**
   * Looks in the store for ends that another process wrote, not more often than said, and when many
   * wait, for some of them at a time.
   */
  void look(long everyNanos) {
    long now = System.nanoTime();
    if (now - lastLook >= everyNanos) {
      lastLook = now;
      for (int i = Math.min(PORTION, watched.size()); i > 0; i--) {
        String run = watched.poll();
        if (run != null && listed.containsKey(run)) {
          watched.add(run);
          look(run);
        }
      }
    }
  }

  private void look(String run) {
    if (core.running.containsKey(run)) {
      return;
    }
    try {
      Stored record = core.access.read(run);
      if (record == null) {
        stopped(
            run,
            new AgentException(
                ErrorCode.RUN_EXPIRED,
                "run " + run + " ended and was removed before anyone asked"));
        return;
      }
      RunEnd end = RunRecord.decode(record).end();
      if (end != null) {
        ended(run, end);
      } else if (record.place() instanceof Place.Queued queued
          && queued.queue().equals(Runs.STOPPED)) {
        stopped(run, Control.whyStopped(core, run));
      }
    } catch (AgentException failed) {
      if (failed.code() == ErrorCode.UNDECODABLE) {
        stopped(run, failed);
      } else {
        throw failed;
      }
    }
  }
}
