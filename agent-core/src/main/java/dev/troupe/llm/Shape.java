package dev.troupe.llm;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.langchain4j.model.chat.request.json.JsonArraySchema;
import dev.langchain4j.model.chat.request.json.JsonBooleanSchema;
import dev.langchain4j.model.chat.request.json.JsonEnumSchema;
import dev.langchain4j.model.chat.request.json.JsonIntegerSchema;
import dev.langchain4j.model.chat.request.json.JsonNumberSchema;
import dev.langchain4j.model.chat.request.json.JsonObjectSchema;
import dev.langchain4j.model.chat.request.json.JsonSchemaElement;
import dev.langchain4j.model.chat.request.json.JsonStringSchema;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** What a value of a record looks like in JSON: its schema, and how it is read. */
sealed interface Shape {
  /** As langchain4j sends it. */
  JsonSchemaElement schema(@Nullable String description);

  /** As JSON Schema, for a prompt. */
  ObjectNode json();

  /** The value; null when it does not fit, which the problems tell. */
  @Nullable Object read(JsonNode node, String place, Problems problems);

  private static ObjectNode type(String type) {
    return JsonNodeFactory.instance.objectNode().put("type", type);
  }

  private static @Nullable Object wrong(
      String wanted, JsonNode node, String place, Problems problems) {
    problems.add(place, "has to be " + wanted + ", not " + kind(node));
    return null;
  }

  private static String kind(JsonNode node) {
    return switch (node.getNodeType()) {
      case STRING -> "text";
      case NUMBER -> node.isIntegralNumber() ? "a whole number" : "a number";
      case BOOLEAN -> "true or false";
      case ARRAY -> "a list";
      case OBJECT -> "an object";
      default -> "null";
    };
  }

  /** Text, or what is written as text. */
  record Text(String what, Function<String, Object> parse) implements Shape {
    @Override
    public JsonSchemaElement schema(@Nullable String description) {
      String said = description == null && !what.equals("text") ? what : description;
      return JsonStringSchema.builder().description(said).build();
    }

    @Override
    public ObjectNode json() {
      return what.equals("text") ? type("string") : type("string").put("description", what);
    }

    @Override
    public @Nullable Object read(JsonNode node, String place, Problems problems) {
      if (!node.isTextual()) {
        return wrong(what, node, place, problems);
      }
      try {
        return parse.apply(node.textValue());
      } catch (RuntimeException notParsed) {
        problems.add(place, "has to be " + what);
        return null;
      }
    }
  }

  /** A whole number, or one with a fraction. */
  record Numeric(String what, boolean whole, Function<BigDecimal, Object> convert)
      implements Shape {
    /** Beyond this, arithmetic on a number of a few characters fills the memory. */
    private static final int MAX_SCALE = 1_000;

    @Override
    public JsonSchemaElement schema(@Nullable String description) {
      return whole
          ? JsonIntegerSchema.builder().description(description).build()
          : JsonNumberSchema.builder().description(description).build();
    }

    @Override
    public ObjectNode json() {
      return type(whole ? "integer" : "number");
    }

    @Override
    public @Nullable Object read(JsonNode node, String place, Problems problems) {
      if (!node.isNumber()) {
        return wrong(what, node, place, problems);
      }
      BigDecimal number = node.decimalValue();
      if (Math.abs((long) number.scale()) > MAX_SCALE) {
        problems.add(place, "has to be " + what + ", of reasonable size");
        return null;
      }
      try {
        return convert.apply(number);
      } catch (ArithmeticException outside) {
        problems.add(place, "has to be " + what);
        return null;
      }
    }
  }

  /** True or false. */
  record Flag() implements Shape {
    @Override
    public JsonSchemaElement schema(@Nullable String description) {
      return JsonBooleanSchema.builder().description(description).build();
    }

    @Override
    public ObjectNode json() {
      return type("boolean");
    }

    @Override
    public @Nullable Object read(JsonNode node, String place, Problems problems) {
      return node.isBoolean()
          ? (Object) node.booleanValue()
          : wrong("true or false", node, place, problems);
    }
  }

  /** One of an enum's constants. */
  record Choice(Map<String, Object> constants, @Nullable String said) implements Shape {
    @Override
    public JsonSchemaElement schema(@Nullable String description) {
      return JsonEnumSchema.builder()
          .enumValues(List.copyOf(constants.keySet()))
          .description(description == null ? said : description)
          .build();
    }

    @Override
    public ObjectNode json() {
      ObjectNode json = type("string");
      constants.keySet().forEach(json.putArray("enum")::add);
      return json;
    }

    @Override
    public @Nullable Object read(JsonNode node, String place, Problems problems) {
      Object constant = node.isTextual() ? constants.get(node.textValue()) : null;
      if (constant == null) {
        problems.add(place, "has to be one of " + String.join(", ", constants.keySet()));
      }
      return constant;
    }
  }

  /** A list or a set. */
  record Items(Shape item, boolean set) implements Shape {
    @Override
    public JsonSchemaElement schema(@Nullable String description) {
      return JsonArraySchema.builder().items(item.schema(null)).description(description).build();
    }

    @Override
    public ObjectNode json() {
      ObjectNode json = type("array");
      json.set("items", item.json());
      return json;
    }

    @Override
    public @Nullable Object read(JsonNode node, String place, Problems problems) {
      if (!node.isArray()) {
        return wrong("a list", node, place, problems);
      }
      List<Object> values = new ArrayList<>(node.size());
      for (int i = 0; i < node.size() && !problems.full(); i++) {
        Object value = item.read(node.get(i), place + "/" + i, problems);
        if (value != null) {
          values.add(value);
        }
      }
      return set ? new LinkedHashSet<>(values) : List.copyOf(values);
    }
  }

  /** A record. */
  record Fields(Constructor<?> constructor, List<Field> fields, @Nullable String said)
      implements Shape {

    /** A component: it may be missing where it is an Optional or may be null. */
    record Field(
        String name, Shape shape, boolean optional, boolean nullable, @Nullable String said) {
      boolean required() {
        return !optional && !nullable;
      }
    }

    @Override
    public JsonObjectSchema schema(@Nullable String description) {
      JsonObjectSchema.Builder schema =
          JsonObjectSchema.builder()
              .description(description == null ? said : description)
              .required(fields.stream().filter(Field::required).map(Field::name).toList())
              .additionalProperties(false);
      fields.forEach(field -> schema.addProperty(field.name, field.shape.schema(field.said)));
      return schema.build();
    }

    @Override
    public ObjectNode json() {
      ObjectNode json = type("object");
      if (said != null) {
        json.put("description", said);
      }
      ObjectNode properties = json.putObject("properties");
      for (Field field : fields) {
        ObjectNode property = field.shape.json();
        if (field.said != null) {
          property.put("description", field.said);
        }
        properties.set(field.name, property);
      }
      fields.stream().filter(Field::required).map(Field::name).forEach(array(json)::add);
      return json.put("additionalProperties", false);
    }

    private static com.fasterxml.jackson.databind.node.ArrayNode array(ObjectNode json) {
      return json.putArray("required");
    }

    @Override
    public @Nullable Object read(JsonNode node, String place, Problems problems) {
      if (!node.isObject()) {
        return wrong("an object", node, place, problems);
      }
      int before = problems.count();
      @Nullable Object[] values = new @Nullable Object[fields.size()];
      Map<String, Boolean> known = new LinkedHashMap<>();
      for (int i = 0; i < values.length; i++) {
        Field field = fields.get(i);
        known.put(field.name, true);
        JsonNode given = node.get(field.name);
        if (given != null && !given.isNull()) {
          Object value = field.shape.read(given, place + "/" + field.name, problems);
          values[i] = field.optional ? Optional.ofNullable(value) : value;
        } else if (field.optional) {
          values[i] = Optional.empty();
        } else if (!field.nullable) {
          problems.add(place + "/" + field.name, given == null ? "is missing" : "must not be null");
        }
      }
      for (Iterator<String> names = node.fieldNames(); names.hasNext() && !problems.full(); ) {
        String name = names.next();
        if (!known.containsKey(name)) {
          problems.add(place, "has a field that the schema does not know", name);
        }
      }
      return problems.count() == before ? make(values, place, problems) : null;
    }

    private @Nullable Object make(@Nullable Object[] values, String place, Problems problems) {
      try {
        return constructor.newInstance(values);
      } catch (InvocationTargetException refused) {
        Throwable why = refused.getCause();
        if (why instanceof Error error) {
          throw error;
        }
        problems.add(place, "is not accepted", why == null ? null : why.getMessage());
        return null;
      } catch (ReflectiveOperationException impossible) {
        throw new IllegalStateException(impossible);
      }
    }
  }
}
