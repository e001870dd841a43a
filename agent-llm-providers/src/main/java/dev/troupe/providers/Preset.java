package dev.troupe.providers;

import dev.langchain4j.model.chat.Capability;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.troupe.llm.LlmProvider;
import java.net.URI;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A model at a known provider, being set up: the same options for all of them, so that a host moves
 * from one to the next by changing the line that names it. Begin with {@link OpenAi}, {@link
 * AzureOpenAi}, {@link Anthropic}, {@link Gemini}, {@link Mistral}, {@link Ollama} or {@link
 * Bedrock}. Not safe for several threads.
 *
 * <p>What is built sends each request once, over connections that it keeps for the next, in
 * HTTP/1.1 where the endpoint is plain {@code http:}. It needs LangChain4j's module for the
 * provider, which the host adds.
 */
public final class Preset {
  private final Kind kind;
  private final String model;
  private String name;
  private @Nullable URI endpoint;
  private String account = "default";
  private @Nullable Supplier<String> apiKey;
  private @Nullable ChatRequestParameters parameters;
  private final Map<String, String> headers = new LinkedHashMap<>();
  private Duration connectTimeout = Duration.ofSeconds(10);
  private @Nullable Boolean jsonSchema;

  Preset(Kind kind, String model) {
    this.kind = kind;
    this.model = filled("model", model);
    this.name = kind.name();
  }

  /**
   * Sets where the provider is, if not at its usual address: a proxy, a region, a server of one's
   * own.
   *
   * @param endpoint the address, with the version's path where the usual one has it
   * @return this
   */
  public Preset endpoint(URI endpoint) {
    if (endpoint.getHost() == null || endpoint.getScheme() == null) {
      throw new IllegalArgumentException(
          "endpoint must have a scheme and a host, as in https://host/v1: " + endpoint);
    }
    this.endpoint = endpoint;
    return this;
  }

  /**
   * Names the key or account whose quota is used, for hosts that have several.
   *
   * @param account a name, never the key; {@code default} unless set
   * @return this
   */
  public Preset account(String account) {
    this.account = filled("account", account);
    return this;
  }

  /**
   * Sets the key.
   *
   * @param apiKey the key
   * @return this
   */
  public Preset apiKey(String apiKey) {
    filled("apiKey", apiKey);
    return apiKey(() -> apiKey);
  }

  /**
   * Sets where the key lies. It is asked for at each request, so a key can be replaced while the
   * process runs.
   *
   * @param apiKey gives the key; fast, for many threads
   * @return this
   */
  public Preset apiKey(Supplier<String> apiKey) {
    this.apiKey = Objects.requireNonNull(apiKey, "apiKey");
    return this;
  }

  /**
   * Sets what holds for every request that does not say otherwise: temperature, limit of tokens,
   * and what only this provider knows, by its own class of LangChain4j.
   *
   * @param parameters the parameters
   * @return this
   */
  public Preset parameters(ChatRequestParameters parameters) {
    this.parameters = Objects.requireNonNull(parameters, "parameters");
    return this;
  }

  /**
   * Sends a header with every request: an organisation, a beta feature, a gateway's route.
   *
   * @param name its name
   * @param value its value; no key, which {@link #apiKey(Supplier)} is for
   * @return this
   */
  public Preset header(String name, String value) {
    if (Key.carries(name)) {
      throw new IllegalArgumentException("header " + name + " holds the key: use apiKey(...)");
    }
    headers.put(filled("header", name), Objects.requireNonNull(value, "value"));
    return this;
  }

  /**
   * Limits how long a connection may take to come about.
   *
   * @param connectTimeout more than zero; ten seconds unless set
   * @return this
   */
  public Preset connectTimeout(Duration connectTimeout) {
    if (connectTimeout.isNegative() || connectTimeout.isZero()) {
      throw new IllegalArgumentException(
          "connectTimeout must be more than zero: " + connectTimeout);
    }
    this.connectTimeout = connectTimeout;
    return this;
  }

  /**
   * Says whether the model takes a JSON schema as the form of its answer. Records are asked for by
   * such a schema then, and described in the prompt otherwise. Unless set, models of OpenAI, Azure,
   * Gemini, Mistral and Ollama take one, and those of Anthropic, Bedrock and servers that are
   * compatible with OpenAI don't, because only some of theirs do. Beside tools, Gemini, Mistral and
   * Ollama get it described anyway.
   *
   * @param taken false for older models of OpenAI, which refuse a schema; true for a model that is
   *     known to take one
   * @return this
   */
  public Preset jsonSchema(boolean taken) {
    this.jsonSchema = taken;
    return this;
  }

  /**
   * Names the provider otherwise: who is compatible with OpenAI is not OpenAI, neither in metrics
   * nor where prices and quotas are looked up.
   *
   * @param name the name, as in OpenTelemetry's {@code gen_ai.provider.name}
   * @return this
   */
  public Preset name(String name) {
    this.name = filled("name", name);
    return this;
  }

  /**
   * Builds the provider.
   *
   * @return the provider
   * @throws IllegalStateException when LangChain4j's module is not there, or an option is missing
   */
  public LlmProvider build() {
    try {
      return kind.build().apply(this);
    } catch (NoClassDefFoundError e) {
      throw new IllegalStateException(
          kind.name()
              + " needs a module that is not on the class path ("
              + e.getMessage()
              + "); add the dependency dev.langchain4j:"
              + kind.artifact(),
          e);
    }
  }

  String model() {
    return model;
  }

  String name() {
    return name;
  }

  String account() {
    return account;
  }

  @Nullable URI endpoint() {
    return endpoint;
  }

  Map<String, String> headers() {
    return Map.copyOf(headers);
  }

  Duration connectTimeout() {
    return connectTimeout;
  }

  /** What LangChain4j's model is to say that it can; usual is what holds unless the host said. */
  Set<Capability> capabilities(boolean usual) {
    boolean taken = jsonSchema == null ? usual : jsonSchema;
    return taken ? Set.of(Capability.RESPONSE_FORMAT_JSON_SCHEMA) : Set.of();
  }

  @Nullable ChatRequestParameters parameters() {
    return parameters;
  }

  /** The key that was set; null when there was none. */
  @Nullable Supplier<String> key() {
    return apiKey;
  }

  /** The key that was set, or the one in the environment; one of them has to be there. */
  Supplier<String> key(String variable) {
    if (apiKey != null) {
      return apiKey;
    }
    String inherited = System.getenv(variable);
    if (inherited == null || inherited.isBlank()) {
      throw new IllegalStateException(
          name + " needs a key: call apiKey(...), or set the environment variable " + variable);
    }
    return () -> inherited;
  }

  private static String filled(String what, String value) {
    if (value.isBlank()) {
      throw new IllegalArgumentException(what + " must not be blank");
    }
    return value;
  }

  @Override
  public String toString() {
    return name + "/" + model;
  }
}
