package dev.troupe.providers;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectWriter;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.internal.JsonSchemaElementUtils;
import dev.langchain4j.model.chat.Capability;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.request.ResponseFormatType;
import dev.langchain4j.model.chat.request.json.JsonSchema;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * For providers that take a form for the answer, but not in a request that has tools: Gemini and
 * Mistral refuse both together, and with Ollama the form keeps the model from calling a tool. There
 * the form is described in the instructions.
 */
final class BesideTools {
  private static final ObjectWriter JSON = new ObjectMapper().writer();

  private BesideTools() {}

  static HttpProvider.Models inWords(ChatModel chat, StreamingChatModel streaming) {
    return new HttpProvider.Models(new Whole(chat), new InParts(streaming));
  }

  static ChatRequest described(ChatRequest request) {
    ResponseFormat format = request.responseFormat();
    if (format == null
        || format.type() == ResponseFormatType.TEXT
        || request.toolSpecifications() == null
        || request.toolSpecifications().isEmpty()) {
      return request;
    }
    List<ChatMessage> messages = new ArrayList<>(request.messages());
    String words = words(format.jsonSchema());
    if (messages.get(0) instanceof SystemMessage system) {
      messages.set(0, SystemMessage.from(system.text() + "\n\n" + words));
    } else {
      messages.add(0, SystemMessage.from(words));
    }
    return request.toBuilder().messages(messages).responseFormat(ResponseFormat.TEXT).build();
  }

  /** Of a null schema, any JSON. */
  private static String words(@Nullable JsonSchema schema) {
    String words =
        "When you need no more tools, answer with one JSON object and nothing else, neither before"
            + " nor after it.";
    if (schema == null) {
      return words;
    }
    try {
      return words
          + " It has to fit this JSON Schema:\n"
          + JSON.writeValueAsString(JsonSchemaElementUtils.toMap(schema.rootElement()));
    } catch (JsonProcessingException impossible) {
      throw new IllegalStateException("a schema is not JSON", impossible);
    }
  }

  /** Answers whole. */
  private record Whole(ChatModel model) implements ChatModel {
    @Override
    public ChatResponse chat(ChatRequest request) {
      return model.chat(described(request));
    }

    @Override
    public Set<Capability> supportedCapabilities() {
      return model.supportedCapabilities();
    }
  }

  /** Answers in parts. */
  private record InParts(StreamingChatModel model) implements StreamingChatModel {
    @Override
    public void chat(ChatRequest request, StreamingChatResponseHandler handler) {
      model.chat(described(request), handler);
    }
  }
}
