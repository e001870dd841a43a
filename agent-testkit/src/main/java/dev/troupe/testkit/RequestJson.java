package dev.troupe.testkit;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.ChatMessageSerializer;
import dev.langchain4j.data.message.Content;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.DefaultChatRequestParameters;
import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.request.json.JsonObjectSchema;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** A request of a model as a document, as a fingerprint and as one line. */
final class RequestJson {
  static final ObjectMapper MAPPER =
      JsonMapper.builder().enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS).build();

  private static final int LONGEST_BRIEF = 200;

  private RequestJson() {}

  /** Everything that a model's answer may depend on; what is not set is left out. */
  static ObjectNode document(ChatRequest request) {
    ObjectNode document = MAPPER.createObjectNode();
    document.set("messages", tree(ChatMessageSerializer.messagesToJson(request.messages())));
    if (!request.toolSpecifications().isEmpty()) {
      ArrayNode tools = document.putArray("tools");
      request.toolSpecifications().forEach(tool -> tools.add(tree(tool.toJson())));
    }
    ObjectNode parameters = parameters(request.parameters());
    if (!parameters.isEmpty()) {
      document.set("parameters", parameters);
    }
    return document;
  }

  private static ObjectNode parameters(ChatRequestParameters asked) {
    ObjectNode node = MAPPER.createObjectNode();
    put(node, "model", asked.modelName());
    put(node, "temperature", asked.temperature());
    put(node, "topP", asked.topP());
    put(node, "topK", asked.topK());
    put(node, "frequencyPenalty", asked.frequencyPenalty());
    put(node, "presencePenalty", asked.presencePenalty());
    put(node, "maxOutputTokens", asked.maxOutputTokens());
    put(node, "toolChoice", asked.toolChoice());
    if (!asked.stopSequences().isEmpty()) {
      node.set("stopSequences", MAPPER.valueToTree(asked.stopSequences()));
    }
    ResponseFormat format = asked.responseFormat();
    if (format != null) {
      node.set("responseFormat", format(format));
    }
    if (asked.getClass() != DefaultChatRequestParameters.class) {
      put(node, asked.getClass().getSimpleName(), asked.toString()); // a provider's own settings
    }
    return node;
  }

  private static JsonNode format(ResponseFormat format) {
    ObjectNode node = MAPPER.createObjectNode();
    put(node, "type", format.type());
    if (format.jsonSchema() != null) {
      put(node, "name", format.jsonSchema().name());
      if (format.jsonSchema().rootElement() instanceof JsonObjectSchema object) {
        // langchain4j writes a schema as JSON only inside a tool
        ToolSpecification tool = ToolSpecification.builder().name("-").parameters(object).build();
        node.set("schema", tree(tool.toJson()).path("parameters"));
      } else {
        put(node, "schema", format.jsonSchema().rootElement());
      }
    }
    return node;
  }

  private static void put(ObjectNode node, String name, @Nullable Object value) {
    if (value instanceof Number) {
      node.set(name, MAPPER.valueToTree(value));
    } else if (value != null) {
      node.put(name, value.toString());
    }
  }

  static JsonNode tree(String json) {
    try {
      return MAPPER.readTree(json);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("not JSON: " + e.getOriginalMessage(), e);
    }
  }

  /** The same for equal documents, whatever the order of their fields, in every process. */
  static String fingerprint(JsonNode document) {
    try {
      Object plain = MAPPER.convertValue(document, Object.class); // maps, which are then ordered
      byte[] text = MAPPER.writeValueAsString(plain).getBytes(StandardCharsets.UTF_8);
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(text), 0, 12);
    } catch (JsonProcessingException | NoSuchAlgorithmException e) {
      throw new IllegalStateException("a document can't be hashed", e);
    }
  }

  /** How many messages, the last one, the tools. */
  static String brief(ChatRequest request) {
    List<ChatMessage> messages = request.messages();
    ChatMessage last = messages.get(messages.size() - 1);
    String line =
        messages.size()
            + (messages.size() == 1 ? " message, " : " messages, the last ")
            + last.type()
            + " \""
            + cut(text(last))
            + '"';
    if (request.toolSpecifications().isEmpty()) {
      return line;
    }
    return line
        + request.toolSpecifications().stream()
            .map(ToolSpecification::name)
            .collect(Collectors.joining(", ", ", tools ", ""));
  }

  static String cut(String text) {
    String line = text.replaceAll("\\s+", " ");
    return line.length() <= LONGEST_BRIEF ? line : line.substring(0, LONGEST_BRIEF) + "…";
  }

  /** What a message says, in words: also the tool calls of a model's message. */
  static String text(ChatMessage message) {
    if (message instanceof SystemMessage system) {
      return system.text();
    }
    if (message instanceof UserMessage user) {
      return text(user.contents());
    }
    if (message instanceof ToolExecutionResultMessage result) {
      return text(result.contents());
    }
    if (message instanceof AiMessage answer) {
      return (answer.text() == null ? "" : answer.text())
          + answer.toolExecutionRequests().stream()
              .map(call -> " " + call.name() + "(" + call.arguments() + ")")
              .collect(Collectors.joining());
    }
    return message.toString();
  }

  private static String text(List<Content> contents) {
    return contents.stream()
        .map(
            content ->
                content instanceof TextContent text ? text.text() : "[" + content.type() + "]")
        .collect(Collectors.joining(" "));
  }

  /** About how many tokens a text is: four characters each. */
  static int tokens(long characters) {
    return (int) Math.min(Integer.MAX_VALUE, (characters + 3) / 4);
  }

  static int inputTokens(ChatRequest request) {
    long characters = 0;
    for (ChatMessage message : request.messages()) {
      characters += text(message).length() + 16L; // role and frame
    }
    for (ToolSpecification tool : request.toolSpecifications()) {
      characters += tool.toJson().length();
    }
    return tokens(characters);
  }
}
