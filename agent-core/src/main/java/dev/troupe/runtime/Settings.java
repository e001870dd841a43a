package dev.troupe.runtime;

import dev.troupe.Codec;
import dev.troupe.agent.AgentRegistry;
import dev.troupe.event.EventBus;
import dev.troupe.state.StateStore;
import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a builder of a runtime has collected so far, and what holds where it was told nothing. */
final class Settings {
  final AgentRegistry registry = new AgentRegistry();
  final List<RunListener> listeners = new ArrayList<>();
  @Nullable StateStore store;
  Codec codec = Codec.json();
  @Nullable MeterRegistry meters;
  @Nullable EventBus events;
  int maxConcurrentRuns = 64;
  Duration hotWait = Duration.ofSeconds(1);
  Duration pollInterval = Duration.ofMillis(200);
  Duration endGrace = Duration.ofSeconds(2);
  Duration shutdownGrace = Duration.ofSeconds(10);
  Duration expiry = Duration.ofSeconds(10);
  int maxTakeOvers = 5;
  boolean shutdownHook = true;
  @Nullable Duration retention = Duration.ofDays(7);

  /** Refuses less than the least. */
  static <T extends Comparable<T>> T atLeast(String what, T value, T least) {
    if (value.compareTo(least) < 0) {
      throw new IllegalArgumentException(what + " must be at least " + least + ": " + value);
    }
    return value;
  }

  /** What the parts of a runtime with these settings share. */
  RuntimeCore core(StateStore used, @Nullable Metrics metrics) {
    StoreAccess access = new StoreAccess(used);
    List<RunListener> told = new ArrayList<>(listeners);
    if (metrics != null) {
      told.add(metrics);
    }
    RuntimeOptions options =
        new RuntimeOptions(
            maxConcurrentRuns,
            hotWait,
            pollInterval,
            endGrace,
            shutdownGrace,
            maxTakeOvers,
            retention);
    RuntimeCore core =
        new RuntimeCore(
            new Fleet(access, expiry), access, codec, registry, options, Threads.executor(), told);
    core.publishBy(events == null ? null : events.outbox(used));
    return core;
  }
}
