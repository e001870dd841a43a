package dev.troupe.providers;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.troupe.llm.CallOptions;
import dev.troupe.llm.GovernedModel;
import dev.troupe.llm.LlmProvider;
import dev.troupe.llm.OutputFormat;
import java.net.URI;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** By which way each provider is told the form of a record. */
@Timeout(60)
class JsonSchemaTest {
  private static final ChatRequest REQUEST =
      ChatRequest.builder().messages(UserMessage.from("Which bird was it?")).build();
  private static final String WREN =
      "{\"bird\":\"wren\",\"heard\":3,\"size\":\"SMALL\",\"names\":[\"king\"]}";

  enum Size {
    SMALL,
    LARGE
  }

  record Sighting(String bird, int heard, Size size, List<String> names, Optional<String> note) {}

  private static RawPeer peer(Spoken spoken) {
    return new RawPeer(
        (request, reply) -> {
          if (!request.stream()) {
            reply.whole(200, "application/json", spoken.whole(WREN, "stop"));
            return;
          }
          reply.begin(200, spoken.type());
          for (String event : spoken.stream(List.of(WREN), "stop")) {
            reply.part(spoken.bytes(event));
          }
          reply.end();
        });
  }

  private static JsonNode body(RawPeer peer) throws Exception {
    return new ObjectMapper().readTree(peer.requests.get(peer.requests.size() - 1).body());
  }

  /** Where the provider's own API has the schema; absent where none was sent. */
  private static JsonNode schema(Spoken spoken, JsonNode body) throws Exception {
    return switch (spoken) {
      case OPEN_AI, AZURE, MISTRAL -> {
        JsonNode format = body.path("response_format");
        yield format.path("type").asText().equals("json_schema")
            ? format.path("json_schema").path("schema")
            : format.path("none");
      }
      case OLLAMA -> body.path("format");
      case GEMINI -> {
        JsonNode config = body.path("generationConfig");
        yield config.path("responseMimeType").asText().equals("application/json")
            ? config.path("responseSchema")
            : config.path("none");
      }
      case ANTHROPIC -> body.path("output_config").path("format").path("schema");
      case BEDROCK -> {
        JsonNode text =
            body.path("outputConfig")
                .path("textFormat")
                .path("structure")
                .path("jsonSchema")
                .path("schema");
        yield text.isTextual() ? new ObjectMapper().readTree(text.asText()) : text;
      }
    };
  }

  private static boolean usuallyTakes(Spoken spoken) {
    return spoken != Spoken.ANTHROPIC && spoken != Spoken.BEDROCK;
  }

  private static void isTheRecords(JsonNode schema) {
    assertThat(schema.path("type").asText()).isEqualToIgnoringCase("object");
    assertThat(schema.path("properties").fieldNames())
        .toIterable()
        .containsExactlyInAnyOrder("bird", "heard", "size", "names", "note");
    assertThat(schema.path("properties").path("heard").path("type").asText())
        .isEqualToIgnoringCase("integer");
    assertThat(schema.path("properties").path("size").path("enum"))
        .extracting(JsonNode::asText)
        .containsExactly("SMALL", "LARGE");
    assertThat(schema.path("required"))
        .extracting(JsonNode::asText)
        .contains("bird", "heard", "size", "names");
  }

  @ParameterizedTest
  @EnumSource(Spoken.class)
  void aRecordIsAskedForByItsSchemaWhereTheProviderTakesOneAndInWordsElsewhere(Spoken spoken)
      throws Exception {
    try (RawPeer peer = peer(spoken);
        LlmProvider provider = spoken.at(peer, "k-1");
        GovernedModel model = GovernedModel.builder(provider).build()) {
      assertThat(provider.takesJsonSchema()).isEqualTo(usuallyTakes(spoken));
      assertThat(model.generate(REQUEST, Sighting.class).value().bird()).isEqualTo("wren");
      assertThat(peer.requests).hasSize(1);
      if (usuallyTakes(spoken)) {
        isTheRecords(schema(spoken, body(peer)));
        assertThat(body(peer).toString()).doesNotContain("JSON Schema:");
      } else {
        assertThat(schema(spoken, body(peer)).isMissingNode()).isTrue();
        assertThat(body(peer).toString()).contains("JSON Schema:").contains("heard");
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Spoken.class)
  void aHostKnowsBetterWhetherItsModelTakesASchema(Spoken spoken) throws Exception {
    boolean other = !usuallyTakes(spoken);
    try (RawPeer peer = peer(spoken);
        LlmProvider provider =
            spoken.preset(peer.at(spoken.path())).apiKey("k-1").jsonSchema(other).build();
        GovernedModel model = GovernedModel.builder(provider).build()) {
      assertThat(model.generate(REQUEST, Sighting.class).value().heard()).isEqualTo(3);
      if (other) {
        isTheRecords(schema(spoken, body(peer)));
      } else {
        assertThat(schema(spoken, body(peer)).isMissingNode()).isTrue();
        assertThat(body(peer).toString()).contains("JSON Schema:");
      }
    }
  }

  /** Gemini and Mistral refuse both, and Ollama's models call no tool then. */
  @ParameterizedTest
  @EnumSource(
      value = Spoken.class,
      names = {"OPEN_AI", "AZURE", "GEMINI", "MISTRAL", "OLLAMA"})
  void besideToolsTheSchemaIsSentOnlyWhereBothGoTogether(Spoken spoken) throws Exception {
    boolean both = spoken == Spoken.OPEN_AI || spoken == Spoken.AZURE;
    ChatRequest request =
        REQUEST.toBuilder()
            .toolSpecifications(ToolSpecification.builder().name("look").build())
            .responseFormat(OutputFormat.of(Sighting.class).responseFormat())
            .build();
    try (RawPeer peer = peer(spoken);
        LlmProvider provider = spoken.at(peer, "k-1");
        GovernedModel model = GovernedModel.builder(provider).build()) {
      model.generate(request);
      model.stream(request, CallOptions.USUAL, part -> {});
      assertThat(peer.requests).hasSize(2);
      for (RawPeer.Request sent : peer.requests) {
        JsonNode body = new ObjectMapper().readTree(sent.body());
        assertThat(body.toString()).contains("\"look\"").contains("heard");
        assertThat(body.toString().contains("JSON Schema:")).isNotEqualTo(both);
        assertThat(schema(spoken, body).isObject()).isEqualTo(both);
      }
    }
  }

  @Test
  void serversThatAreCompatibleAndAzuresOldApisAreAskedInWords() {
    assertThat(takes(OpenAi.compatible(URI.create("http://h/v1"), "m"))).isFalse();
    assertThat(takes(azure("2024-06-01"))).isFalse();
    assertThat(takes(azure("2024-08-01-preview"))).isTrue();
    assertThat(takes(azure("2024-10-21"))).isTrue();
  }

  private static Preset azure(String version) {
    return AzureOpenAi.model("d", version).endpoint(URI.create("https://r.example"));
  }

  private static boolean takes(Preset preset) {
    try (LlmProvider provider = preset.apiKey("k").build()) {
      return provider.takesJsonSchema();
    }
  }
}
