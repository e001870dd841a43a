package dev.troupe.runtime;

import dev.troupe.event.EventBus;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** How a runtime is, from what its parts know; asks nobody else. */
final class HealthCheck {
  private final RuntimeCore core;
  private final Lifecycle lifecycle;
  private final @Nullable EventBus events;

  HealthCheck(RuntimeCore core, Lifecycle lifecycle, @Nullable EventBus events) {
    this.core = core;
    this.lifecycle = lifecycle;
    this.events = events;
  }

  RuntimeHealth look(boolean closed) {
    List<String> down = new ArrayList<>();
    List<String> degraded = new ArrayList<>();
    if (closed) {
      down.add("the runtime was closed");
    } else if (!lifecycle.isAlive()) {
      down.add("a thread of the runtime has ended");
    }
    recent(core.broken)
        .ifPresent(what -> down.add("the JVM is short of something it needs: " + what));
    if (!core.fleet.holdsLease()) {
      degraded.add("no heartbeat went through in time; runs go on elsewhere, if anywhere");
    }
    if (lifecycle.failsToClaim()) {
      degraded.add("no runs can be taken from the store");
    }
    recent(core.stuck)
        .ifPresent(run -> degraded.add("run " + run + " gave no sign of life and was begun again"));
    if (events != null) {
      degraded.addAll(events.problems());
    }
    RuntimeHealth.State state =
        !down.isEmpty()
            ? RuntimeHealth.State.DOWN
            : degraded.isEmpty() ? RuntimeHealth.State.UP : RuntimeHealth.State.DEGRADED;
    down.addAll(degraded);
    return new RuntimeHealth(state, down);
  }

  private static Optional<String> recent(RuntimeCore.@Nullable Noted noted) {
    return noted == null || System.nanoTime() - noted.nanos() > TimeUnit.MINUTES.toNanos(1)
        ? Optional.empty()
        : Optional.of(noted.what());
  }
}
