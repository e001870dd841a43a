package dev.troupe.providers;

import dev.langchain4j.model.mistralai.MistralAiChatModel;
import dev.langchain4j.model.mistralai.MistralAiStreamingChatModel;
import dev.troupe.llm.LlmProvider;

/** Models of Mistral. Needs {@code dev.langchain4j:langchain4j-mistral-ai}. */
public final class Mistral {
  private static final Kind KIND = new Kind("mistral_ai", "langchain4j-mistral-ai", Mistral::build);

  private Mistral() {}

  /**
   * A model of Mistral. The key is that of {@link Preset#apiKey(java.util.function.Supplier)}, or
   * of the environment variable {@code MISTRAL_API_KEY}.
   *
   * @param model its name, such as {@code mistral-small-latest}
   * @return the preset
   */
  public static Preset model(String model) {
    return new Preset(KIND, model);
  }

  private static LlmProvider build(Preset preset) {
    String endpoint = Kind.endpoint(preset, "https://api.mistral.ai/v1");
    return Kind.http(
        preset,
        Dialect.MISTRAL,
        new Key("Authorization", "Bearer ", preset.key("MISTRAL_API_KEY")),
        wire ->
            BesideTools.inWords(
                MistralAiChatModel.builder()
                    .httpClientBuilder(wire)
                    .baseUrl(endpoint)
                    .apiKey(Key.ELSEWHERE)
                    .modelName(preset.model())
                    .returnThinking(true)
                    .supportedCapabilities(preset.capabilities(true))
                    .maxRetries(0)
                    .build(),
                MistralAiStreamingChatModel.builder()
                    .httpClientBuilder(wire)
                    .baseUrl(endpoint)
                    .apiKey(Key.ELSEWHERE)
                    .modelName(preset.model())
                    .returnThinking(true)
                    .build()));
  }
}
