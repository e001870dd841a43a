package dev.troupe.providers;

import dev.langchain4j.model.googleai.GoogleAiGeminiChatModel;
import dev.langchain4j.model.googleai.GoogleAiGeminiStreamingChatModel;
import dev.troupe.llm.LlmProvider;

/**
 * Google's Gemini models, by its developers' API. Needs {@code
 * dev.langchain4j:langchain4j-google-ai-gemini}.
 */
public final class Gemini {
  private static final Kind KIND =
      new Kind("gcp.gemini", "langchain4j-google-ai-gemini", Gemini::build);

  private Gemini() {}

  /**
   * A model of Google. The key is that of {@link Preset#apiKey(java.util.function.Supplier)}, or of
   * the environment variable {@code GEMINI_API_KEY}.
   *
   * @param model its name, such as {@code gemini-2.5-flash}
   * @return the preset
   */
  public static Preset model(String model) {
    return new Preset(KIND, model);
  }

  private static LlmProvider build(Preset preset) {
    String endpoint = Kind.endpoint(preset, "https://generativelanguage.googleapis.com/v1beta");
    return Kind.http(
        preset,
        Dialect.GEMINI,
        new Key("x-goog-api-key", "", preset.key("GEMINI_API_KEY")),
        wire ->
            BesideTools.inWords(
                GoogleAiGeminiChatModel.builder()
                    .httpClientBuilder(wire)
                    .baseUrl(endpoint)
                    .apiKey(Key.ELSEWHERE)
                    .modelName(preset.model())
                    .returnThinking(true)
                    .sendThinking(true)
                    .supportedCapabilities(preset.capabilities(true))
                    .maxRetries(0)
                    .build(),
                GoogleAiGeminiStreamingChatModel.builder()
                    .httpClientBuilder(wire)
                    .baseUrl(endpoint)
                    .apiKey(Key.ELSEWHERE)
                    .modelName(preset.model())
                    .returnThinking(true)
                    .sendThinking(true)
                    .build()));
  }
}
