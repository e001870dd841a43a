package dev.troupe.providers;

import dev.langchain4j.model.anthropic.AnthropicChatModel;
import dev.langchain4j.model.anthropic.AnthropicStreamingChatModel;
import dev.troupe.llm.LlmProvider;

/**
 * Models of Anthropic. Needs {@code dev.langchain4j:langchain4j-anthropic}. An answer has at most
 * 4,096 tokens unless {@link Preset#parameters} say otherwise. Beta features go into {@link
 * Preset#header}.
 */
public final class Anthropic {
  private static final Kind KIND = new Kind("anthropic", "langchain4j-anthropic", Anthropic::build);

  /** More than LangChain4j's 1,024, which cut many an answer; every model of Anthropic gives it. */
  private static final int MAX_TOKENS = 4_096;

  private Anthropic() {}

  /**
   * A model of Anthropic. The key is that of {@link Preset#apiKey(java.util.function.Supplier)}, or
   * of the environment variable {@code ANTHROPIC_API_KEY}.
   *
   * @param model its name, such as {@code claude-sonnet-4-5}
   * @return the preset
   */
  public static Preset model(String model) {
    return new Preset(KIND, model);
  }

  private static LlmProvider build(Preset preset) {
    String endpoint = Kind.endpoint(preset, "https://api.anthropic.com/v1");
    return Kind.http(
        preset,
        Dialect.ANTHROPIC,
        new Key("x-api-key", "", preset.key("ANTHROPIC_API_KEY")),
        wire ->
            new HttpProvider.Models(
                AnthropicChatModel.builder()
                    .httpClientBuilder(wire)
                    .baseUrl(endpoint)
                    .apiKey(Key.ELSEWHERE)
                    .modelName(preset.model())
                    .returnThinking(true)
                    .maxTokens(MAX_TOKENS)
                    .supportedCapabilities(preset.capabilities(false))
                    .maxRetries(0)
                    .build(),
                AnthropicStreamingChatModel.builder()
                    .httpClientBuilder(wire)
                    .baseUrl(endpoint)
                    .apiKey(Key.ELSEWHERE)
                    .modelName(preset.model())
                    .returnThinking(true)
                    .maxTokens(MAX_TOKENS)
                    .build()));
  }
}
