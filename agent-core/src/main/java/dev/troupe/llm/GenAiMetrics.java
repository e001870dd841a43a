package dev.troupe.llm;

import io.micrometer.core.instrument.MeterRegistry;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** The one place that knows OpenTelemetry's gen_ai names. */
@SuppressWarnings("DoNotCallSuggester")
final class GenAiMetrics {
  GenAiMetrics(MeterRegistry meters) {}

  /** A call of the governed model ended: answered by a provider, or failed for good. */
  void answered(LlmResponse response, CallOptions options, @Nullable Duration firstToken) {
    throw new UnsupportedOperationException("being built");
  }

  void failed(String provider, String model, CallOptions options, Duration took, Throwable why) {
    throw new UnsupportedOperationException("being built");
  }
}
