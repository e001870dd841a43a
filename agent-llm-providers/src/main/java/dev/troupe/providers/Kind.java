package dev.troupe.providers;

import dev.troupe.llm.LlmProvider;
import java.util.function.Function;

/**
 * What one provider needs that others do not.
 *
 * @param name the provider, in OpenTelemetry's words
 * @param artifact of LangChain4j, which has its models
 * @param build builds from options that were checked as far as they are the same for all
 */
record Kind(String name, String artifact, Function<Preset, LlmProvider> build) {
  /** A provider that is asked over our wire. */
  static LlmProvider http(
      Preset preset, Dialect dialect, Key key, Function<WireBuilder, HttpProvider.Models> models) {
    Wire wire = new Wire(dialect, key, preset.headers(), preset.connectTimeout());
    return new HttpProvider(preset, models.apply(new WireBuilder(wire)));
  }

  /** The endpoint that was set, or the usual one; without a slash at its end. */
  static String endpoint(Preset preset, String usual) {
    String endpoint = preset.endpoint() == null ? usual : preset.endpoint().toString();
    return endpoint.endsWith("/") ? endpoint.substring(0, endpoint.length() - 1) : endpoint;
  }
}
