package dev.troupe.event;

import dev.troupe.TraceContext;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What an event has from another one, unless it has its own. */
final class Lineage {
  private Lineage() {}

  /** An event that follows from another: one step further in its trace. */
  static Event following(Event from, Event next) {
    return with(from, from.id(), from.trace().map(TraceContext::child), next);
  }

  /** An event that stands in for another: in its place of the trace. */
  static Event instead(Event of, Event other) {
    return with(of, of.causationId().orElse(null), of.trace(), other);
  }

  private static Event with(
      Event from, @Nullable String cause, Optional<TraceContext> trace, Event event) {
    Event.Builder builder = event.toBuilder();
    if (event.causationId().isEmpty()) {
      builder.causationId(cause);
    }
    if (event.correlationId().isEmpty()) {
      builder.correlationId(from.correlationId().orElse(null));
    }
    if (event.traceparent().isEmpty() && trace.isPresent()) {
      String state = trace.get().tracestate();
      builder.traceparent(trace.get().traceparent()).tracestate(state.isEmpty() ? null : state);
    }
    return builder.build();
  }
}
