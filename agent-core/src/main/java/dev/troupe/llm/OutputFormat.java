package dev.troupe.llm;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ResponseFormat;
import dev.langchain4j.model.chat.request.ResponseFormatType;
import dev.langchain4j.model.chat.request.json.JsonSchema;
import dev.langchain4j.model.output.FinishReason;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The form that an answer has to have: a record. Gives its JSON schema, and reads answers strictly:
 * unknown, doubled and missing fields are errors, and so are wrong types, numbers out of range, and
 * whatever the record's own constructor refuses. No type names are obeyed. JSON is refused above a
 * million characters, 100 levels, or 200,000 tokens.
 *
 * <p>Records may hold records, lists, sets, enums, {@code Optional}, text, numbers, booleans, the
 * usual types of {@code java.time}, {@code UUID} and {@code URI}; no maps, and not themselves. What
 * is an {@code Optional}, or {@code @Nullable} of JSpecify, may be missing. langchain4j's
 * {@code @Description} on types and components goes into the schema.
 *
 * <p>Immutable.
 *
 * @param <T> the record
 */
public final class OutputFormat<T extends Record> {
  private static final int LONGEST = 1_000_000;

  private static final JsonMapper MAPPER =
      JsonMapper.builder(
              JsonFactory.builder()
                  .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxNestingDepth(100)
                          .maxStringLength(LONGEST)
                          .maxDocumentLength(LONGEST)
                          .maxTokenCount(200_000)
                          .maxNameLength(1_000)
                          .maxNumberLength(200)
                          .build())
                  .build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
          .build();

  private final Class<T> type;
  private final Shape.Fields shape;

  private OutputFormat(Class<T> type) {
    this.type = type;
    this.shape = Shapes.of(type);
  }

  /**
   * The form of a record.
   *
   * @param type the record
   * @param <T> the record
   * @return its form
   * @throws dev.troupe.AgentException with {@code INVALID_INPUT} when the record holds what has no
   *     form; the message names the component
   */
  public static <T extends Record> OutputFormat<T> of(Class<T> type) {
    return new OutputFormat<>(type);
  }

  /**
   * An answer, read.
   *
   * @param value the record, empty when the answer does not fit
   * @param problems what is wrong, each with its place, as the model should be told; may show parts
   *     of the answer
   * @param places the same without anything of the answer, for messages and logs
   * @param <T> the record
   */
  public record Reading<T>(Optional<T> value, List<String> problems, List<String> places) {
    /** Copies. */
    public Reading {
      Objects.requireNonNull(value, "value");
      problems = List.copyOf(problems);
      places = List.copyOf(places);
    }

    /** Without anything of the answer. */
    @Override
    public String toString() {
      return value.isPresent() ? "fits" : "does not fit: " + String.join("; ", places);
    }
  }

  /**
   * The record.
   *
   * @return its class
   */
  public Class<T> type() {
    return type;
  }

  /**
   * The schema, for providers that take one.
   *
   * @return the response format
   */
  public ResponseFormat responseFormat() {
    return ResponseFormat.builder()
        .type(ResponseFormatType.JSON)
        .jsonSchema(
            JsonSchema.builder().name(type.getSimpleName()).rootElement(shape.schema(null)).build())
        .build();
  }

  /**
   * The schema in words, for providers that take none.
   *
   * @return what to add to the instructions
   */
  public String instructions() {
    return "Answer with one JSON object and nothing else, neither before nor after it. It has to"
        + " fit this JSON Schema:\n"
        + shape.json();
  }

  /** The request with the schema as its response format. */
  ChatRequest sent(ChatRequest request) {
    return request.toBuilder().responseFormat(responseFormat()).build();
  }

  /** The request with the schema in its system message. */
  ChatRequest described(ChatRequest request) {
    List<ChatMessage> messages = new ArrayList<>(request.messages());
    if (messages.get(0) instanceof SystemMessage system) {
      messages.set(0, SystemMessage.from(system.text() + "\n\n" + instructions()));
    } else {
      messages.add(0, SystemMessage.from(instructions()));
    }
    return request.toBuilder().messages(messages).responseFormat(ResponseFormat.TEXT).build();
  }

  /**
   * Reads an answer. One that is marked as a part, or was cut off at the limit of tokens, never
   * fits.
   *
   * @param answer the answer
   * @return the record, or what is wrong
   */
  public Reading<T> read(LlmResponse answer) {
    if (!answer.complete() || answer.response().finishReason() == FinishReason.LENGTH) {
      Problems problems = new Problems();
      problems.add("", "was cut off at the limit of tokens; it has to be shorter");
      return unfit(problems);
    }
    return read(answer.text());
  }

  /**
   * Reads the text of an answer; a fence of Markdown around all of it is passed over.
   *
   * @param text the text
   * @return the record, or what is wrong
   */
  public Reading<T> read(String text) {
    Problems problems = new Problems();
    if (text.length() > LONGEST) {
      problems.add("", "has more than " + LONGEST + " characters");
      return unfit(problems);
    }
    JsonNode node = parse(text, problems);
    Object value = node == null ? null : shape.read(node, "", problems);
    return value == null || problems.count() > 0
        ? unfit(problems)
        : new Reading<>(Optional.of(type.cast(value)), List.of(), List.of());
  }

  private Reading<T> unfit(Problems problems) {
    return new Reading<>(Optional.empty(), problems.forTheModel(), problems.forMessages());
  }

  private static @Nullable JsonNode parse(String text, Problems problems) {
    try {
      JsonNode node = MAPPER.readTree(unfenced(text));
      if (node.isMissingNode()) {
        problems.add("", "is empty");
        return null;
      }
      return node;
    } catch (JsonProcessingException notJson) {
      problems.add(
          "",
          notJson.getLocation() == null
              ? "is not JSON"
              : "is not JSON: line %d, column %d"
                  .formatted(
                      notJson.getLocation().getLineNr(), notJson.getLocation().getColumnNr()),
          notJson.getOriginalMessage());
      return null;
    } catch (RuntimeException notANumber) {
      problems.add("", "holds a number that nobody can read");
      return null;
    }
  }

  private static String unfenced(String text) {
    String bare = text.strip();
    int begin = bare.indexOf('\n');
    if (bare.startsWith("```") && bare.endsWith("```") && begin > 0 && begin < bare.length() - 3) {
      return bare.substring(begin + 1, bare.length() - 3);
    }
    return bare;
  }
}
