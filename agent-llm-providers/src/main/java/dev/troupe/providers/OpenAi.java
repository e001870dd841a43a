package dev.troupe.providers;

import dev.langchain4j.model.openai.OpenAiChatModel;
import dev.langchain4j.model.openai.OpenAiStreamingChatModel;
import dev.troupe.llm.LlmProvider;
import java.net.URI;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Models of OpenAI, and of servers that are compatible with its chat completions. Needs {@code
 * dev.langchain4j:langchain4j-open-ai}. An organisation or project goes into {@link Preset#header}.
 */
public final class OpenAi {
  private static final String NAME = "openai";
  private static final String ARTIFACT = "langchain4j-open-ai";

  private OpenAi() {}

  /**
   * A model of OpenAI. The key is that of {@link Preset#apiKey(Supplier)}, or of the environment
   * variable {@code OPENAI_API_KEY}.
   *
   * @param model its name, such as {@code gpt-4o-mini}
   * @return the preset
   */
  public static Preset model(String model) {
    return new Preset(
        new Kind(NAME, ARTIFACT, preset -> build(preset, preset.key("OPENAI_API_KEY"), true)),
        model);
  }

  /**
   * A model behind an endpoint that is compatible with OpenAI's: vLLM, LM Studio, llama.cpp,
   * DeepSeek, Groq, OpenRouter, a gateway. Without {@link Preset#apiKey(Supplier)} no key is sent.
   * Set {@link Preset#name} too where there are prices or quotas, and {@link Preset#jsonSchema}
   * where the server takes one.
   *
   * @param endpoint the address, mostly ending in {@code /v1}
   * @param model its name there
   * @return the preset
   */
  public static Preset compatible(URI endpoint, String model) {
    return new Preset(new Kind(NAME, ARTIFACT, preset -> build(preset, preset.key(), false)), model)
        .endpoint(endpoint);
  }

  private static LlmProvider build(Preset preset, @Nullable Supplier<String> key, boolean schema) {
    String endpoint = Kind.endpoint(preset, "https://api.openai.com/v1");
    return at(preset, endpoint, new Key("Authorization", "Bearer ", key), Map.of(), schema);
  }

  /**
   * A model at an endpoint, asked with a key in a header of one's own; schema, whether such models
   * take one.
   */
  static LlmProvider at(
      Preset preset, String endpoint, Key key, Map<String, String> query, boolean schema) {
    return Kind.http(
        preset,
        Dialect.OPEN_AI,
        key,
        wire ->
            new HttpProvider.Models(
                OpenAiChatModel.builder()
                    .httpClientBuilder(wire)
                    .baseUrl(endpoint)
                    .modelName(preset.model())
                    .customQueryParams(query)
                    .returnThinking(true)
                    .supportedCapabilities(preset.capabilities(schema))
                    .maxRetries(0)
                    .build(),
                OpenAiStreamingChatModel.builder()
                    .httpClientBuilder(wire)
                    .baseUrl(endpoint)
                    .modelName(preset.model())
                    .customQueryParams(query)
                    .returnThinking(true)
                    .build()));
  }
}
