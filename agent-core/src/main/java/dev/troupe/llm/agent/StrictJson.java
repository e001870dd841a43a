package dev.troupe.llm.agent;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.Map;

/** Reads what a model wrote as JSON, within bounds that no bomb gets past. */
final class StrictJson {
  /** The most characters that are looked at; results of steps hold no more, either. */
  static final int MAX_CHARACTERS = 200_000;

  private static final int MAX_DEPTH = 64;
  private static final int MAX_NUMBER = 100;
  private static final int MAX_EXPONENT = 400;
  private static final JsonMapper MAPPER = mapper();

  private StrictJson() {}

  /** It is no JSON, or more than anybody needs. The message holds nothing of it. */
  static final class Unreadable extends Exception {
    private static final long serialVersionUID = 1L;

    final String why;

    Unreadable(String why) {
      super(why);
      this.why = why;
    }
  }

  private static JsonMapper mapper() {
    JsonFactory factory =
        JsonFactory.builder()
            .streamReadConstraints(
                StreamReadConstraints.builder()
                    .maxNestingDepth(MAX_DEPTH)
                    .maxStringLength(MAX_CHARACTERS)
                    .maxNumberLength(MAX_NUMBER)
                    .build())
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();
    return JsonMapper.builder(factory)
        .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
        .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
        .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
        .build();
  }

  static JsonNode read(String text) throws Unreadable {
    if (text.length() > MAX_CHARACTERS) {
      throw new Unreadable(
          "it has %d characters, %d are allowed".formatted(text.length(), MAX_CHARACTERS));
    }
    JsonNode node;
    try {
      node = MAPPER.readTree(text);
    } catch (JsonProcessingException e) {
      throw new Unreadable("it is not valid JSON%s: %s".formatted(place(e), why(e)));
    } catch (ArithmeticException | NumberFormatException e) {
      throw new Unreadable("it holds a number that can't be read");
    }
    if (node == null || node.isMissingNode()) {
      throw new Unreadable("it is empty");
    }
    checkNumbers(node);
    return node;
  }

  /** JSON with sorted properties: equal values have equal texts. */
  static String canonical(JsonNode node) {
    try {
      // a tree's own properties are not sorted, those of maps are
      return MAPPER.writeValueAsString(MAPPER.convertValue(node, Object.class));
    } catch (JsonProcessingException impossible) {
      throw new IllegalStateException("what was read can't be written", impossible);
    }
  }

  static JsonNode tree(Map<String, Object> schema) {
    return MAPPER.valueToTree(schema);
  }

  /** A number such as 1e1000000000 is short to write and has a billion digits. */
  private static void checkNumbers(JsonNode node) throws Unreadable {
    if (node.isBigDecimal() && Math.abs((long) node.decimalValue().scale()) > MAX_EXPONENT) {
      throw new Unreadable("it holds a number whose exponent is beyond " + MAX_EXPONENT);
    }
    for (JsonNode child : node) {
      checkNumbers(child);
    }
  }

  private static String place(JsonProcessingException e) {
    JsonLocation at = e.getLocation();
    return at == null || at.getLineNr() < 1
        ? ""
        : " at line %d, column %d".formatted(at.getLineNr(), at.getColumnNr());
  }

  /** Jackson's own messages quote what they read. */
  private static String why(JsonProcessingException e) {
    String message = String.valueOf(e.getOriginalMessage());
    if (message.startsWith("Duplicate field")) {
      return "a property is there twice";
    }
    if (message.contains("nesting depth")) {
      return "it is nested deeper than %d".formatted(MAX_DEPTH);
    }
    if (message.startsWith("Number value length")) {
      return "a number has more than %d digits".formatted(MAX_NUMBER);
    }
    if (message.startsWith("Unexpected end-of-input")) {
      return "it ends too early";
    }
    if (message.startsWith("Trailing token")) {
      return "something follows its end";
    }
    return "it can't be read from there on";
  }
}
