package dev.troupe.examples.party;

import dev.troupe.llm.GovernedModel;
import dev.troupe.llm.LlmProvider;
import dev.troupe.providers.Bedrock;
import dev.troupe.providers.Ollama;
import dev.troupe.providers.OpenAi;
import java.net.URI;

/** Opens the model that an address names; the one place where these programs know providers. */
public final class Models {
  private Models() {}

  /**
   * Opens a model.
   *
   * @param address {@code openai}, {@code bedrock} or {@code ollama}, with {@code :MODEL} for
   *     another model than the usual one, and {@code @URL} for another address
   * @return the model; keys come from the environment
   * @throws IllegalArgumentException when it is none of these
   */
  public static GovernedModel open(String address) {
    return GovernedModel.builder(provider(address)).build();
  }

  private static LlmProvider provider(String address) {
    int at = address.indexOf('@');
    String named = at < 0 ? address : address.substring(0, at);
    URI endpoint = at < 0 ? null : URI.create(address.substring(at + 1));
    int colon = named.indexOf(':');
    String kind = colon < 0 ? named : named.substring(0, colon);
    String model = colon < 0 ? "" : named.substring(colon + 1);
    var preset =
        switch (kind) {
          case "openai" -> OpenAi.model(model.isEmpty() ? "gpt-4o-mini" : model);
          case "bedrock" -> Bedrock.model(model.isEmpty() ? "amazon.nova-lite-v1:0" : model);
          case "ollama" -> Ollama.model(model.isEmpty() ? "llama3.2" : model);
          default ->
              throw new IllegalArgumentException(
                  "a model is openai, bedrock or ollama, with :MODEL or @URL behind it, not "
                      + kind);
        };
    return (endpoint == null ? preset : preset.endpoint(endpoint)).build();
  }
}
