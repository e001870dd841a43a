package dev.troupe.providers;

import dev.langchain4j.model.ollama.OllamaChatModel;
import dev.langchain4j.model.ollama.OllamaStreamingChatModel;
import dev.troupe.llm.LlmProvider;

/** Models of an Ollama server. Needs {@code dev.langchain4j:langchain4j-ollama}. */
public final class Ollama {
  private static final Kind KIND = new Kind("ollama", "langchain4j-ollama", Ollama::build);

  private Ollama() {}

  /**
   * A model of an Ollama server, of the one on this machine unless {@link Preset#endpoint} is set.
   * Without {@link Preset#apiKey(java.util.function.Supplier)} no key is sent.
   *
   * @param model its name, such as {@code llama3.2}
   * @return the preset
   */
  public static Preset model(String model) {
    return new Preset(KIND, model);
  }

  private static LlmProvider build(Preset preset) {
    String endpoint = Kind.endpoint(preset, "http://localhost:11434");
    return Kind.http(
        preset,
        Dialect.OLLAMA,
        new Key("Authorization", "Bearer ", preset.key()),
        wire ->
            BesideTools.inWords(
                OllamaChatModel.builder()
                    .httpClientBuilder(wire)
                    .baseUrl(endpoint)
                    .modelName(preset.model())
                    .returnThinking(true)
                    .supportedCapabilities(preset.capabilities(true))
                    .maxRetries(0)
                    .build(),
                OllamaStreamingChatModel.builder()
                    .httpClientBuilder(wire)
                    .baseUrl(endpoint)
                    .modelName(preset.model())
                    .returnThinking(true)
                    .build()));
  }
}
