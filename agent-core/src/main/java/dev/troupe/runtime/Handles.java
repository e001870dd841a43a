package dev.troupe.runtime;

import dev.troupe.AgentException;
import dev.troupe.ErrorCode;
import dev.troupe.run.RunEnd;
import dev.troupe.run.RunRecord;
import dev.troupe.run.Runs;
import dev.troupe.state.Place;
import dev.troupe.state.Stored;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/** The handles that wait for the end of a run, wherever it ends. */
final class Handles {
  private final RuntimeCore core;
  private volatile @Nullable AgentException closed;
  private volatile long lastLook = System.nanoTime();
  private final Map<String, List<RunHandle<?>>> waiting = new ConcurrentHashMap<>();

  Handles(RuntimeCore core) {
    this.core = core;
  }

  void add(RunHandle<?> handle) {
    waiting.computeIfAbsent(handle.id(), id -> new CopyOnWriteArrayList<>()).add(handle);
    look(handle.id()); // it may have ended before the handle was listed
    AgentException why = closed;
    if (why != null) {
      stopped(handle.id(), why); // nobody will look any more
    }
  }

  void ended(String run, RunEnd end) {
    List<RunHandle<?>> handles = waiting.remove(run);
    if (handles != null) {
      handles.forEach(h -> h.end(end));
    }
  }

  void stopped(String run, AgentException why) {
    List<RunHandle<?>> handles = waiting.remove(run);
    if (handles != null) {
      handles.forEach(h -> h.fail(why));
    }
  }

  void closed(AgentException why) {
    closed = why;
    waiting.keySet().forEach(run -> stopped(run, why));
  }

  /** Looks in the store for ends that another process wrote, not more often than said. */
  void look(long everyNanos) {
    long now = System.nanoTime();
    if (now - lastLook >= everyNanos) {
      lastLook = now;
      waiting.keySet().forEach(this::look);
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
