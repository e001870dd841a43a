package dev.troupe.llm.agent;

import com.fasterxml.jackson.databind.JsonNode;
import dev.langchain4j.internal.JsonSchemaElementUtils;
import dev.langchain4j.model.chat.request.json.JsonAnyOfSchema;
import dev.langchain4j.model.chat.request.json.JsonArraySchema;
import dev.langchain4j.model.chat.request.json.JsonObjectSchema;
import dev.langchain4j.model.chat.request.json.JsonReferenceSchema;
import dev.langchain4j.model.chat.request.json.JsonSchemaElement;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Holds JSON to a schema, in words that help a model to mend it. Of JSON Schema it knows what
 * langchain4j's elements can say: types, required and additional properties, enums, items, any of
 * several, and references; other keywords of raw schemas are left to the tool.
 */
final class SchemaCheck {
  private static final int MOST_PROBLEMS = 10;
  private static final int MOST_SHOWN = 60;

  private final Map<String, JsonSchemaElement> definitions = new HashMap<>();
  private final List<String> problems = new ArrayList<>();

  private SchemaCheck() {}

  /** What does not fit, empty when all does. */
  static List<String> problems(JsonSchemaElement schema, JsonNode value) {
    SchemaCheck check = new SchemaCheck();
    if (schema instanceof JsonObjectSchema object && object.definitions() != null) {
      check.definitions.putAll(object.definitions());
    }
    check.check(schema, value, "$");
    return check.problems;
  }

  private void check(JsonSchemaElement schema, JsonNode value, String at) {
    if (problems.size() >= MOST_PROBLEMS) {
      return;
    }
    if (schema instanceof JsonObjectSchema object) {
      object(object, value, at);
    } else if (schema instanceof JsonArraySchema array) {
      array(array, value, at);
    } else if (schema instanceof JsonAnyOfSchema any) {
      anyOf(any, value, at);
    } else if (schema instanceof JsonReferenceSchema reference) {
      JsonSchemaElement target = definitions.get(reference.reference());
      if (target != null) {
        check(target, value, at);
      }
    } else {
      raw(StrictJson.tree(JsonSchemaElementUtils.toMap(schema)), value, at);
    }
  }

  private void object(JsonObjectSchema schema, JsonNode value, String at) {
    if (!value.isObject()) {
      wrongType(at, "object", value);
      return;
    }
    Map<String, JsonSchemaElement> properties = schema.properties();
    for (String name : schema.required() == null ? List.<String>of() : schema.required()) {
      if (!value.has(name)) {
        problem(at + "." + name + " is required and missing");
      }
    }
    // a schema that names no property describes a map
    boolean open =
        schema.additionalProperties() == null
            ? properties.isEmpty() && !at.equals("$")
            : schema.additionalProperties();
    value
        .properties()
        .forEach(
            entry -> {
              JsonSchemaElement property = properties.get(entry.getKey());
              if (property != null) {
                boolean absent =
                    entry.getValue().isNull()
                        && (schema.required() == null
                            || !schema.required().contains(entry.getKey()));
                if (!absent) {
                  check(property, entry.getValue(), at + "." + entry.getKey());
                }
              } else if (!open) {
                problem(unknown(at, entry.getKey(), List.copyOf(properties.keySet())));
              }
            });
  }

  private void array(JsonArraySchema schema, JsonNode value, String at) {
    if (!value.isArray()) {
      wrongType(at, "array", value);
      return;
    }
    if (schema.items() != null) {
      for (int i = 0; i < value.size(); i++) {
        check(schema.items(), value.get(i), at + "[" + i + "]");
      }
    }
  }

  private void anyOf(JsonAnyOfSchema schema, JsonNode value, String at) {
    for (JsonSchemaElement option : schema.anyOf()) {
      SchemaCheck one = new SchemaCheck();
      one.definitions.putAll(definitions);
      one.check(option, value, at);
      if (one.problems.isEmpty()) {
        return;
      }
    }
    problem(at + " fits none of the forms that the schema allows");
  }

  /** A schema as its JSON. */
  private void raw(JsonNode schema, JsonNode value, String at) {
    if (problems.size() >= MOST_PROBLEMS || !type(schema.get("type"), value, at)) {
      return;
    }
    JsonNode allowed = schema.get("enum");
    if (allowed != null && allowed.isArray()) {
      List<String> words = new ArrayList<>();
      boolean found = false;
      for (JsonNode one : allowed) {
        found |= one.equals(value);
        words.add(one.asText());
      }
      if (!found) {
        problem("%s must be one of %s".formatted(at, words));
      }
    }
    JsonNode properties = schema.get("properties");
    JsonNode required = schema.get("required");
    if (value.isObject() && required != null) {
      for (JsonNode name : required) {
        if (!value.has(name.asText())) {
          problem(at + "." + name.asText() + " is required and missing");
        }
      }
    }
    if (value.isObject() && properties != null) {
      JsonNode more = schema.get("additionalProperties");
      for (Map.Entry<String, JsonNode> entry : value.properties()) {
        JsonNode property = properties.get(entry.getKey());
        if (property != null) {
          raw(property, entry.getValue(), at + "." + entry.getKey());
        } else if (more != null && more.isBoolean() && !more.booleanValue()) {
          List<String> known = new ArrayList<>();
          properties.fieldNames().forEachRemaining(known::add);
          problem(unknown(at, entry.getKey(), known));
        }
      }
    }
    JsonNode items = schema.get("items");
    if (value.isArray() && items != null) {
      for (int i = 0; i < value.size(); i++) {
        raw(items, value.get(i), at + "[" + i + "]");
      }
    }
  }

  private boolean type(@Nullable JsonNode type, JsonNode value, String at) {
    if (type == null || type.isNull()) {
      return true;
    }
    if (type.isTextual()) {
      return fits(type.asText(), value) || wrongType(at, type.asText(), value);
    }
    List<String> words = new ArrayList<>();
    for (JsonNode one : type) {
      if (fits(one.asText(), value)) {
        return true;
      }
      words.add(one.asText());
    }
    return wrongType(at, String.join(" or ", words), value);
  }

  private static boolean fits(String type, JsonNode value) {
    return switch (type) {
      case "object" -> value.isObject();
      case "array" -> value.isArray();
      case "string" -> value.isTextual();
      case "boolean" -> value.isBoolean();
      case "null" -> value.isNull();
      case "number" -> value.isNumber();
      case "integer" -> value.isNumber() && isWhole(value);
      default -> true;
    };
  }

  private static boolean isWhole(JsonNode number) {
    if (!number.isBigDecimal()) {
      return number.isIntegralNumber();
    }
    BigDecimal decimal = number.decimalValue();
    return decimal.signum() == 0 || decimal.stripTrailingZeros().scale() <= 0;
  }

  private boolean wrongType(String at, String wanted, JsonNode value) {
    problem(
        "%s must be of type %s, not %s"
            .formatted(at, wanted, value.getNodeType().name().toLowerCase(Locale.ROOT)));
    return false;
  }

  private static String unknown(String at, String name, List<String> known) {
    String shown = name.length() > MOST_SHOWN ? name.substring(0, MOST_SHOWN) + "…" : name;
    return "%s has an unknown property '%s'; there are %s".formatted(at, shown, known);
  }

  private void problem(String problem) {
    if (problems.size() < MOST_PROBLEMS) {
      problems.add(problem);
    }
  }
}
