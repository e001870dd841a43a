package dev.troupe.runtime;

import dev.troupe.runtime.RunEvent.Ended;
import dev.troupe.runtime.RunEvent.LetGo;
import dev.troupe.runtime.RunEvent.OutcomeUnknown;
import dev.troupe.runtime.RunEvent.Parked;
import dev.troupe.runtime.RunEvent.Started;
import dev.troupe.runtime.RunEvent.StepFailed;
import dev.troupe.runtime.RunEvent.StepFinished;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CopyOnWriteArrayList;

/** Counts what happens to runs in a host's registry. The names are part of the public interface. */
final class Metrics implements RunListener, AutoCloseable {
  private static final String AGENT = "agent";

  private final MeterRegistry registry;

  /** What looks at the runtime, and would keep it in memory after its end. */
  private final List<Meter> views = new CopyOnWriteArrayList<>();

  Metrics(MeterRegistry registry) {
    this.registry = registry;
  }

  void watch(AgentRuntime runtime, RuntimeCore core) {
    views.add(
        Gauge.builder("troupe.runs.executing", core, c -> c.running.size())
            .description("Runs that this process executes now")
            .register(registry));
    views.add(
        Gauge.builder("troupe.runs.capacity", core, c -> c.options.maxConcurrentRuns())
            .description("Runs that this process may execute at once")
            .register(registry));
    views.add(
        Gauge.builder("troupe.health", runtime, r -> level(r.health().state()))
            .description("2 up, 1 degraded, 0 down")
            .register(registry));
    views.add(
        FunctionCounter.builder("troupe.takeovers", core, c -> c.taken.doubleValue())
            .description("Records that this process took over from dead ones")
            .register(registry));
  }

  private static double level(RuntimeHealth.State state) {
    return switch (state) {
      case UP -> 2;
      case DEGRADED -> 1;
      case DOWN -> 0;
    };
  }

  @Override
  public void on(RunEvent event) {
    String agent = event.agent();
    if (event instanceof StepFinished step) {
      registry.timer("troupe.steps", AGENT, agent).record(step.took());
    } else if (event instanceof StepFailed step) {
      String last = Boolean.toString(step.retryIn() == null);
      registry
          .counter("troupe.steps.failed", AGENT, agent, "kind", step.failure().kind(), "last", last)
          .increment();
    } else if (event instanceof Started started) {
      String again = Boolean.toString(started.journaled() > 0);
      registry.counter("troupe.runs.started", AGENT, agent, "again", again).increment();
    } else if (event instanceof Parked) {
      registry.counter("troupe.runs.parked", AGENT, agent).increment();
    } else if (event instanceof Ended ended) {
      registry.counter("troupe.runs.ended", AGENT, agent, "state", word(ended.state())).increment();
    } else if (event instanceof LetGo gone) {
      registry
          .counter("troupe.runs.let.go", AGENT, agent, "reason", word(gone.reason()))
          .increment();
    } else if (event instanceof OutcomeUnknown) {
      registry.counter("troupe.outcomes.unknown", AGENT, agent).increment();
    }
  }

  private static String word(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }

  @Override
  public void close() {
    views.forEach(registry::remove);
  }
}
