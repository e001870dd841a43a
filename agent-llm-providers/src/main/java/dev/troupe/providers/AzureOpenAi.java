package dev.troupe.providers;

import dev.troupe.llm.LlmProvider;
import java.net.URI;
import java.util.Map;
import java.util.function.Supplier;

/**
 * Models of OpenAI that Azure serves. Asked through LangChain4j's module for OpenAI, since Azure
 * speaks that protocol: needs {@code dev.langchain4j:langchain4j-open-ai}, and none of Azure's SDK,
 * whose pipeline tries again by itself. A host that prefers the SDK, or signs in with Entra, brings
 * its model by {@link LlmProvider#of}.
 */
public final class AzureOpenAi {
  private static final String NAME = "azure.ai.openai";
  private static final String ARTIFACT = "langchain4j-open-ai";

  /** The first dated API that takes a JSON schema for the answer. */
  private static final String FIRST_WITH_SCHEMA = "2024-08-01";

  private AzureOpenAi() {}

  /**
   * A deployment, by Azure's API of version 1. {@link Preset#endpoint} has to be set: the resource,
   * as in {@code https://my-resource.openai.azure.com}. The key is that of {@link
   * Preset#apiKey(Supplier)}, or of the environment variable {@code AZURE_OPENAI_API_KEY}.
   *
   * @param deployment its name
   * @return the preset
   */
  public static Preset model(String deployment) {
    return new Preset(
        new Kind(
            NAME,
            ARTIFACT,
            preset ->
                OpenAi.at(preset, resource(preset) + "/openai/v1", key(preset), Map.of(), true)),
        deployment);
  }

  /**
   * A deployment, by one of Azure's older, dated APIs.
   *
   * @param deployment its name
   * @param apiVersion the date, such as {@code 2024-10-21}
   * @return the preset
   */
  public static Preset model(String deployment, String apiVersion) {
    return new Preset(
        new Kind(
            NAME,
            ARTIFACT,
            preset ->
                OpenAi.at(
                    preset,
                    resource(preset) + "/openai/deployments/" + deployment,
                    key(preset),
                    Map.of("api-version", apiVersion),
                    apiVersion.compareTo(FIRST_WITH_SCHEMA) >= 0)),
        deployment);
  }

  private static String resource(Preset preset) {
    URI endpoint = preset.endpoint();
    if (endpoint == null) {
      throw new IllegalStateException(
          "azure.ai.openai needs the resource's address: call endpoint(...), as in"
              + " https://my-resource.openai.azure.com");
    }
    String address = Kind.endpoint(preset, "");
    return address.endsWith("/openai/v1")
        ? address.substring(0, address.length() - "/openai/v1".length())
        : address;
  }

  private static Key key(Preset preset) {
    return new Key("api-key", "", preset.key("AZURE_OPENAI_API_KEY"));
  }
}
