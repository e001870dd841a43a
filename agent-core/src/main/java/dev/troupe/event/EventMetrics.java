package dev.troupe.event;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/** Counts what a subscriber does, and tells a host's registry. The names are part of the API. */
final class EventMetrics {
  private static final String GROUP = "group";

  final LongAdder handled = new LongAdder();
  final LongAdder failed = new LongAdder();
  final LongAdder parked = new LongAdder();
  final LongAdder missed = new LongAdder();
  private final Map<DeadLetter.Reason, LongAdder> dead = new EnumMap<>(DeadLetter.Reason.class);
  private final @Nullable MeterRegistry registry;
  private final List<Meter> meters = new ArrayList<>();

  EventMetrics(@Nullable MeterRegistry registry) {
    this.registry = registry;
    for (DeadLetter.Reason reason : DeadLetter.Reason.values()) {
      dead.put(reason, new LongAdder());
    }
  }

  void died(DeadLetter.Reason reason) {
    LongAdder count = dead.get(reason);
    if (count != null) {
      count.increment();
    }
  }

  void watch(String group, Puller puller) {
    if (registry == null) {
      return;
    }
    count(group, "troupe.events.handled", "Events that a handler was through with", handled);
    count(group, "troupe.events.failed", "Attempts that failed", failed);
    count(group, "troupe.events.parked", "Events that were put into the store to wait", parked);
    count(group, "troupe.events.missed", "Events dropped because they came too fast", missed);
    dead.forEach(
        (reason, count) ->
            meters.add(
                FunctionCounter.builder("troupe.events.dead", count, LongAdder::doubleValue)
                    .description("Events that became dead letters")
                    .tag(GROUP, group)
                    .tag("reason", reason.name())
                    .register(registry)));
    meters.add(
        Gauge.builder("troupe.events.in.flight", puller, Puller::inFlight)
            .description("Events taken from the transport and not settled")
            .tag(GROUP, group)
            .register(registry));
    meters.add(
        Gauge.builder("troupe.events.lag", puller, Puller::lag)
            .description("About how many events the group is behind, in the shards of this process")
            .tag(GROUP, group)
            .register(registry));
    meters.add(
        Gauge.builder("troupe.events.problems", puller, p -> p.problems().size())
            .description("What keeps events from being handled; 0 when all is well")
            .tag(GROUP, group)
            .register(registry));
  }

  private void count(String group, String name, String what, LongAdder count) {
    if (registry != null) {
      meters.add(
          FunctionCounter.builder(name, count, LongAdder::doubleValue)
              .description(what)
              .tag(GROUP, group)
              .register(registry));
    }
  }

  void close() {
    if (registry != null) {
      meters.forEach(registry::remove);
    }
  }
}
