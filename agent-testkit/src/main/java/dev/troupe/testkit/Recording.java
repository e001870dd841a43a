package dev.troupe.testkit;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessageDeserializer;
import dev.langchain4j.data.message.ChatMessageSerializer;
import dev.langchain4j.model.output.FinishReason;
import dev.langchain4j.model.output.TokenUsage;
import dev.troupe.ErrorCode;
import dev.troupe.llm.LlmException;
import dev.troupe.llm.LlmResponse;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The file of exchanges: requests with the answer or the failure that each was given. */
record Recording(String provider, String model, List<Exchange> exchanges) {
  private static final int FORMAT = 1;
  private static final ObjectWriter WRITER = writer();

  /** One of answer and failure is there. */
  record Exchange(JsonNode request, @Nullable JsonNode answer, @Nullable JsonNode failure) {}

  private static ObjectWriter writer() {
    DefaultIndenter lines = new DefaultIndenter("  ", "\n"); // the same on every system
    DefaultPrettyPrinter printer = new DefaultPrettyPrinter();
    printer.indentArraysWith(lines);
    printer.indentObjectsWith(lines);
    return RequestJson.MAPPER.writer(printer);
  }

  // answers

  static ObjectNode answer(LlmResponse response) {
    ObjectNode node = RequestJson.MAPPER.createObjectNode();
    node.set("message", RequestJson.tree(ChatMessageSerializer.messageToJson(response.message())));
    if (response.response().finishReason() != null) {
      node.put("finish", response.response().finishReason().name());
    }
    TokenUsage usage = response.response().tokenUsage();
    if (usage != null) {
      ObjectNode tokens = node.putObject("usage");
      tokens.put("input", usage.inputTokenCount()).put("output", usage.outputTokenCount());
    }
    putText(node, "id", response.response().id());
    putText(node, "model", response.response().modelName());
    if (!response.headers().isEmpty()) {
      ObjectNode headers = node.putObject("headers");
      new TreeMap<>(response.headers()).forEach(headers::put);
    }
    return node;
  }

  static ObjectNode failure(LlmException failure) {
    ObjectNode node = RequestJson.MAPPER.createObjectNode();
    node.put("code", failure.code().name());
    node.put("message", failure.getMessage());
    failure.retryAfter().ifPresent(wait -> node.put("retryAfter", wait.toString()));
    if (failure.status() != 0) {
      node.put("status", failure.status());
    }
    failure.requestId().ifPresent(id -> node.put("requestId", id));
    if (!failure.partial().isEmpty()) {
      node.put("partial", failure.partial());
    }
    return node;
  }

  private static void putText(ObjectNode node, String name, @Nullable String value) {
    if (value != null) {
      node.put(name, value);
    }
  }

  /** What a model does that answers as this exchange does. */
  ScriptedAnswer replay(Exchange exchange) {
    if (exchange.answer != null) {
      return replayed(exchange.answer);
    }
    JsonNode failure = Objects.requireNonNull(exchange.failure);
    String retryAfter = failure.path("retryAfter").textValue();
    ErrorCode code = ErrorCode.valueOf(failure.path("code").asText());
    ScriptedAnswer partial = ScriptedAnswer.text(failure.path("partial").asText());
    return partial.failsAfter(
        partial.parts().size(),
        LlmException.of(code, provider, failure.path("message").asText())
            .retryAfter(retryAfter == null ? null : Duration.parse(retryAfter))
            .status(failure.path("status").asInt())
            .requestId(failure.path("requestId").textValue())
            .build());
  }

  private static ScriptedAnswer replayed(JsonNode node) {
    String json = node.path("message").toString();
    AiMessage message = (AiMessage) ChatMessageDeserializer.messageFromJson(json);
    ScriptedAnswer answer =
        ScriptedAnswer.message(message)
            .from(node.path("id").textValue(), node.path("model").textValue());
    if (node.has("finish")) {
      answer = answer.finish(FinishReason.valueOf(node.path("finish").asText()));
    }
    JsonNode usage = node.path("usage");
    if (usage.path("input").isInt() && usage.path("output").isInt()) {
      answer = answer.usage(usage.path("input").asInt(), usage.path("output").asInt());
    }
    Map<String, String> headers = new TreeMap<>();
    node.path("headers").properties().forEach(h -> headers.put(h.getKey(), h.getValue().asText()));
    return answer.headers(headers);
  }

  // the file

  void write(Path file) {
    ObjectNode root = RequestJson.MAPPER.createObjectNode();
    root.put("format", FORMAT).put("provider", provider).put("model", model);
    for (Exchange exchange : exchanges) {
      ObjectNode node = root.withArray("/exchanges").addObject();
      node.set("request", exchange.request);
      if (exchange.answer != null) {
        node.set("answer", exchange.answer);
      } else {
        node.set("failure", exchange.failure);
      }
    }
    try {
      Path folder = file.toAbsolutePath().getParent();
      Files.createDirectories(folder);
      Path whole = file.resolveSibling(file.getFileName() + ".part"); // one writer, under a lock
      Files.writeString(whole, WRITER.writeValueAsString(root) + "\n");
      Files.move(whole, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw new UncheckedIOException("the recording " + file + " can't be written", e);
    }
  }

  static Recording read(Path file) {
    JsonNode root;
    try {
      root = RequestJson.MAPPER.readTree(Files.readString(file));
    } catch (NoSuchFileException e) {
      throw new IllegalArgumentException(
          "there is no recording " + file + "; write it with a ModelRecorder first", e);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(
          file + " is not JSON: " + e.getOriginalMessage() + "; record it again", e);
    } catch (IOException e) {
      throw new UncheckedIOException("the recording " + file + " can't be read", e);
    }
    if (root.path("format").asInt() != FORMAT) {
      throw new IllegalArgumentException(
          file
              + " is not a recording of format "
              + FORMAT
              + " but of "
              + root.path("format")
              + "; record it again");
    }
    List<Exchange> exchanges = new ArrayList<>();
    for (JsonNode node : root.path("exchanges")) {
      if (node.has("answer") == node.has("failure") || !node.has("request")) {
        throw new IllegalArgumentException(
            file
                + ": exchange "
                + (exchanges.size() + 1)
                + " has not a request and either an answer or a failure");
      }
      exchanges.add(new Exchange(node.get("request"), node.get("answer"), node.get("failure")));
    }
    return new Recording(
        root.path("provider").asText(), root.path("model").asText(), List.copyOf(exchanges));
  }
}
